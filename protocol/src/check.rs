//! Whether a document is what its class says.
//!
//! One walk over the fields. Documents come with their fields in the order of the properties, so the
//! property behind the last one is tried first and a search is the exception.

use crate::code::RefusalCode;
use crate::document::{Document, Value};
use crate::schema::{Class, Collection, Kind, Property, PropertyType, Schema};

/// Why a document does not fit its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What kind of misfit.
    pub code: RefusalCode,
    /// Class, property, expected and found type, for a person.
    pub reason: String,
}

impl Violation {
    fn new(code: RefusalCode, reason: String) -> Self {
        Self { code, reason }
    }
}

impl Class {
    /// Whether `document` is an object of this class; `schema` is where its embedded classes are found.
    ///
    /// # Errors
    /// With the first thing that does not fit.
    pub fn check(&self, document: &Document<'_>, schema: &Schema) -> Result<(), Violation> {
        let mut seen = Seen::new(self.properties.len());
        let mut expected = 0;
        for field in document.fields() {
            let Some((index, property)) = self.property(field.key, expected) else {
                let reason = format!("class '{}' has no property '{}'", self.name, field.key);
                return Err(Violation::new(RefusalCode::UnknownProperty, reason));
            };
            if !seen.insert(index) {
                let reason = format!(
                    "the field of property '{}.{}' appears twice",
                    self.name, field.key
                );
                return Err(Violation::new(RefusalCode::InvalidDocument, reason));
            }
            Check {
                class: self,
                property,
                schema,
            }
            .property(field.value)?;
            expected = index + 1;
        }
        let is_missing =
            |(index, property): &(usize, &Property)| must_be_there(property) && !seen.contains(*index);
        match self.properties.iter().enumerate().find(is_missing) {
            None => Ok(()),
            Some((_, property)) => {
                let reason = format!("required property '{}.{}' is missing", self.name, property.name);
                Err(Violation::new(RefusalCode::MissingProperty, reason))
            }
        }
    }

    fn property(&self, key: &str, expected: usize) -> Option<(usize, &Property)> {
        if let Some(property) = self.properties.get(expected)
            && property.name == key
        {
            return Some((expected, property));
        }
        self.properties
            .iter()
            .enumerate()
            .find(|(_, property)| property.name == key)
    }
}

/// Optional values, embedded objects, collections and mixed values may be left out: Realm reads absent,
/// null and empty as the same thing.
fn must_be_there(property: &Property) -> bool {
    !property.optional
        && property.collection.is_none()
        && !matches!(property.kind, PropertyType::Object | PropertyType::Mixed)
}

/// The check of one property's value.
struct Check<'a> {
    class: &'a Class,
    property: &'a Property,
    schema: &'a Schema,
}

impl Check<'_> {
    fn property(&self, value: Value<'_>) -> Result<(), Violation> {
        match (self.property.collection, value) {
            (None, value) => self.value(value, String::new),
            (Some(Collection::List | Collection::Set), Value::Array(elements)) => {
                for (index, field) in elements.fields().enumerate() {
                    self.value(field.value, || format!("element {index} of "))?;
                }
                Ok(())
            }
            (Some(Collection::Dictionary), Value::Document(entries)) => {
                for field in entries.fields() {
                    // Such a key would read as an operator or a path once it is in a database.
                    if field.key.starts_with('$') || field.key.contains('.') {
                        let reason = format!(
                            "key '{}' of {} begins with '$' or has a '.'",
                            field.key,
                            self.name()
                        );
                        return Err(Violation::new(RefusalCode::InvalidDocument, reason));
                    }
                    self.value(field.value, || format!("the value under '{}' of ", field.key))?;
                }
                Ok(())
            }
            (Some(collection), value) => {
                let wanted = if collection == Collection::Dictionary {
                    "a document"
                } else {
                    "an array"
                };
                Err(self.mismatch("", wanted, value))
            }
        }
    }

    fn value(&self, value: Value<'_>, place: impl Fn() -> String) -> Result<(), Violation> {
        use PropertyType as T;
        let property = self.property;
        let fits = match (property.kind, value) {
            (T::Int, Value::Int64(_) | Value::Int32(_))
            | (T::Bool, Value::Boolean(_))
            | (T::String, Value::String(_))
            | (T::Data, Value::Binary { subtype: 0, .. })
            | (
                T::Uuid,
                Value::Binary {
                    subtype: 4,
                    bytes: [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _],
                },
            )
            | (T::Date, Value::DateTime(_))
            | (T::Float | T::Double, Value::Double(_))
            | (T::Decimal128, Value::Decimal128(_))
            | (T::ObjectId, Value::ObjectId(_)) => true,
            (T::Mixed, value) => is_scalar(value),
            // Realm sends a pointer of null as null, alone or in a dictionary; in a list it sends nothing.
            (T::Object, Value::Null) => {
                property.optional || matches!(property.collection, None | Some(Collection::Dictionary))
            }
            (T::Object, Value::Document(object)) => return self.embedded(object),
            (_, Value::Null) => property.optional,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(self.mismatch(&place(), &self.wanted(), value))
        }
    }

    fn embedded(&self, object: Document<'_>) -> Result<(), Violation> {
        let name = self.property.object.as_deref().unwrap_or_default();
        match self.schema.class(name) {
            Some(class) if class.kind == Kind::Embedded => class.check(&object, self.schema),
            _ => {
                let reason = format!("{} holds '{name}', which is no embedded class", self.name());
                Err(Violation::new(RefusalCode::UnknownClass, reason))
            }
        }
    }

    fn name(&self) -> String {
        format!("property '{}.{}'", self.class.name, self.property.name)
    }

    fn wanted(&self) -> String {
        let kind = self.property.kind.as_str();
        if self.property.optional {
            format!("{kind} or null")
        } else {
            kind.to_owned()
        }
    }

    fn mismatch(&self, place: &str, wanted: &str, found: Value<'_>) -> Violation {
        let reason = format!(
            "{place}{} expects {wanted}, found {}",
            self.name(),
            found.type_name()
        );
        Violation::new(RefusalCode::TypeMismatch, reason)
    }
}

/// What Realm's mixed can hold without being a link or a collection.
fn is_scalar(value: Value<'_>) -> bool {
    matches!(
        value,
        Value::Null
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Boolean(_)
            | Value::String(_)
            | Value::Binary { subtype: 0, .. }
            | Value::Binary {
                subtype: 4,
                bytes: [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]
            }
            | Value::DateTime(_)
            | Value::Double(_)
            | Value::Decimal128(_)
            | Value::ObjectId(_)
    )
}

/// Which properties a document has shown. Real classes fit into the inline part.
struct Seen {
    inline: [u64; 4],
    rest: Vec<u64>,
}

impl Seen {
    fn new(properties: usize) -> Self {
        Self {
            inline: [0; 4],
            rest: vec![0; properties.div_ceil(64).saturating_sub(4)],
        }
    }

    fn word(&mut self, index: usize) -> Option<&mut u64> {
        let word = index / 64;
        if word < self.inline.len() {
            self.inline.get_mut(word)
        } else {
            self.rest.get_mut(word - 4)
        }
    }

    /// False when the property was there already.
    fn insert(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        self.word(index).is_some_and(|word| {
            let fresh = *word & bit == 0;
            *word |= bit;
            fresh
        })
    }

    fn contains(&self, index: usize) -> bool {
        let word = index / 64;
        let found = if word < 4 {
            self.inline.get(word)
        } else {
            self.rest.get(word - 4)
        };
        found.is_some_and(|word| *word & (1 << (index % 64)) != 0)
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;

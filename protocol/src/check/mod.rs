//! Whether a document is what its class says.
//!
//! A schema is made ready once; after that a document costs one walk over its fields, whatever the size of its class.
//! Documents come with their fields in the order of the properties, so the property behind the last one is tried first and
//! a search by name is the exception.

mod seen;

use std::collections::HashMap;

use self::seen::Seen;
use crate::code::RefusalCode;
use crate::document::{Document, Value};
use crate::schema::{Class, Collection, Kind, MAX_PROPERTY_NAME, Property, PropertyType, Schema};

/// Bytes of a key that a reason shows: Realm's limit for a property's name. Longer ones are no property's.
const MAX_SHOWN: usize = MAX_PROPERTY_NAME;

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

/// The classes of a schema, made ready for checking.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    /// In the order of the schema.
    classes: Vec<Ready>,
    by_name: HashMap<String, usize>,
}

/// One class, made ready.
#[derive(Clone, Debug)]
struct Ready {
    class: Class,
    by_name: HashMap<String, usize>,
    /// Of each property the class it holds, where it holds an embedded one.
    embedded: Vec<Option<usize>>,
    /// How many properties must be there.
    required: usize,
}

impl Checker {
    /// Makes the schema ready.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let by_name: HashMap<_, _> = (0..)
            .zip(&schema.classes)
            .map(|(at, class)| (class.name.clone(), at))
            .collect();
        let embedded = |property: &Property| {
            let at = *by_name.get(property.object.as_deref()?)?;
            let class = schema.classes.get(at)?;
            (class.kind == Kind::Embedded).then_some(at)
        };
        let classes = schema.classes.iter().map(|class| Ready {
            by_name: (0..)
                .zip(&class.properties)
                .map(|(at, property)| (property.name.clone(), at))
                .collect(),
            embedded: class.properties.iter().map(embedded).collect(),
            required: class
                .properties
                .iter()
                .filter(|property| must_be_there(property))
                .count(),
            class: class.clone(),
        });
        Self {
            classes: classes.collect(),
            by_name,
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.ready(name).map(|ready| &ready.class)
    }

    /// Whether `document` is an object of the class of this name.
    ///
    /// # Errors
    /// With the first thing that does not fit.
    pub fn check(&self, class: &str, document: &Document<'_>) -> Result<(), Violation> {
        match self.ready(class) {
            Some(ready) => self.object(ready, document),
            None => {
                let reason =
                    format!("class '{class}' is not in the schema the transaction was written under");
                Err(Violation::new(RefusalCode::UnknownClass, reason))
            }
        }
    }

    fn ready(&self, name: &str) -> Option<&Ready> {
        self.classes.get(*self.by_name.get(name)?)
    }

    fn object(&self, ready: &Ready, document: &Document<'_>) -> Result<(), Violation> {
        let class = &ready.class;
        let mut seen = Seen::default();
        let (mut expected, mut required) = (0, 0);
        for field in document.fields() {
            let Some((index, property)) = ready.property(field.key, expected) else {
                let reason = format!("class '{}' has no property '{}'", class.name, shown(field.key));
                return Err(Violation::new(RefusalCode::UnknownProperty, reason));
            };
            if !seen.insert(index) {
                let reason = format!(
                    "the field of property '{}.{}' appears twice",
                    class.name, field.key
                );
                return Err(Violation::new(RefusalCode::InvalidDocument, reason));
            }
            required += usize::from(must_be_there(property));
            Check {
                checker: self,
                ready,
                index,
                property,
            }
            .property(field.value)?;
            expected = index + 1;
        }
        if required == ready.required {
            return Ok(());
        }
        let is_missing =
            |(index, property): &(usize, &Property)| must_be_there(property) && !seen.contains(*index);
        let missing = class.properties.iter().enumerate().find(is_missing);
        let name = missing.map_or("", |(_, property)| property.name.as_str());
        let reason = format!("required property '{}.{name}' is missing", class.name);
        Err(Violation::new(RefusalCode::MissingProperty, reason))
    }
}

impl Ready {
    fn property(&self, key: &str, expected: usize) -> Option<(usize, &Property)> {
        let properties = &self.class.properties;
        if let Some(property) = properties.get(expected)
            && property.name == key
        {
            return Some((expected, property));
        }
        let at = *self.by_name.get(key)?;
        Some((at, properties.get(at)?))
    }
}

/// A key out of a document, as far as a reason shows it.
fn shown(key: &str) -> &str {
    let end = (0..=MAX_SHOWN.min(key.len()))
        .rev()
        .find(|at| key.is_char_boundary(*at));
    key.get(..end.unwrap_or(0)).unwrap_or_default()
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
    checker: &'a Checker,
    ready: &'a Ready,
    index: usize,
    property: &'a Property,
}

impl Check<'_> {
    fn property(&self, value: Value<'_>) -> Result<(), Violation> {
        match (self.property.collection, value) {
            (None, value) => self.value(value, &String::new),
            (Some(Collection::List | Collection::Set), Value::Array(elements)) => {
                for (index, field) in elements.fields().enumerate() {
                    self.value(field.value, &|| format!("element {index} of "))?;
                }
                Ok(())
            }
            (Some(Collection::Dictionary), Value::Document(entries)) => {
                self.keys(entries)?;
                for field in entries.fields() {
                    self.value(field.value, &|| {
                        format!("the value under '{}' of ", shown(field.key))
                    })?;
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

    /// Those of a dictionary.
    fn keys(&self, entries: Document<'_>) -> Result<(), Violation> {
        let mut keys: Vec<_> = entries.fields().map(|entry| entry.key).collect();
        let refused = |key, what| {
            let reason = format!("key '{}' of {} {what}", shown(key), self.name());
            Err(Violation::new(RefusalCode::InvalidDocument, reason))
        };
        // Such a key would read as an operator or a path once it is in a database.
        let is_plain = |key: &str| !key.starts_with('$') && !key.contains('.');
        if let Some(key) = keys.iter().find(|key| !is_plain(key)) {
            return refused(key, "begins with '$' or has a '.'");
        }
        // Of entries with one key, readers of a database show one, each another.
        keys.sort_unstable();
        let mut neighbours = keys.iter().zip(keys.iter().skip(1));
        match neighbours.find(|(one, next)| one == next) {
            Some((key, _)) => refused(key, "appears twice"),
            None => Ok(()),
        }
    }

    fn value(&self, value: Value<'_>, place: &dyn Fn() -> String) -> Result<(), Violation> {
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
            // A list or a dictionary, of what is mixed again.
            (T::Mixed, Value::Array(elements)) => {
                return elements
                    .fields()
                    .try_for_each(|element| self.value(element.value, place));
            }
            (T::Mixed, Value::Document(entries)) => {
                self.keys(entries)?;
                return entries
                    .fields()
                    .try_for_each(|entry| self.value(entry.value, place));
            }
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
        let embedded = self.ready.embedded.get(self.index).copied().flatten();
        match embedded.and_then(|at| self.checker.classes.get(at)) {
            Some(ready) => self.checker.object(ready, &object),
            None => {
                let class = self.property.object.as_deref().unwrap_or_default();
                let reason = format!("{} holds '{class}', which is no embedded class", self.name());
                Err(Violation::new(RefusalCode::UnknownClass, reason))
            }
        }
    }

    fn name(&self) -> String {
        format!("property '{}.{}'", self.ready.class.name, self.property.name)
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

#[cfg(test)]
mod tests;

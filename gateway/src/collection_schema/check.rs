//! Whether a document is what the schema says: one walk over it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use realm_ingest_protocol::{Document, RefusalCode, Value, Violation};

use super::CollectionSchema;
use super::node::{Arrays, Kind, Node, Numbers, Objects, Others, Strings};
use crate::comparison::Number;
use crate::json_path::shown;

impl CollectionSchema {
    /// Whether a sound document is as the schema says. Null is taken wherever a value may be absent.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check(&self, document: &Document<'_>) -> Result<(), Violation> {
        let value = Value::Document(*document);
        self.root.check(value).map_err(|failure| {
            let path: String = failure.path.into_iter().rev().collect();
            let title = self.title().unwrap_or_default();
            Violation {
                code: failure.code,
                reason: format!("'{title}{path}' {}", failure.text),
            }
        })
    }
}

/// What is wrong, and where: the steps from the inside.
struct Failure {
    path: Vec<String>,
    code: RefusalCode,
    text: String,
}

impl Failure {
    fn new(code: RefusalCode, text: impl Into<String>) -> Self {
        let (path, text) = (Vec::new(), text.into());
        Self { path, code, text }
    }

    /// It is inside the field of this name.
    fn under(mut self, key: &str) -> Self {
        self.path.push(format!(".{}", shown(key)));
        self
    }

    /// It is inside an element.
    fn at(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }
}

type Outcome = Result<(), Failure>;

fn holds(holds: bool, text: impl FnOnce() -> String) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(Failure::new(RefusalCode::ValidationFailed, text()))
    }
}

impl Node {
    fn check(&self, value: Value<'_>) -> Outcome {
        if !self.kind.has(value) {
            let text = format!(
                "is {}, which the schema of the application has as {}",
                value.type_name(),
                self.kind.as_str()
            );
            return Err(Failure::new(RefusalCode::TypeMismatch, text));
        }
        if let Some(allowed) = &self.allowed {
            holds(allowed.contains(value), || {
                "is none of the values in 'enum'".to_owned()
            })?;
        }
        match value {
            Value::String(text) => self.strings.as_ref().map_or(Ok(()), |rules| rules.check(text)),
            Value::Array(array) => self.arrays.as_ref().map_or(Ok(()), |rules| rules.check(&array)),
            Value::Document(document) => self
                .objects
                .as_ref()
                .map_or(Ok(()), |rules| rules.check(&document)),
            _ => match (&self.numbers, Number::of(value)) {
                (Some(rules), Some(number)) => rules.check(number),
                _ => Ok(()),
            },
        }
    }

    /// A value that may as well be absent.
    fn check_optional(&self, value: Value<'_>) -> Outcome {
        if value == Value::Null {
            Ok(())
        } else {
            self.check(value)
        }
    }
}

impl Kind {
    const fn has(self, value: Value<'_>) -> bool {
        match self {
            Self::Mixed => true,
            Self::Int => matches!(value, Value::Int32(_) | Value::Int64(_)),
            Self::Double => matches!(value, Value::Double(_)),
            Self::Decimal => matches!(value, Value::Decimal128(_)),
            Self::Number => matches!(
                value,
                Value::Int32(_) | Value::Int64(_) | Value::Double(_) | Value::Decimal128(_)
            ),
            Self::String => matches!(value, Value::String(_)),
            Self::Bool => matches!(value, Value::Boolean(_)),
            Self::Date => matches!(value, Value::DateTime(_)),
            Self::ObjectId => matches!(value, Value::ObjectId(_)),
            Self::Uuid => matches!(value, Value::Binary { subtype: 4, .. }),
            Self::BinData => matches!(value, Value::Binary { .. }),
            Self::Object => matches!(value, Value::Document(_)),
            Self::Array => matches!(value, Value::Array(_)),
        }
    }
}

impl Numbers {
    fn check(&self, number: Number) -> Outcome {
        if let Some((minimum, excluded)) = self.minimum {
            let fits = number > minimum || (number == minimum && !excluded);
            holds(fits, || format!("is below the minimum of {minimum}"))?;
        }
        if let Some((maximum, excluded)) = self.maximum {
            let fits = number < maximum || (number == maximum && !excluded);
            holds(fits, || format!("is above the maximum of {maximum}"))?;
        }
        if let Some(divisor) = self.multiple_of {
            holds(number.is_multiple_of(divisor), || {
                format!("is no multiple of {divisor}")
            })?;
        }
        Ok(())
    }
}

impl Strings {
    fn check(&self, text: &str) -> Outcome {
        if self.min.is_some() || self.max.is_some() {
            within(text.chars().count(), self.min, self.max, "characters")?;
        }
        let fits = self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        holds(fits, || "does not match 'pattern'".to_owned())
    }
}

impl Arrays {
    fn check(&self, array: &Document<'_>) -> Outcome {
        let hasher = RandomState::new();
        let mut hashes = Vec::new();
        let mut count = 0;
        for field in array.fields() {
            within(count + 1, None, self.max, "elements")?;
            let element = self.items.check_optional(field.value);
            element.map_err(|failure| failure.at(count))?;
            count += 1;
            if self.unique {
                let key = key(field.kind, field.value, field.raw);
                hashes.push([0, 1].map(|half| hasher.hash_one((half, &key))));
            }
        }
        within(count, self.min, None, "elements")?;
        // 128 bits under a secret key, which no two that differ have in common, whatever the size of the elements.
        hashes.sort_unstable();
        let mut pairs = hashes.iter().zip(hashes.iter().skip(1));
        holds(pairs.all(|(one, next)| one != next), || {
            "has an element twice".to_owned()
        })
    }
}

/// What tells one element from another: numbers by what they are worth, others by their bytes.
fn key<'a>(kind: u8, value: Value<'_>, raw: &'a [u8]) -> (u8, Cow<'a, [u8]>) {
    /// Types of BSON that stand for all numbers.
    const INT: u8 = 0x12;
    const DOUBLE: u8 = 0x01;
    match Number::of(value) {
        None => (kind, Cow::Borrowed(raw)),
        Some(number) => match number.to_int() {
            Some(int) => (INT, Cow::Owned(int.to_le_bytes().to_vec())),
            None => (DOUBLE, Cow::Owned(number.to_double().to_le_bytes().to_vec())),
        },
    }
}

impl Objects {
    fn check(&self, document: &Document<'_>) -> Outcome {
        let names_matter = !self.required.is_empty() || !self.dependencies.is_empty();
        let mut names = HashSet::new();
        let mut count = 0;
        for field in document.fields() {
            self.field(field.key, field.value)
                .map_err(|failure| failure.under(field.key))?;
            if names_matter {
                names.insert(field.key);
            }
            count += 1;
        }
        if let Some(name) = self.required.iter().find(|name| !names.contains(name.as_str())) {
            let failure = Failure::new(RefusalCode::MissingProperty, "is required and missing");
            return Err(failure.under(name));
        }
        for (name, needed) in &self.dependencies {
            let missing = needed.iter().find(|one| !names.contains(one.as_str()));
            if let Some(missing) = missing.filter(|_| names.contains(name.as_str())) {
                let failure = Failure::new(
                    RefusalCode::MissingProperty,
                    format!("is missing, which '{name}' depends on"),
                );
                return Err(failure.under(missing));
            }
        }
        within(count, self.min, self.max, "fields")
    }

    fn field(&self, key: &str, value: Value<'_>) -> Outcome {
        let property = self.properties.get(key);
        match property {
            Some(property) if property.required => property.node.check(value)?,
            Some(property) => property.node.check_optional(value)?,
            None => {}
        }
        let mut is_named = property.is_some();
        for (pattern, node) in &self.patterns {
            if pattern.is_match(key) {
                is_named = true;
                node.check_optional(value)?;
            }
        }
        match &self.others {
            Others::Like(node) if !is_named => node.check_optional(value),
            Others::Forbidden if !is_named => {
                let text = "is not among the properties that the schema of the application allows";
                Err(Failure::new(RefusalCode::UnknownProperty, text))
            }
            _ => Ok(()),
        }
    }
}

fn within(count: usize, min: Option<usize>, max: Option<usize>, what: &str) -> Outcome {
    if let Some(min) = min {
        holds(count >= min, || format!("has fewer than {min} {what}"))?;
    }
    match max {
        Some(max) => holds(count <= max, || format!("has more than {max} {what}")),
        None => Ok(()),
    }
}

//! Whether a document is what its class says: said once more, slowly and without a look at how the library does it.

use std::collections::BTreeSet;

use bson::raw::{CString, RawArrayBuf, RawBson, RawDocumentBuf};
use realm_ingest_protocol::{Collection, Kind, Property, PropertyType, RefusalCode, Schema};

/// Fields as they are written, which may repeat a name.
pub(crate) type Fields = Vec<(String, Value)>;

/// A value of a document.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Anything but documents and arrays.
    Scalar(RawBson),
    Document(Fields),
    Array(Vec<Value>),
}

/// The document's bytes.
pub(crate) fn written(fields: &Fields) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    for (key, value) in fields {
        document.append(CString::try_from(key.clone()).unwrap(), raw(value));
    }
    document
}

fn raw(value: &Value) -> RawBson {
    match value {
        Value::Scalar(scalar) => scalar.clone(),
        Value::Document(fields) => RawBson::Document(written(fields)),
        Value::Array(elements) => {
            let mut array = RawArrayBuf::new();
            elements.iter().for_each(|one| array.push(raw(one)));
            RawBson::Array(array)
        }
    }
}

/// What is said of the document: the first thing that is wrong in the order of its fields, or else what is missing.
pub(crate) fn verdict(schema: &Schema, class: &str, fields: &Fields) -> Result<(), RefusalCode> {
    let class = schema.classes.iter().find(|one| one.name == class);
    let class = class.ok_or(RefusalCode::UnknownClass)?;
    let mut before: Vec<&str> = Vec::new();
    for (key, value) in fields {
        let property = class.properties.iter().find(|one| one.name == *key);
        let property = property.ok_or(RefusalCode::UnknownProperty)?;
        if before.contains(&key.as_str()) {
            return Err(RefusalCode::InvalidDocument);
        }
        before.push(key);
        values(schema, property, value)?;
    }
    let missing = |one: &&Property| is_needed(one) && !before.contains(&one.name.as_str());
    match class.properties.iter().find(missing) {
        Some(_) => Err(RefusalCode::MissingProperty),
        None => Ok(()),
    }
}

fn is_needed(property: &Property) -> bool {
    let can_be_nothing = [PropertyType::Object, PropertyType::Mixed].contains(&property.kind);
    property.collection.is_none() && !property.optional && !can_be_nothing
}

fn values(schema: &Schema, property: &Property, found: &Value) -> Result<(), RefusalCode> {
    match property.collection {
        None => value(schema, property, found),
        Some(Collection::Dictionary) => {
            let Value::Document(entries) = found else {
                return Err(RefusalCode::TypeMismatch);
            };
            dictionary(schema, property, entries)
        }
        Some(Collection::List | Collection::Set) => {
            let Value::Array(elements) = found else {
                return Err(RefusalCode::TypeMismatch);
            };
            elements.iter().try_for_each(|one| value(schema, property, one))
        }
    }
}

fn dictionary(schema: &Schema, property: &Property, entries: &Fields) -> Result<(), RefusalCode> {
    let is_plain = |key: &str| !key.starts_with('$') && !key.contains('.');
    let keys: BTreeSet<_> = entries.iter().map(|(key, _)| key).collect();
    if keys.len() < entries.len() || !keys.iter().all(|key| is_plain(key)) {
        return Err(RefusalCode::InvalidDocument);
    }
    entries
        .iter()
        .try_for_each(|(_, one)| value(schema, property, one))
}

fn value(schema: &Schema, property: &Property, found: &Value) -> Result<(), RefusalCode> {
    if property.kind == PropertyType::Object {
        let null_is_sent = !matches!(property.collection, Some(Collection::List | Collection::Set));
        return match found {
            Value::Scalar(RawBson::Null) if property.optional || null_is_sent => Ok(()),
            Value::Document(fields) => {
                let target = property.object.as_deref().unwrap_or("");
                let embedded = |one: &&realm_ingest_protocol::Class| one.kind == Kind::Embedded;
                let target = schema
                    .class(target)
                    .filter(embedded)
                    .ok_or(RefusalCode::UnknownClass)?;
                verdict(schema, &target.name, fields)
            }
            _ => Err(RefusalCode::TypeMismatch),
        };
    }
    let scalar = match found {
        Value::Scalar(scalar) => scalar,
        Value::Array(elements) if property.kind == PropertyType::Mixed => {
            return elements.iter().try_for_each(|one| value(schema, property, one));
        }
        Value::Document(entries) if property.kind == PropertyType::Mixed => {
            return dictionary(schema, property, entries);
        }
        _ => return Err(RefusalCode::TypeMismatch),
    };
    let kinds = kinds(scalar);
    let fits = match (property.kind, scalar) {
        (PropertyType::Mixed, RawBson::Null) => true,
        (PropertyType::Mixed, _) => !kinds.is_empty(),
        (_, RawBson::Null) => property.optional,
        (kind, _) => kinds.contains(&kind),
    };
    if fits {
        Ok(())
    } else {
        Err(RefusalCode::TypeMismatch)
    }
}

/// The types of properties that hold such a value.
fn kinds(scalar: &RawBson) -> &'static [PropertyType] {
    use PropertyType as T;
    match scalar {
        RawBson::Int32(_) | RawBson::Int64(_) => &[T::Int],
        RawBson::Boolean(_) => &[T::Bool],
        RawBson::String(_) => &[T::String],
        RawBson::Binary(binary) => match (u8::from(binary.subtype), binary.bytes.len()) {
            (0, _) => &[T::Data],
            (4, 16) => &[T::Uuid],
            _ => &[],
        },
        RawBson::DateTime(_) => &[T::Date],
        RawBson::Double(_) => &[T::Float, T::Double],
        RawBson::Decimal128(_) => &[T::Decimal128],
        RawBson::ObjectId(_) => &[T::ObjectId],
        _ => &[],
    }
}

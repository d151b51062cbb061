//! What a client writes for an object, given what becomes of it.

use ::bson::{Bson, Document};
use realm_ingest_protocol::{Class, Collection, Kind, Property, PropertyType, Schema};

use super::super::super::changeset::{Column, ColumnType, Container, KeyColumn, KeyType, Table};
use super::*;

#[derive(Default)]
pub(super) struct Client {
    encoder: Encoder,
    /// Nulls are said, which some clients do and others do not.
    says_nulls: bool,
}

/// Where in the object.
struct At<'a> {
    class: &'a str,
    key: Key<'a>,
    field: &'a str,
    path: Vec<PathElement<'a>>,
}

impl<'a> At<'a> {
    fn with(&self, step: PathElement<'a>) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        At { path, ..*self }
    }

    fn place(&self) -> Place<'a, '_> {
        Place {
            class: self.class,
            key: self.key,
            field: self.field,
            path: &self.path,
        }
    }
}

impl Client {
    pub(super) fn new(says_nulls: bool) -> Self {
        Self {
            says_nulls,
            ..Self::default()
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.encoder.finish()
    }

    /// Says what the classes are.
    pub(super) fn schema(&mut self, schema: &Schema) {
        for class in &schema.classes {
            let table = match class.kind {
                Kind::Embedded => Table::Embedded,
                Kind::Asymmetric => Table::Asymmetric(Some(key_column(class))),
            };
            self.encoder.push(Instruction::AddTable {
                class: &class.name,
                table,
            });
        }
        for class in &schema.classes {
            for property in class.properties.iter().filter(|one| one.name != "_id") {
                self.encoder.push(Instruction::AddColumn {
                    class: &class.name,
                    field: &property.name,
                    column: column(property),
                });
            }
        }
    }

    pub(super) fn object(&mut self, schema: &Schema, class: &Class, document: &Document) {
        let key = key(document.get("_id").unwrap());
        self.encoder.push(Instruction::CreateObject {
            class: &class.name,
            key,
        });
        for property in class.properties.iter().filter(|one| one.name != "_id") {
            if let Some(value) = document.get(&property.name) {
                let at = At {
                    class: &class.name,
                    key,
                    field: &property.name,
                    path: Vec::new(),
                };
                self.property(schema, property, &at, value);
            }
        }
    }

    fn property<'a>(&mut self, schema: &'a Schema, property: &'a Property, at: &At<'a>, value: &'a Bson) {
        match (property.collection, value) {
            (None, Bson::Null) if !self.says_nulls => {}
            (None, _) => self.put(schema, property, at, value, false),
            (Some(Collection::List), Bson::Array(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    let at = at.with(PathElement::Index(index));
                    self.put(schema, property, &at, element, true);
                }
            }
            (Some(Collection::Set), Bson::Array(elements)) => {
                // In the order the application adds them, which is not theirs.
                for element in elements.iter().rev() {
                    self.encoder.push(Instruction::SetInsert {
                        place: at.place(),
                        payload: payload(property.kind, element),
                    });
                }
            }
            (Some(Collection::Dictionary), Bson::Document(entries)) => {
                let entries: Vec<_> = entries.iter().collect();
                for (key, entry) in entries.into_iter().rev() {
                    let at = at.with(PathElement::Name(key));
                    self.put(schema, property, &at, entry, false);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn put<'a>(
        &mut self,
        schema: &'a Schema,
        property: &'a Property,
        at: &At<'a>,
        value: &'a Bson,
        is_element: bool,
    ) {
        let (place, payload) = (at.place(), payload(property.kind, value));
        self.encoder.push(if is_element {
            Instruction::ArrayInsert { place, payload }
        } else {
            Instruction::Update { place, payload }
        });
        let (Some(target), Bson::Document(object)) = (&property.object, value) else {
            return;
        };
        for property in &schema.class(target).unwrap().properties {
            if let Some(value) = object.get(&property.name) {
                let at = at.with(PathElement::Name(&property.name));
                self.property(schema, property, &at, value);
            }
        }
    }
}

fn key_column(class: &Class) -> KeyColumn<'_> {
    let property = class.properties.iter().find(|one| one.name == "_id").unwrap();
    KeyColumn {
        name: "_id",
        kind: match property.kind {
            PropertyType::Int => KeyType::Int,
            PropertyType::String => KeyType::String,
            PropertyType::ObjectId => KeyType::ObjectId,
            PropertyType::Uuid => KeyType::Uuid,
            other => panic!("{other:?}"),
        },
        nullable: property.optional,
    }
}

fn column(property: &Property) -> Column<'_> {
    use ColumnType as C;
    use PropertyType as T;
    let container = property.collection.map(|collection| match collection {
        Collection::List => Container::List,
        Collection::Set => Container::Set,
        Collection::Dictionary => Container::Dictionary,
    });
    let (kind, nullable) = match property.kind {
        T::Int => (C::Int, property.optional),
        T::Bool => (C::Bool, property.optional),
        T::String => (C::String, property.optional),
        T::Data => (C::Binary, property.optional),
        T::Date => (C::Timestamp, property.optional),
        T::Float => (C::Float, property.optional),
        T::Double => (C::Double, property.optional),
        T::Decimal128 => (C::Decimal, property.optional),
        T::ObjectId => (C::ObjectId, property.optional),
        T::Uuid => (C::Uuid, property.optional),
        T::Mixed => (C::Mixed, true),
        T::Object => (C::Link, container != Some(Container::List)),
    };
    Column {
        kind,
        nullable,
        container,
        target: property.object.as_deref(),
    }
}

fn key(value: &Bson) -> Key<'_> {
    match value {
        Bson::Null => Key::Null,
        Bson::Int64(value) => Key::Int(*value),
        Bson::String(value) => Key::String(value),
        Bson::ObjectId(value) => Key::ObjectId(value.bytes()),
        Bson::Binary(value) => Key::Uuid(value.bytes.as_slice().try_into().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "floats were widened"
)]
fn payload(kind: PropertyType, value: &Bson) -> Payload<'_> {
    Payload::Value(match value {
        Bson::Null => Value::Null,
        Bson::Int64(value) => Value::Int(*value),
        Bson::Boolean(value) => Value::Bool(*value),
        Bson::String(value) => Value::String(value),
        Bson::Double(value) if kind == PropertyType::Float => Value::Float(*value as f32),
        Bson::Double(value) => Value::Double(*value),
        Bson::Binary(value) if value.subtype == ::bson::spec::BinarySubtype::Uuid => {
            Value::Uuid(value.bytes.as_slice().try_into().unwrap())
        }
        Bson::Binary(value) => Value::Binary(&value.bytes),
        Bson::DateTime(value) => {
            let millis = value.timestamp_millis();
            Value::Timestamp {
                seconds: millis / 1_000,
                // Some that the document does not keep.
                nanoseconds: i32::try_from(millis % 1_000 * 1_000_000 + millis.signum() * 999).unwrap(),
            }
        }
        Bson::ObjectId(value) => Value::ObjectId(value.bytes()),
        Bson::Decimal128(value) => Value::Decimal(value.bytes()),
        Bson::Document(_) => return Payload::Object,
        other => panic!("{other:?}"),
    })
}

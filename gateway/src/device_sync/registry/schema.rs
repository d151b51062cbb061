//! The classes of a client file as the schema that the C++ headers send for the same classes.

use realm_ingest_protocol::schema::PrimaryKey as KeyName;
use realm_ingest_protocol::{Class, Collection, Kind, Property as Described, PropertyType, Schema};

use super::super::changeset::{ColumnType, Container, KeyType};
use super::{Known, PrimaryKey, Property, Registry, TableKind};

impl Registry {
    /// Its asymmetric and embedded classes. A link to an object of a regular class is described as what is sent of it: the
    /// value of its primary key. What was found out of a class in whichever order is in the order of names, so that files of one
    /// application have one schema.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let classes = self.classes.iter();
        let classes = classes.filter_map(|(name, known)| self.described_class(name, known));
        // They are sorted by name.
        Schema {
            classes: classes.collect(),
        }
    }

    fn described_class(&self, name: &str, known: &Known) -> Option<Class> {
        let kind = match known.kind? {
            TableKind::Asymmetric => Kind::Asymmetric,
            TableKind::Embedded => Kind::Embedded,
            TableKind::Regular => return None,
        };
        let key = known.key.as_ref();
        let properties = known.properties.iter().filter_map(|one| self.described(one));
        let mut properties: Vec<_> = properties.collect();
        if known.unordered {
            properties.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Some(Class {
            name: name.to_owned(),
            kind,
            primary_key: key.map_or(KeyName::None, |key| KeyName::One(key.name.clone())),
            properties: key.map(described_key).into_iter().chain(properties).collect(),
        })
    }

    /// None where it is not known what its class is.
    fn described(&self, property: &Property) -> Option<Described> {
        let mut optional = property.nullable;
        let mut guessed = property.guessed;
        let mut object = None;
        let kind = match (property.kind, property.target.as_deref()) {
            (ColumnType::Link, target) => {
                let target = target?;
                if self.kind(target)? == TableKind::Embedded {
                    // Where it may be null goes without saying.
                    optional = false;
                    object = Some(target.to_owned());
                    PropertyType::Object
                } else {
                    let key = self.key(target)?;
                    optional |= key.nullable;
                    guessed |= key.guessed;
                    key_type(key.kind)
                }
            }
            (ColumnType::Mixed, _) => {
                optional = false;
                PropertyType::Mixed
            }
            (ColumnType::Int, _) => PropertyType::Int,
            (ColumnType::Bool, _) => PropertyType::Bool,
            (ColumnType::String, _) => PropertyType::String,
            (ColumnType::Binary, _) => PropertyType::Data,
            (ColumnType::Timestamp, _) => PropertyType::Date,
            (ColumnType::Float, _) => PropertyType::Float,
            (ColumnType::Double, _) => PropertyType::Double,
            (ColumnType::Decimal, _) => PropertyType::Decimal128,
            (ColumnType::ObjectId, _) => PropertyType::ObjectId,
            (ColumnType::Uuid, _) => PropertyType::Uuid,
        };
        Some(Described {
            name: property.name.clone(),
            kind,
            optional,
            collection: property.container.map(collection),
            object,
            guessed,
        })
    }
}

fn described_key(key: &PrimaryKey) -> Described {
    Described {
        name: key.name.clone(),
        kind: key_type(key.kind),
        optional: key.nullable,
        collection: None,
        object: None,
        guessed: key.guessed,
    }
}

const fn key_type(kind: KeyType) -> PropertyType {
    match kind {
        KeyType::Int => PropertyType::Int,
        KeyType::String => PropertyType::String,
        KeyType::ObjectId => PropertyType::ObjectId,
        KeyType::Uuid => PropertyType::Uuid,
    }
}

const fn collection(container: Container) -> Collection {
    match container {
        Container::List => Collection::List,
        Container::Dictionary => Collection::Dictionary,
        Container::Set => Collection::Set,
    }
}

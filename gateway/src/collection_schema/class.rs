//! The classes whose documents belong into the collection, as far as its schema says what they are.

use std::collections::{BTreeMap, HashSet};

use realm_ingest_protocol::schema::PrimaryKey;
use realm_ingest_protocol::{Class, Collection, Kind as ClassKind, Property, PropertyType, Schema};

use super::CollectionSchema;
use super::compare::{elements, entries};
use super::node::{Kind, Node, Objects, Property as Known};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The class and the embedded classes in it, by name; their properties in the order of their names behind `_id`.
    pub classes: BTreeMap<String, Class>,
    /// Properties that may hold any kind of number: class and property. They are called doubles.
    pub numbers: HashSet<(String, String)>,
}

impl CollectionSchema {
    /// The class of this name that contradicts nothing here. `name_of` names what a property of a class holds embedded where there is
    /// no title. What no class can have is left out.
    #[must_use]
    pub fn classes(&self, class: &str, name_of: &dyn Fn(&str, &str) -> String) -> Described {
        let mut described = Described::default();
        if let Some(objects) = &self.root.objects {
            described.add(class, ClassKind::Asymmetric, objects, name_of);
        }
        described
    }
}

impl Described {
    /// Both. Of a class that both have, the properties that were there stay as they are.
    #[must_use]
    pub fn joined(&self, other: Self) -> Self {
        let mut joined = self.clone();
        for (name, class) in other.classes {
            joined.put(&name, class.kind, class.properties);
        }
        joined.numbers.extend(other.numbers);
        joined
    }

    /// The classes as a schema.
    #[must_use]
    pub fn schema(&self) -> Schema {
        Schema {
            classes: self.classes.values().cloned().collect(),
        }
    }

    fn add(
        &mut self,
        name: &str,
        kind: ClassKind,
        objects: &Objects,
        name_of: &dyn Fn(&str, &str) -> String,
    ) {
        let mut all: Vec<_> = objects.properties.iter().collect();
        all.sort_by_key(|(property, _)| (*property != "_id", *property));
        let properties = all
            .into_iter()
            .filter_map(|(property, known)| self.property(name, property, known, name_of))
            .collect();
        self.put(name, kind, properties);
    }

    fn put(&mut self, name: &str, kind: ClassKind, mut properties: Vec<Property>) {
        let class = self.classes.entry(name.to_owned()).or_insert_with(|| Class {
            name: name.to_owned(),
            kind,
            primary_key: match kind {
                ClassKind::Asymmetric => PrimaryKey::One("_id".to_owned()),
                ClassKind::Embedded => PrimaryKey::None,
            },
            properties: Vec::new(),
        });
        // The same class may be in several places.
        properties.retain(|one| class.properties.iter().all(|other| other.name != one.name));
        class.properties.extend(properties);
    }

    fn property(
        &mut self,
        class: &str,
        name: &str,
        known: &Known,
        name_of: &dyn Fn(&str, &str) -> String,
    ) -> Option<Property> {
        let (collection, element) = collected(&known.node)?;
        let kind = match element.kind {
            Kind::Mixed => PropertyType::Mixed,
            Kind::Int => PropertyType::Int,
            Kind::Double => PropertyType::Double,
            Kind::Number => {
                self.numbers.insert((class.to_owned(), name.to_owned()));
                PropertyType::Double
            }
            Kind::Decimal => PropertyType::Decimal128,
            Kind::String => PropertyType::String,
            Kind::Bool => PropertyType::Bool,
            Kind::Date => PropertyType::Date,
            Kind::ObjectId => PropertyType::ObjectId,
            Kind::Uuid => PropertyType::Uuid,
            Kind::BinData => PropertyType::Data,
            Kind::Object => PropertyType::Object,
            Kind::Array => return None,
        };
        let mut object = None;
        if kind == PropertyType::Object {
            let inside = element.embedded()?;
            if collection == Some(Collection::Set) {
                return None;
            }
            let inner = element.title.clone().unwrap_or_else(|| name_of(class, name));
            self.add(&inner, ClassKind::Embedded, inside, name_of);
            object = Some(inner);
        }
        let optional = match kind {
            PropertyType::Mixed | PropertyType::Object => false,
            // It is not said whether elements may be null.
            _ => collection.is_some() || !known.required,
        };
        Some(Property {
            name: name.to_owned(),
            kind,
            optional,
            collection,
            object,
            guessed: false,
        })
    }
}

/// How a property holds its values, and what each is.
fn collected(node: &Node) -> Option<(Option<Collection>, &Node)> {
    Some(match node.kind {
        Kind::Array => match elements(node, true) {
            Some(element) => (Some(Collection::Set), element),
            None => (Some(Collection::List), elements(node, false)?),
        },
        Kind::Object if node.embedded().is_none() => (Some(Collection::Dictionary), entries(node)?),
        _ => (None, node),
    })
}

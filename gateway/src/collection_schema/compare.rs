//! Whether a class that a device writes is one whose documents belong into the collection.

use std::collections::HashSet;
use std::fmt;

use realm_ingest_protocol::{Class, Collection, Property, PropertyType, Schema};

use super::CollectionSchema;
use super::node::{Arrays, Kind, Node, Objects, Others, Property as Known};

/// A property of a class that is not as this schema has it. Shown as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Class and property.
    pub property: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// It is not here; has the type that it has in the class.
    Unknown(String),
    /// It is required, and not in the class.
    Missing,
    /// It is required, and may be null in the class.
    Optional,
    /// It has another type.
    Type { expected: String, found: String },
}

impl Contradiction {
    const fn new(property: String, what: What) -> Self {
        Self { property, what }
    }

    /// What this schema says of the property.
    #[must_use]
    pub fn expected(&self) -> &str {
        match &self.what {
            What::Unknown(_) => "no such property",
            What::Missing | What::Optional => "required",
            What::Type { expected, .. } => expected,
        }
    }

    /// What the class says of it.
    #[must_use]
    pub fn found(&self) -> &str {
        match &self.what {
            What::Missing => "missing",
            What::Optional => "optional",
            What::Unknown(found) | What::Type { found, .. } => found,
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = &self.property;
        match &self.what {
            What::Unknown(_) => write!(f, "property '{property}' is not in the application's schema"),
            What::Missing => write!(
                f,
                "property '{property}' is missing, which the application's schema requires"
            ),
            What::Optional => write!(
                f,
                "property '{property}' is optional, and required in the application's schema"
            ),
            What::Type { expected, found } => write!(
                f,
                "property '{property}' is '{found}', and '{expected}' in the application's schema"
            ),
        }
    }
}

impl CollectionSchema {
    /// What of `class`, which is one of `schema`, contradicts this schema. In development mode classes may have
    /// properties that are not here; otherwise those are contradictions as well.
    #[must_use]
    pub fn contradictions(&self, schema: &Schema, class: &Class, development: bool) -> Vec<Contradiction> {
        self.compared(schema, class, development).found
    }

    /// What of `class`, and of the embedded classes in it, is described here: class and property.
    #[must_use]
    pub fn described<'a>(&self, schema: &'a Schema, class: &'a Class) -> HashSet<(&'a str, &'a str)> {
        self.compared(schema, class, true).described
    }

    fn compared<'a>(&self, schema: &'a Schema, class: &'a Class, development: bool) -> Comparison<'a> {
        let mut comparison = Comparison {
            schema,
            development,
            found: Vec::new(),
            described: HashSet::new(),
        };
        if let Some(objects) = &self.root.objects {
            comparison.class(objects, class);
        }
        comparison
    }
}

struct Comparison<'a> {
    schema: &'a Schema,
    development: bool,
    found: Vec<Contradiction>,
    /// Class and property.
    described: HashSet<(&'a str, &'a str)>,
}

impl<'a> Comparison<'a> {
    /// Goes as deep as the schema of the application does, which has an end, whatever the classes hold.
    fn class(&mut self, objects: &Objects, class: &'a Class) {
        let name = &class.name;
        for property in &class.properties {
            match objects.properties.get(&property.name) {
                Some(known) => self.property(known, class, property),
                None if self.development => {}
                None => self.add(
                    format!("{name}.{}", property.name),
                    What::Unknown(property.type_text()),
                ),
            }
        }
        for required in &objects.required {
            if !class.properties.iter().any(|property| property.name == *required) {
                self.add(format!("{name}.{required}"), What::Missing);
            }
        }
    }

    fn property(&mut self, known: &Known, class: &'a Class, property: &'a Property) {
        self.described.insert((&class.name, &property.name));
        let node = &known.node;
        let place = || format!("{}.{}", class.name, property.name);
        let element = match property.collection {
            None => Some(node),
            Some(Collection::List) => elements(node, false),
            Some(Collection::Set) => elements(node, true),
            Some(Collection::Dictionary) => entries(node),
        };
        let Some(element) = element.filter(|element| fits(element, property)) else {
            let (expected, found) = (type_text(node), property.type_text());
            self.add(place(), What::Type { expected, found });
            return;
        };
        let can_be_null = property.optional && property.collection.is_none();
        if can_be_null && known.required && !node.can_be_left_out() {
            self.add(place(), What::Optional);
        }
        let embedded = property
            .object
            .as_deref()
            .and_then(|name| self.schema.class(name));
        if let (Some(objects), Some(embedded)) = (element.embedded(), embedded) {
            self.class(objects, embedded);
        }
    }

    fn add(&mut self, property: String, what: What) {
        self.found.push(Contradiction::new(property, what));
    }
}

/// Elements of which anything may be.
static ANY: Node = Node {
    kind: Kind::Mixed,
    title: None,
    allowed: None,
    numbers: None,
    strings: None,
    arrays: None,
    objects: None,
};

pub(super) fn elements(node: &Node, unique: bool) -> Option<&Node> {
    let arrays = node.arrays.as_deref();
    let is_set = arrays.is_some_and(|arrays| arrays.unique);
    let fits = node.kind == Kind::Array && is_set == unique;
    fits.then(|| arrays.map_or(&ANY, |arrays: &Arrays| &arrays.items))
}

pub(super) fn entries(node: &Node) -> Option<&Node> {
    if node.kind != Kind::Object || node.embedded().is_some() {
        return None;
    }
    match node.objects.as_deref().map(|objects| &objects.others) {
        Some(Others::Like(node)) => Some(node),
        Some(Others::Forbidden) => None,
        Some(Others::Allowed) | None => Some(&ANY),
    }
}

/// Whether values of the property, or the elements of its collection, are of this type.
fn fits(node: &Node, property: &Property) -> bool {
    use PropertyType as T;
    match node.kind {
        Kind::Mixed => property.kind == T::Mixed,
        Kind::Int => property.kind == T::Int,
        Kind::Double => matches!(property.kind, T::Float | T::Double),
        Kind::Decimal => property.kind == T::Decimal128,
        Kind::Number => matches!(property.kind, T::Int | T::Float | T::Double | T::Decimal128),
        Kind::String => property.kind == T::String,
        Kind::Bool => property.kind == T::Bool,
        Kind::Date => property.kind == T::Date,
        Kind::ObjectId => property.kind == T::ObjectId,
        Kind::Uuid => property.kind == T::Uuid,
        Kind::BinData => property.kind == T::Data,
        Kind::Object => {
            let is_named = node
                .title
                .as_deref()
                .is_none_or(|title| property.object.as_deref() == Some(title));
            property.kind == T::Object && node.embedded().is_some() && is_named
        }
        Kind::Array => false,
    }
}

/// As Realm's texts have the type of a property.
fn type_text(node: &Node) -> String {
    match node.kind {
        Kind::Array => match elements(node, false) {
            Some(element) => format!("array<{}>", element_text(element)),
            None => format!("set<{}>", element_text(elements(node, true).unwrap_or(&ANY))),
        },
        Kind::Object => match entries(node) {
            Some(entry) => format!("dictionary<string, {}>", element_text(entry)),
            None => format!("<{}>", element_text(node)),
        },
        kind => kind.as_str().to_owned(),
    }
}

fn element_text(node: &Node) -> &str {
    node.title.as_deref().unwrap_or_else(|| node.kind.as_str())
}

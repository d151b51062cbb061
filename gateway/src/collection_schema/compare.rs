//! Whether a class that a device writes is one whose documents belong into the collection.

use realm_ingest_protocol::{Class, Collection, Property, PropertyType, Schema};

use super::CollectionSchema;
use super::node::{Arrays, Kind, Node, Objects, Others, Property as Known};

impl CollectionSchema {
    /// What of `class`, which is one of `schema`, contradicts this schema. In development mode classes may have
    /// properties that are not here; otherwise those are contradictions as well. Each sentence names class and property.
    #[must_use]
    pub fn contradictions(&self, schema: &Schema, class: &Class, development: bool) -> Vec<String> {
        let mut comparison = Comparison {
            schema,
            development,
            found: Vec::new(),
        };
        if let Some(objects) = &self.root.objects {
            comparison.class(objects, class);
        }
        comparison.found
    }
}

struct Comparison<'a> {
    schema: &'a Schema,
    development: bool,
    found: Vec<String>,
}

impl Comparison<'_> {
    /// Goes as deep as the schema of the application does, which has an end, whatever the classes hold.
    fn class(&mut self, objects: &Objects, class: &Class) {
        let name = &class.name;
        for property in &class.properties {
            match objects.properties.get(&property.name) {
                Some(known) => self.property(known, class, property),
                None if self.development => {}
                None => self.found.push(format!(
                    "property '{name}.{}' is not in the application's schema",
                    property.name
                )),
            }
        }
        for required in &objects.required {
            if !class.properties.iter().any(|property| property.name == *required) {
                self.found.push(format!(
                    "property '{name}.{required}' is missing, which the application's schema requires"
                ));
            }
        }
    }

    fn property(&mut self, known: &Known, class: &Class, property: &Property) {
        let node = &known.node;
        let place = format!("property '{}.{}'", class.name, property.name);
        let element = match property.collection {
            None => Some(node),
            Some(Collection::List) => elements(node, false),
            Some(Collection::Set) => elements(node, true),
            Some(Collection::Dictionary) => entries(node),
        };
        let Some(element) = element.filter(|element| fits(element, property)) else {
            let (here, there) = (property.type_text(), type_text(node));
            self.found.push(format!(
                "{place} is '{here}', and '{there}' in the application's schema"
            ));
            return;
        };
        let can_be_null = property.optional && property.collection.is_none();
        if can_be_null && known.required && !node.can_be_left_out() {
            self.found.push(format!(
                "{place} is optional, and required in the application's schema"
            ));
        }
        let embedded = property
            .object
            .as_deref()
            .and_then(|name| self.schema.class(name));
        if let (Some(objects), Some(embedded)) = (element.embedded(), embedded) {
            self.class(objects, embedded);
        }
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

fn elements(node: &Node, unique: bool) -> Option<&Node> {
    let arrays = node.arrays.as_deref();
    let is_set = arrays.is_some_and(|arrays| arrays.unique);
    let fits = node.kind == Kind::Array && is_set == unique;
    fits.then(|| arrays.map_or(&ANY, |arrays: &Arrays| &arrays.items))
}

fn entries(node: &Node) -> Option<&Node> {
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

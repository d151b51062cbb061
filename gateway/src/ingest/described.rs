//! How the classes of a device stand to what the app's definition describes. Pure.

use std::collections::{BTreeMap, HashSet};

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{Class, Schema};

use super::conflicts::Conflict;
use super::reached::Reached;
use crate::collection_schema::CollectionSchema;
use crate::definition::Definition;

/// The classes of `schema` whose documents do not belong into the app's collections, each with the reason.
#[must_use]
pub fn contradictions(definition: &Definition, schema: &Schema) -> BTreeMap<String, Conflict> {
    let found = asymmetric(schema).filter_map(|class| {
        let conflict = contradiction(definition, schema, class)?;
        Some((class.name.clone(), conflict))
    });
    found.collect()
}

fn contradiction(definition: &Definition, schema: &Schema, class: &Class) -> Option<Conflict> {
    let (name, development) = (&class.name, definition.sync.development_mode);
    if !development && !definition.sync.classes.contains(name) {
        let text = format!("class '{name}' is not among the application's asymmetric_tables");
        return Some(Conflict::with_application(text));
    }
    let Some(known) = described(definition, name) else {
        let text = || format!("class '{name}' is not in the application's schema");
        return (!development).then(|| Conflict::with_application(text()));
    };
    Conflict::with_schema(name, known.contradictions(schema, class, development))
}

/// What of `schema` devices are compared by with each other: properties that the app does not describe itself, of classes
/// that contradict nothing it does describe. So no device comes before others with a class that they contradict. Nor do guesses.
#[must_use]
pub fn compared(definition: &Definition, schema: &Schema) -> Schema {
    let mut compared = Sides::of(definition, schema).compared(schema);
    compared.classes.retain_mut(|class| {
        let before = class.properties.len();
        class.properties.retain(|property| !property.guessed);
        !class.properties.is_empty() || before == 0
    });
    compared
}

/// Who describes which classes; one may be on several sides.
struct Sides<'a> {
    /// The app, at least in part.
    ours: HashSet<&'a str>,
    /// Class and property.
    described: HashSet<(&'a str, &'a str)>,
    /// Devices, all of it.
    theirs: Reached<'a>,
    /// Nobody, if they are on no other side.
    left_out: Reached<'a>,
}

impl<'a> Sides<'a> {
    fn of(definition: &Definition, schema: &'a Schema) -> Self {
        let contradicting = contradictions(definition, schema);
        let mut sides = Self {
            ours: HashSet::new(),
            described: HashSet::new(),
            theirs: Reached::new(schema),
            left_out: Reached::new(schema),
        };
        for class in asymmetric(schema) {
            match described(definition, &class.name) {
                None => sides.theirs.add(class),
                Some(_) if contradicting.contains_key(&class.name) => sides.left_out.add(class),
                Some(known) => sides.add_described(schema, class, known),
            }
        }
        sides
    }

    fn add_described(&mut self, schema: &'a Schema, class: &'a Class, known: &CollectionSchema) {
        let known = known.described(schema, class);
        Reached::new(schema).add_by(class, |class, property, target| {
            let is_known = known.contains(&(&*class.name, &*property.name));
            if !is_known {
                // What only they have, they describe all of.
                self.theirs.add(target);
            }
            is_known
        });
        self.left_out.add_inside(class);
        self.ours.extend(known.iter().map(|(class, _)| *class));
        self.described.extend(known);
    }

    fn compared(&self, schema: &Schema) -> Schema {
        let kept = |class: &&Class| {
            let name = &*class.name;
            self.ours.contains(name) || self.theirs.has(name) || !self.left_out.has(name)
        };
        let classes = schema.classes.iter().filter(kept).map(|class| {
            let mut class = class.clone();
            if !self.theirs.has(&class.name) {
                let name = &*class.name;
                class
                    .properties
                    .retain(|property| !self.described.contains(&(name, &*property.name)));
            }
            class
        });
        Schema {
            classes: classes.collect(),
        }
    }
}

/// Adds the classes that have a class in conflict inside them, by properties that were not compared as the app describes them.
pub fn spread(schema: &Schema, conflicts: &mut BTreeMap<String, String>) {
    if conflicts.is_empty() {
        return;
    }
    for class in asymmetric(schema) {
        let reached = schema.with_embedded(class);
        let inner = reached
            .iter()
            .find_map(|inner| conflicts.get(&inner.name))
            .cloned();
        if let Some(reason) = inner {
            conflicts.entry(class.name.clone()).or_insert(reason);
        }
    }
}

/// What the app says of documents of this class.
#[must_use]
pub fn described<'a>(definition: &'a Definition, class: &str) -> Option<&'a CollectionSchema> {
    definition.collection_of(class)?.schema.as_ref()
}

/// The classes whose objects stand alone.
pub fn asymmetric(schema: &Schema) -> impl Iterator<Item = &Class> {
    let classes = schema.classes.iter();
    classes.filter(|class| class.kind == Kind::Asymmetric)
}

#[cfg(test)]
mod tests;

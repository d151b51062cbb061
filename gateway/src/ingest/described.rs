//! How the classes of a device stand to what the app's definition describes. Pure.

use std::collections::{BTreeMap, HashSet};

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{Class, Schema};

use super::conflicts::Conflict;
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
/// that contradict nothing it does describe. So no device comes before others with a class that they contradict.
#[must_use]
pub fn compared(definition: &Definition, schema: &Schema) -> Schema {
    let contradicting = contradictions(definition, schema);
    // Names of classes, of which one may be in several; and what of them is described, with the property.
    let (mut ours, mut theirs, mut left_out) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut described_here = HashSet::new();
    for class in asymmetric(schema) {
        let reached = schema.with_embedded(class);
        let names = reached.iter().map(|class| &*class.name);
        match described(definition, &class.name) {
            None => theirs.extend(names),
            Some(_) if contradicting.contains_key(&class.name) => left_out.extend(names),
            Some(known) => {
                let known = known.described(schema, class);
                let others = reached.iter().flat_map(|class| {
                    let properties = class.properties.iter();
                    let known = &known;
                    properties.filter(move |property| !known.contains(&(&*class.name, &*property.name)))
                });
                // What only they have, they describe all of.
                let classes = others.filter_map(|other| schema.class(other.object.as_deref()?));
                theirs.extend(
                    classes
                        .flat_map(|class| schema.with_embedded(class))
                        .map(|class| &*class.name),
                );
                left_out.extend(names.filter(|name| *name != class.name));
                ours.extend(known.iter().map(|(class, _)| *class));
                described_here.extend(known);
            }
        }
    }
    let kept = |class: &&Class| {
        let name = &*class.name;
        ours.contains(name) || theirs.contains(name) || !left_out.contains(name)
    };
    let classes = schema.classes.iter().filter(kept).map(|class| {
        let mut class = class.clone();
        if !theirs.contains(&*class.name) {
            let name = &*class.name;
            class
                .properties
                .retain(|property| !described_here.contains(&(name, &*property.name)));
        }
        class
    });
    Schema {
        classes: classes.collect(),
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

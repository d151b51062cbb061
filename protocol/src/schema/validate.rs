//! Whether a schema is one: what Realm checks when a synchronized realm is opened, how much there may be, and names.

use std::collections::{HashMap, HashSet};

use super::{
    Class, Collection, Kind, MAX_CLASS_NAME, MAX_CLASSES, MAX_PROPERTIES, MAX_PROPERTY_NAME, Property,
    PropertyType, RESERVED_PREFIX, Schema, first_of, lines,
};

/// Properties that are looked at to say where classes contain themselves, before it is only said that they do.
const MAX_CYCLE_STEPS: usize = 100_000;
pub(super) const CYCLES: &str = "Cycles containing embedded objects are not currently supported";
/// Findings that are told of one schema.
pub(super) const MAX_FINDINGS: usize = 50;

impl Schema {
    /// Checks what Realm checks when a synchronized realm is opened.
    ///
    /// # Errors
    /// With one text for each finding; [`validation_text`] makes Realm's message of them.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut findings = Vec::new();
        for pair in self.classes.windows(2) {
            if let [first, second] = pair
                && first.name == second.name
            {
                findings.push(format!(
                    "Type '{}' appears more than once in the schema.",
                    first.name
                ));
            }
        }
        for class in &self.classes {
            self.validate_class(class, &mut findings);
        }
        if findings.is_empty() {
            self.find_cycles(&mut findings);
        }
        if findings.is_empty() {
            return Ok(());
        }
        Err(first_of(findings.iter(), MAX_FINDINGS))
    }

    /// Checks how much there is, and all names: their length, as Realm does when the schema is first written to the file,
    /// and whether they can name a collection and a field in a database.
    ///
    /// # Errors
    /// With one sentence for the first thing that is wrong; where it is Realm's own limit, in Realm's words.
    pub fn check_limits(&self) -> Result<(), String> {
        if self.classes.len() > MAX_CLASSES {
            return Err(format!("The schema has more than {MAX_CLASSES} classes"));
        }
        for class in &self.classes {
            let name = &class.name;
            if name.len() > MAX_CLASS_NAME {
                return Err(format!("Name too long: class_{}", shortened(name)));
            }
            if !is_class_name(name) {
                return Err(format!(
                    "A class cannot have the name {name:?}: it names a collection, so it is not empty, does not begin \
                     with 'system.' or '{RESERVED_PREFIX}', and has no '$' and no control characters"
                ));
            }
            if class.properties.len() > MAX_PROPERTIES {
                return Err(format!(
                    "Class '{name}' has more than {MAX_PROPERTIES} properties"
                ));
            }
            for property in &class.properties {
                let property = &property.name;
                if property.len() > MAX_PROPERTY_NAME {
                    return Err(format!("Name too long: {}", shortened(property)));
                }
                if !is_property_name(property) {
                    return Err(format!(
                        "A property of class '{name}' cannot have the name {property:?}: it names a field, so it is not \
                         empty, does not begin with '$', and has no '.' and no control characters"
                    ));
                }
            }
        }
        Ok(())
    }

    fn validate_class(&self, class: &Class, findings: &mut Vec<String>) {
        let name = &class.name;
        let mut seen = HashSet::new();
        for property in &class.properties {
            if !seen.insert(property.name.as_str()) {
                let text = format!(
                    "Property '{}' appears more than once in the schema for type '{name}'.",
                    property.name
                );
                findings.push(text);
            }
            self.validate_property(class, property, findings);
        }
        let keys = class.primary_key.names();
        for pair in keys.windows(2) {
            if let [first, second] = pair {
                findings.push(format!(
                    "Properties '{second}' and '{first}' are both marked as the primary key of '{name}'."
                ));
            }
        }
        for key in keys {
            match class.properties.iter().find(|property| property.name == *key) {
                None => findings.push(format!("Specified primary key '{name}.{key}' does not exist.")),
                Some(property) if !can_be_key(property) => findings.push(format!(
                    "Property '{name}.{key}' of type '{}' cannot be made the primary key.",
                    property.kind_text()
                )),
                Some(_) => {}
            }
        }
        match (class.kind, keys.first()) {
            (Kind::Embedded, Some(_)) => {
                findings.push(format!("Embedded object type '{name}' cannot have a primary key."));
            }
            (Kind::Asymmetric, None) => findings.push(format!(
                "There must be a primary key property named '_id' on a synchronized Realm but none was found for type '{name}'"
            )),
            (Kind::Asymmetric, Some(key)) if key != "_id" => findings.push(format!(
                "The primary key property on a synchronized Realm must be named '_id' but found '{key}' for type '{name}'"
            )),
            _ => {}
        }
    }

    fn validate_property(&self, class: &Class, property: &Property, findings: &mut Vec<String>) {
        let (name, kind) = (
            format!("'{}.{}'", class.name, property.name),
            property.kind_text(),
        );
        let Some(target) = &property.object else {
            if property.kind == PropertyType::Object {
                findings.push(format!(
                    "Property {name} of type '{kind}' has unknown object type ''"
                ));
            }
            return;
        };
        if property.kind != PropertyType::Object {
            findings.push(format!(
                "Property {name} of type '{kind}' cannot have an object type."
            ));
            return;
        }
        match self.class(target).map(|class| class.kind) {
            None => findings.push(format!(
                "Property {name} of type '{kind}' has unknown object type '{target}'"
            )),
            Some(Kind::Asymmetric) => {
                findings.push(format!(
                    "Property {name} of type '{kind}' cannot be a link to an asymmetric object."
                ));
            }
            Some(Kind::Embedded) if property.collection == Some(Collection::Set) => findings.push(format!(
                "Set property {name} cannot contain embedded object type '{target}'. \
                 Set semantics are not applicable to embedded objects."
            )),
            Some(Kind::Embedded) => {}
        }
    }

    /// Whether an embedded class contains itself, directly or through others: classes that hold none of those that are
    /// left are taken away until none is left, or none can be.
    fn has_cycle(&self) -> bool {
        let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut held: HashMap<&str, usize> = HashMap::new();
        for class in &self.classes {
            let targets: HashSet<_> = class
                .properties
                .iter()
                .filter_map(|p| p.object.as_deref())
                .collect();
            let targets = targets.into_iter().filter(|target| self.class(target).is_some());
            let count = targets.map(|target| holders.entry(target).or_default().push(&class.name));
            held.insert(&class.name, count.count());
        }
        let mut free: Vec<_> = held
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect();
        let mut taken = 0;
        while let Some(name) = free.pop() {
            taken += 1;
            for holder in holders.get(name).into_iter().flatten() {
                if let Some(count) = held.get_mut(holder) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(holder);
                    }
                }
            }
        }
        taken < held.len()
    }

    /// Realm refuses embedded classes that contain themselves, directly or through others.
    fn find_cycles(&self, findings: &mut Vec<String>) {
        if !self.has_cycle() {
            return;
        }
        let before = findings.len();
        let mut steps = 0;
        for start in self.classes.iter().filter(|class| class.kind == Kind::Embedded) {
            let mut visited = HashSet::new();
            let mut waiting = vec![(start, start.name.clone())];
            while let Some((class, path)) = waiting.pop() {
                for property in &class.properties {
                    steps += 1;
                    let Some(target) = property.object.as_deref().and_then(|name| self.class(name)) else {
                        continue;
                    };
                    let path = format!("{path}.{}", property.name);
                    if target.name == start.name {
                        findings.push(format!("{CYCLES}: '{path}'"));
                    } else if visited.insert(&target.name) {
                        waiting.push((target, path));
                    }
                }
            }
            if steps > MAX_CYCLE_STEPS {
                break;
            }
        }
        if findings.len() == before {
            findings.push(CYCLES.to_owned());
        }
    }
}

/// Whether documents of a class of this name can be stored in a collection of this name.
#[must_use]
pub fn is_class_name(name: &str) -> bool {
    (1..=MAX_CLASS_NAME).contains(&name.len())
        && !name.starts_with("system.")
        && !name.starts_with(RESERVED_PREFIX)
        && !name.contains(|char: char| char == '$' || char.is_control())
}

fn is_property_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('$')
        && !name.contains(|char: char| char == '.' || char.is_control())
}

/// The beginning of a name that is too long.
fn shortened(name: &str) -> String {
    name.chars().take(2 * MAX_PROPERTY_NAME).collect()
}

fn can_be_key(property: &Property) -> bool {
    use PropertyType as T;
    property.collection.is_none() && matches!(property.kind, T::Int | T::String | T::ObjectId | T::Uuid)
}

/// Realm's message for the findings of [`Schema::validate`].
#[must_use]
pub fn validation_text(findings: &[String]) -> String {
    format!(
        "Schema validation failed due to the following errors:{}",
        lines(findings)
    )
}

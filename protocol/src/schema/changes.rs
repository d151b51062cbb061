//! What may become of a schema: whether another one can follow it, and the union of both.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Class, Kind, MAX_PROPERTIES, Schema, first_of, lines};

/// Findings that are told of one class: all that hold an embedded class tell those of it again.
pub(super) const MAX_CONFLICTS: usize = 5;

/// Realm's message for the findings of [`additive_changes`].
#[must_use]
pub fn additive_text(findings: &[String]) -> String {
    format!(
        "The following changes cannot be made in additive-only schema mode:{}\nIf your app is running in \
         development mode, you can delete the realm and restart the app to update your schema.",
        lines(findings)
    )
}

/// Whether `new` can follow `old`: classes and properties may come and go, what stays must stay as it is.
///
/// # Errors
/// With one text for each change that cannot be made; [`additive_text`] makes Realm's message of them.
pub fn additive_changes(old: &Schema, new: &Schema) -> Result<(), Vec<String>> {
    let mut findings = Vec::new();
    for class in &new.classes {
        if let Some(before) = old.class(&class.name) {
            class_changes(before, class, &mut findings);
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings)
    }
}

/// The classes of `new` that cannot follow those of `accepted`, each with the first changes that cannot be made, and those
/// with which an accepted one would have more than [`MAX_PROPERTIES`]. A class whose embedded class is among them is among
/// them as well.
#[must_use]
pub fn conflicts(accepted: &Schema, new: &Schema) -> BTreeMap<String, Vec<String>> {
    let own: HashMap<_, _> = new
        .classes
        .iter()
        .map(|class| {
            let mut findings = Vec::new();
            if let Some(before) = accepted.class(&class.name) {
                class_changes(before, class, &mut findings);
                if properties_of_either(before, class) > MAX_PROPERTIES {
                    findings.push(format!(
                        "Class '{}' would have more than {MAX_PROPERTIES} properties.",
                        class.name
                    ));
                }
            }
            (class.name.as_str(), findings)
        })
        .collect();
    if own.values().all(Vec::is_empty) {
        return BTreeMap::new();
    }
    let of_all = |class: &Class| -> Vec<String> {
        let reached = new.with_embedded(class);
        let findings = reached.iter().filter_map(|one| own.get(one.name.as_str()));
        first_of(findings.flatten(), MAX_CONFLICTS)
    };
    new.classes
        .iter()
        .map(|class| (class.name.clone(), of_all(class)))
        .filter(|(_, findings)| !findings.is_empty())
        .collect()
}

fn properties_of_either(old: &Class, new: &Class) -> usize {
    let known: HashSet<_> = old.properties.iter().map(|p| p.name.as_str()).collect();
    let added = new.properties.iter().filter(|p| !known.contains(p.name.as_str()));
    known.len() + added.count()
}

fn class_changes(old: &Class, new: &Class, findings: &mut Vec<String>) {
    let name = &new.name;
    if old.kind != new.kind {
        let (from, to) = (kind_text(old.kind), kind_text(new.kind));
        findings.push(format!("Class '{name}' has been changed from {from} to {to}."));
    }
    match (old.primary_key.names().first(), new.primary_key.names().first()) {
        (Some(from), Some(to)) if from != to => {
            findings.push(format!(
                "Primary Key for class '{name}' has changed from '{from}' to '{to}'."
            ));
        }
        (None, Some(_)) => findings.push(format!("Primary Key for class '{name}' has been added.")),
        (Some(_), None) => findings.push(format!("Primary Key for class '{name}' has been removed.")),
        _ => {}
    }
    let before: HashMap<_, _> = old.properties.iter().map(|p| (p.name.as_str(), p)).collect();
    for property in &new.properties {
        let Some(before) = before.get(property.name.as_str()) else {
            continue;
        };
        let (from, to) = (before.type_text(), property.type_text());
        let change = if from != to {
            format!("changed from '{from}' to '{to}'")
        } else if property.optional && !before.optional {
            "made optional".to_owned()
        } else if before.optional && !property.optional {
            "made required".to_owned()
        } else {
            continue;
        };
        findings.push(format!("Property '{name}.{}' has been {change}.", property.name));
    }
}

const fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Asymmetric => "TopLevelAsymmetric",
        Kind::Embedded => "Embedded",
    }
}

/// The union of two schemas of which `new` can follow `old`: what either has, in the order it came.
#[must_use]
pub fn merge(old: &Schema, new: &Schema) -> Schema {
    let mut classes = old.classes.clone();
    for class in &new.classes {
        let known = old
            .classes
            .binary_search_by(|before| before.name.cmp(&class.name));
        match known.ok().and_then(|at| classes.get_mut(at)) {
            None => classes.push(class.clone()),
            Some(before) => {
                let known: HashSet<_> = before.properties.iter().map(|p| p.name.clone()).collect();
                let added = class.properties.iter().filter(|p| !known.contains(&p.name));
                before.properties.extend(added.cloned());
            }
        }
    }
    classes.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { classes }
}

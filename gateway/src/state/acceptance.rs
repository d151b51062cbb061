//! Which definition of each class is the accepted one, when devices run releases that contradict each other.
//!
//! Schemas count in the order they came. What the operator chose for a class comes first; then each schema adds those
//! of its classes that contradict nothing so far. A class that does is in conflict: its documents become dead letters
//! until the operator chooses. Nothing is ever forgotten, so choosing otherwise later gives what would have been.

use std::collections::BTreeMap;

use realm_ingest_protocol::{Class, Schema, schema};

/// A schema as it was sent, and which of its classes are in conflict.
#[derive(Clone, Debug, Default)]
pub struct KnownSchema {
    /// The schema.
    pub schema: Schema,
    /// What of it is compared with others; all where there is none.
    pub compared: Option<Schema>,
    /// Classes whose documents are refused, each with the reason.
    pub conflicts: BTreeMap<String, String>,
    /// Whether somebody has written under it.
    pub used: bool,
}

impl KnownSchema {
    /// What of it is compared with others.
    #[must_use]
    pub fn compared(&self) -> &Schema {
        self.compared.as_ref().unwrap_or(&self.schema)
    }
}

/// The accepted definition of every class: `schemas` in the order they came, `chosen` as the operator chose.
#[must_use]
pub fn accepted(schemas: &[Schema], chosen: Vec<Class>) -> Schema {
    let mut accepted = Schema { classes: chosen };
    accepted.classes.sort_by(|a, b| a.name.cmp(&b.name));
    for schema in schemas {
        let conflicts = schema::conflicts(&accepted, schema);
        accepted = extended(&accepted, schema, &conflicts);
    }
    accepted
}

/// What is accepted after `schema`, of which these classes are in conflict.
#[must_use]
pub fn extended<R>(accepted: &Schema, schema: &Schema, conflicts: &BTreeMap<String, R>) -> Schema {
    let mut fits = schema.clone();
    fits.classes.retain(|class| !conflicts.contains_key(&class.name));
    schema::merge(accepted, &fits)
}

/// The classes of `schema` that contradict the accepted definitions, each with the reason in one sentence.
#[must_use]
pub fn conflicts(accepted: &Schema, schema: &Schema) -> BTreeMap<String, String> {
    let reason = |class: &str, findings: Vec<String>| {
        let findings = findings.join(" ");
        let findings = findings.trim_end_matches('.');
        format!("class '{class}' contradicts the accepted definition: {findings}")
    };
    schema::conflicts(accepted, schema)
        .into_iter()
        .map(|(class, findings)| {
            let reason = reason(&class, findings);
            (class, reason)
        })
        .collect()
}

/// Finds a class and the embedded classes that its objects can hold, each asked for once.
pub(super) struct Reaching {
    /// Names that were met, in the order in which they were; those before `asked` were asked for.
    names: Vec<String>,
    asked: usize,
    found: Vec<Class>,
}

impl Reaching {
    /// From this class on.
    pub(super) fn from(class: String) -> Self {
        Self {
            names: vec![class],
            asked: 0,
            found: Vec::new(),
        }
    }

    /// The name of the class that is looked for next.
    pub(super) fn next(&mut self) -> Option<String> {
        let name = self.names.get(self.asked).cloned()?;
        self.asked += 1;
        Some(name)
    }

    /// It is this one.
    pub(super) fn found(&mut self, class: Class) {
        for inner in class
            .properties
            .iter()
            .filter_map(|property| property.object.as_ref())
        {
            if !self.names.contains(inner) {
                self.names.push(inner.clone());
            }
        }
        self.found.push(class);
    }

    /// All that were found, if the first one was.
    pub(super) fn schema(mut self) -> Option<Schema> {
        let first = self.names.first()?;
        self.found.first().filter(|class| class.name == *first)?;
        self.found.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Schema { classes: self.found })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// A class 'A' that holds an 'E', and a class 'B'.
    fn schema(e: &str, a: &str, b: &str) -> Schema {
        Schema::parse(&format!(
            r#"{{"classes":[{{"name":"E","kind":"embedded","properties":[{e}]}},
            {{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[
              {{"name":"_id","type":"int"}},{{"name":"e","type":"object","object":"E"}}{a}]}},
            {{"name":"B","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"int"}}{b}]}}]}}"#
        ))
        .unwrap()
    }

    fn in_conflict(accepted: &Schema, schema: &Schema) -> Vec<String> {
        conflicts(accepted, schema).into_keys().collect()
    }

    #[test]
    fn the_first_definition_stands_and_what_fits_is_added() {
        let first = schema(
            r#"{"name":"n","type":"int"}"#,
            "",
            r#",{"name":"v","type":"int"}"#,
        );
        let second = schema(
            r#"{"name":"n","type":"int"},{"name":"m","type":"int"}"#,
            r#",{"name":"x","type":"uuid"}"#,
            r#",{"name":"v","type":"double"},{"name":"w","type":"int"}"#,
        );
        let accepted = accepted(&[first.clone(), second.clone()], vec![]);
        assert_eq!(in_conflict(&accepted, &first), [""; 0]);
        assert_eq!(in_conflict(&accepted, &second), ["B"]);
        let has = |class: &str| accepted.class(class).unwrap().properties.len();
        assert_eq!((has("A"), has("E"), has("B")), (3, 2, 2));
        assert_eq!(
            conflicts(&accepted, &second)["B"],
            "class 'B' contradicts the accepted definition: Property 'B.v' has been changed from 'int' to 'double'"
        );
    }

    #[test]
    fn a_class_does_not_grow_beyond_what_a_class_may_have() {
        let wide = |from: usize, count: usize| {
            let one = |n: usize| format!(r#",{{"name":"p{n}","type":"int"}}"#);
            schema("", "", &(from..from + count).map(one).collect::<String>())
        };
        let all = [wide(0, 600), wide(600, 300), wide(900, 99), wide(1_000, 1)];
        let accepted = accepted(&all, vec![]);
        assert_eq!(accepted.class("B").unwrap().properties.len(), 1_000);
        for fits in &all[..3] {
            assert_eq!(in_conflict(&accepted, fits), [""; 0]);
        }
        assert_eq!(
            conflicts(&accepted, &all[3])["B"],
            "class 'B' contradicts the accepted definition: Class 'B' would have more than 1000 properties"
        );
    }

    #[test]
    fn a_choice_turns_the_former_definition_into_the_conflict() {
        let first = schema(r#"{"name":"n","type":"int"}"#, "", "");
        let second = schema(r#"{"name":"n","type":"double"}"#, "", "");
        let third = schema("", r#",{"name":"y","type":"int"}"#, "");
        let all = [first.clone(), second.clone(), third.clone()];
        assert_eq!(in_conflict(&accepted(&all, vec![]), &second), ["A", "E"]);
        let choice = |name: &str| second.class(name).unwrap().clone();
        let chosen = accepted(&all, vec![choice("A"), choice("E")]);
        assert_eq!(in_conflict(&chosen, &first), ["A", "E"]);
        assert_eq!(in_conflict(&chosen, &second), [""; 0]);
        assert_eq!(in_conflict(&chosen, &third), [""; 0], "what fits goes on");
        assert_eq!(chosen.class("A").unwrap().properties.len(), 3);
    }
}

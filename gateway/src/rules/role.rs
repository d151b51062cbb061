//! Roles as `rules.json` and `default_rule.json` have them.

use serde_json::{Map, Value};

use super::expression::{Expression, Operand, Place, Reader, Subject};
use super::facts::Fact;
use super::fields::FieldRules;
use crate::json_path::{Findings, JsonPath, kind, shown};

/// What the users of one role may do, as far as inserting goes.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name, for people.
    pub name: String,
    /// Who has it: of several roles the first that applies.
    pub(super) apply_when: Expression,
    /// Which documents may be written at all.
    pub(super) filter: Expression,
    /// Which may be inserted.
    pub(super) insert: Expression,
    /// Whether all fields may be written; where it is not said, each field is asked.
    pub(super) write: Option<bool>,
    /// Which fields may be written.
    pub(super) fields: FieldRules,
    /// Why nobody who has it can stream.
    pub(super) unusable: Option<String>,
    /// Fields of documents that its filters ask.
    pub(super) asked: Vec<String>,
}

impl Role {
    /// Reads one role, which stands at `path`. What it says that is not served is added to `findings`, each with its own
    /// JSON path; then nobody passes it. None when it is no role at all.
    pub fn parse(json: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let path = JsonPath::new(path);
        let Some(members) = json.as_object() else {
            path.report(findings, format!("expected a role, found {}", kind(json)));
            return None;
        };
        let mut parts = Parts {
            findings,
            unusable: None,
        };
        Some(parts.role(members, &path))
    }

    /// Calls `each` for every expansion that decides who may insert what.
    pub(super) fn for_each_fact(&self, each: &mut impl FnMut(&Fact)) {
        for expression in [&self.apply_when, &self.filter, &self.insert] {
            expression.for_each_test(&mut |subject, test| {
                if let Subject::Fact(fact) = subject {
                    each(fact);
                }
                if let Some(fact) = test.operand().and_then(Operand::fact) {
                    each(fact);
                }
            });
        }
    }
}

/// Takes a role apart.
pub(super) struct Parts<'a> {
    findings: &'a mut Findings,
    unusable: Option<String>,
}

impl Parts<'_> {
    fn role(&mut self, members: &Map<String, Value>, path: &JsonPath<'_>) -> Role {
        let mut role = Role {
            name: String::new(),
            apply_when: Expression::Literal(true),
            filter: Expression::Literal(false),
            insert: Expression::Literal(true),
            write: None,
            fields: FieldRules::default(),
            unusable: None,
            asked: Vec::new(),
        };
        for (key, value) in members {
            let path = &path.key(key);
            match key.as_str() {
                "name" => role.name = self.name(value, path),
                "apply_when" => role.apply_when = self.expression(Place::Choice, value, path),
                "document_filters" => self.filters(value, path, &mut role),
                "insert" => role.insert = self.filter(value, path, &mut role.asked),
                "delete" => drop(self.filter(value, path, &mut role.asked)),
                "read" => drop(self.flag(value, path)),
                "write" => role.write = self.flag(value, path),
                "fields" => role.fields.named = self.named(value, path),
                "additional_fields" => role.fields.others = self.others(value, path),
                "id" | "_id" | "search" => {}
                _ => self.unknown(key, path),
            }
        }
        let filters = members.get("document_filters").and_then(Value::as_object);
        if !filters.is_some_and(|filters| filters.contains_key("read") && filters.contains_key("write")) {
            self.unusable("it does not have both document_filters.read and document_filters.write");
        } else if role.write.is_none() && !role.fields.allow_any() {
            self.unusable("'write' is not set, and no field may be written");
        }
        role.unusable = self.unusable.take();
        role
    }

    fn name(&mut self, json: &Value, path: &JsonPath<'_>) -> String {
        let name = json.as_str().unwrap_or_default();
        if !json.is_string() {
            self.report(path, format!("expected a text, found {}", kind(json)));
        }
        shown(name).to_owned()
    }

    fn filters(&mut self, json: &Value, path: &JsonPath<'_>, role: &mut Role) {
        let Some(members) = self.object(json, path) else {
            return;
        };
        for (key, value) in members {
            let path = &path.key(key);
            match key.as_str() {
                // Whoever inserts reads nothing, but all of a role has to be usable.
                "read" => drop(self.filter(value, path, &mut role.asked)),
                "write" => role.filter = self.filter(value, path, &mut role.asked),
                _ => self.unknown(key, path),
            }
        }
    }

    /// An expression about documents, with the fields that it asks.
    fn filter(&mut self, json: &Value, path: &JsonPath<'_>, asked: &mut Vec<String>) -> Expression {
        let expression = self.expression(Place::Document, json, path);
        expression.for_each_test(&mut |subject, _| {
            if let Subject::Field(path) = subject {
                asked.push(path.0.join("."));
            }
        });
        expression
    }

    fn expression(&mut self, place: Place, json: &Value, path: &JsonPath<'_>) -> Expression {
        let mut reader = Reader {
            place,
            findings: self.findings,
            sound: true,
        };
        let expression = reader.expression(json, path);
        if reader.sound {
            return expression;
        }
        self.unusable(NOT_SERVED);
        // Nobody gets past it to a role behind it.
        Expression::Literal(true)
    }

    /// What can only be true or false where documents are streamed.
    pub(super) fn flag(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<bool> {
        let flag = json.as_bool();
        if flag.is_none() {
            self.unusable(format!("{path} is neither true nor false"));
        }
        flag
    }

    pub(super) fn object<'a>(
        &mut self,
        json: &'a Value,
        path: &JsonPath<'_>,
    ) -> Option<&'a Map<String, Value>> {
        let object = json.as_object();
        if object.is_none() {
            self.report(path, format!("expected an object, found {}", kind(json)));
        }
        object
    }

    pub(super) fn unknown(&mut self, key: &str, path: &JsonPath<'_>) {
        self.report(path, format!("a role has no member '{}' here", shown(key)));
    }

    pub(super) fn report(&mut self, path: &JsonPath<'_>, text: String) {
        path.report(self.findings, text);
        self.unusable(NOT_SERVED);
    }

    /// The first reason is kept.
    pub(super) fn unusable(&mut self, reason: impl Into<String>) {
        self.unusable.get_or_insert_with(|| reason.into());
    }
}

const NOT_SERVED: &str = "something in it is not served";

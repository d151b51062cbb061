//! Which fields of a document a role may write, where it does not say so of all of them.

use std::collections::HashMap;

use realm_ingest_protocol::{Document, Value};

use super::role::Parts;
use crate::json_path::JsonPath;

/// Levels of fields inside fields.
const MAX_DEPTH: usize = 50;

/// Of one document, or of one inside it.
#[derive(Clone, Debug, Default)]
pub struct FieldRules {
    /// By the field's name.
    pub(super) named: HashMap<String, FieldRule>,
    /// All that are not named.
    pub(super) others: bool,
}

/// Of one field.
#[derive(Clone, Debug)]
pub enum FieldRule {
    /// All of it may be written, or nothing.
    Write(bool),
    /// It is a document, or a list of them, of which some fields may be written.
    Inside(FieldRules),
}

impl FieldRules {
    /// Whether any field at all may be written.
    #[must_use]
    pub fn allow_any(&self) -> bool {
        let allows = |rule: &FieldRule| match rule {
            FieldRule::Write(write) => *write,
            FieldRule::Inside(rules) => rules.allow_any(),
        };
        self.others || self.named.values().any(allows)
    }

    /// The first field of a sound document that may not be written; none when all may. `_id` goes with the rest, as no
    /// rule can name it.
    #[must_use]
    pub fn forbidden<'a>(&self, document: &Document<'a>) -> Option<&'a str> {
        let mut fields = document.fields().filter(|field| field.key != "_id");
        let field = fields.find(|field| !self.allow(field.key, field.value))?;
        Some(field.key)
    }

    fn allow(&self, key: &str, value: Value<'_>) -> bool {
        match self.named.get(key) {
            None => self.others,
            Some(FieldRule::Write(write)) => *write,
            Some(FieldRule::Inside(rules)) => match value {
                Value::Null => true,
                Value::Array(elements) => elements.fields().all(|one| rules.allow_inside(one.value)),
                one => rules.allow_inside(one),
            },
        }
    }

    fn allow_inside(&self, value: Value<'_>) -> bool {
        let Value::Document(inner) = value else {
            return false;
        };
        inner.fields().all(|field| self.allow(field.key, field.value))
    }
}

impl Parts<'_> {
    /// `fields`.
    pub(super) fn named(
        &mut self,
        json: &serde_json::Value,
        path: &JsonPath<'_>,
    ) -> HashMap<String, FieldRule> {
        let mut named = HashMap::new();
        if path.depth() > MAX_DEPTH {
            self.report(path, format!("fields are nested deeper than {MAX_DEPTH} levels"));
            return named;
        }
        for (name, rule) in self.object(json, path).into_iter().flatten() {
            let path = &path.key(name);
            if name == "_id" {
                self.unusable("no rule can be about _id alone");
            }
            let (mut write, mut inside) = (None, HashMap::new());
            for (key, value) in self.object(rule, path).into_iter().flatten() {
                let path = &path.key(key);
                match key.as_str() {
                    "read" => drop(self.flag(value, path)),
                    "write" => write = self.flag(value, path),
                    "fields" => inside = self.named(value, path),
                    _ => self.unknown(key, path),
                }
            }
            let rule = match write {
                Some(write) => FieldRule::Write(write),
                None => FieldRule::Inside(FieldRules {
                    named: inside,
                    others: false,
                }),
            };
            named.insert(name.clone(), rule);
        }
        named
    }

    /// `additional_fields`.
    pub(super) fn others(&mut self, json: &serde_json::Value, path: &JsonPath<'_>) -> bool {
        let mut others = false;
        for (key, value) in self.object(json, path).into_iter().flatten() {
            let path = &path.key(key);
            match key.as_str() {
                "read" => drop(self.flag(value, path)),
                "write" => others = self.flag(value, path).unwrap_or(false),
                _ => self.unknown(key, path),
            }
        }
        others
    }
}

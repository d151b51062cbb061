//! Reads the JSON of `schema.json`. What is not served is a finding.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::node::{Arrays, Kind, Node, Numbers, Objects, Others, Property, Strings};
use crate::comparison::{Constants, Number};
use crate::json_path::{Findings, JsonPath, kind, shown};

/// Steps of a path: every level of a document takes two of them.
const MAX_DEPTH: usize = 2 * realm_ingest_protocol::MAX_DEPTH;

/// Values, with those inside each other. Large schemas have some hundred.
const MAX_NODES: usize = 50_000;

/// Values of an `enum`. Each value is compared with all of them.
const MAX_ENUM: usize = 1_000;

/// Patterns of one schema, and what each may take when it is ready: 50 MiB in all.
const MAX_PATTERNS: usize = 200;
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// Reads one file.
pub struct Reader<'a> {
    findings: &'a mut Findings,
    nodes: usize,
    patterns: usize,
}

impl<'a> Reader<'a> {
    /// What is wrong is added to `findings`.
    pub const fn new(findings: &'a mut Findings) -> Self {
        Self {
            findings,
            nodes: 0,
            patterns: 0,
        }
    }

    /// One value's schema.
    pub fn node(&mut self, json: &Value, path: &JsonPath<'_>) -> Node {
        let mut node = Node::default();
        let Some(members) = json.as_object() else {
            self.expected("a schema", json, path);
            return node;
        };
        self.nodes += 1;
        if self.nodes == MAX_NODES {
            path.report(
                self.findings,
                format!("the schema has more than {MAX_NODES} parts"),
            );
        }
        if path.depth() > MAX_DEPTH {
            path.report(self.findings, "the schema is nested deeper than documents may be");
        }
        if path.depth() > MAX_DEPTH || self.nodes >= MAX_NODES {
            return node;
        }
        node.kind = self.kind(members, path);
        for (key, value) in members {
            self.member(&mut node, key, value, &path.key(key));
        }
        self.exclusive(&mut node, members, path);
        if let Some(objects) = &mut node.objects {
            mark_required(objects);
        }
        node
    }

    fn kind(&mut self, members: &Map<String, Value>, path: &JsonPath<'_>) -> Kind {
        let (bson, json) = (members.get("bsonType"), members.get("type"));
        let (key, named) = match (bson, json) {
            (Some(named), _) => ("bsonType", named),
            (None, Some(named)) => ("type", named),
            (None, None) if members.contains_key("properties") => return Kind::Object,
            (None, None) if members.contains_key("items") => return Kind::Array,
            (None, None) => return Kind::Mixed,
        };
        let path = &path.key(key);
        let Some(name) = named.as_str() else {
            self.expected("one type, by its name", named, path);
            return Kind::Mixed;
        };
        let kind = match name {
            "int" | "long" => Kind::Int,
            "double" | "float" => Kind::Double,
            "decimal" => Kind::Decimal,
            "number" => Kind::Number,
            "string" => Kind::String,
            "bool" | "boolean" => Kind::Bool,
            "date" => Kind::Date,
            "objectId" => Kind::ObjectId,
            "uuid" => Kind::Uuid,
            "binData" | "binary" => Kind::BinData,
            "mixed" => Kind::Mixed,
            "object" => Kind::Object,
            "array" => Kind::Array,
            _ => {
                let text = format!("type '{}' is none that a Realm property has", shown(name));
                path.report(self.findings, text);
                Kind::Mixed
            }
        };
        if let (Some(Value::String(bson)), Some(Value::String(json))) = (bson, json)
            && bson != json
        {
            path.report(self.findings, "'bsonType' and 'type' contradict each other");
        }
        kind
    }

    fn member(&mut self, node: &mut Node, key: &str, value: &Value, path: &JsonPath<'_>) {
        match key {
            "title" => node.title = self.text(value, path),
            "enum" => node.allowed = self.allowed(value, path),
            "minimum" => numbers(node).minimum = self.number(value, path).map(|number| (number, false)),
            "maximum" => numbers(node).maximum = self.number(value, path).map(|number| (number, false)),
            "multipleOf" => numbers(node).multiple_of = self.divisor(value, path),
            "minLength" => strings(node).min = self.count(value, path),
            "maxLength" => strings(node).max = self.count(value, path),
            "pattern" => {
                strings(node).pattern = self.text(value, path).and_then(|text| self.pattern(&text, path));
            }
            "items" => arrays(node).items = self.node(value, path),
            "minItems" => arrays(node).min = self.count(value, path),
            "maxItems" => arrays(node).max = self.count(value, path),
            "uniqueItems" => arrays(node).unique = self.flag(value, path),
            "properties" => objects(node).properties = self.properties(value, path),
            "required" => objects(node).required = self.names(value, path),
            "patternProperties" => objects(node).patterns = self.pattern_properties(value, path),
            "additionalProperties" => objects(node).others = self.others(value, path),
            "minProperties" => objects(node).min = self.count(value, path),
            "maxProperties" => objects(node).max = self.count(value, path),
            "dependencies" => objects(node).dependencies = self.dependencies(value, path),
            "bsonType" | "type" | "exclusiveMinimum" | "exclusiveMaximum" => {}
            // For people, and for documents that are not complete: those that devices send are.
            "description" | "default" | "id" | "_id" | "$schema" | "$id" | "$comment" | "examples" => {}
            "validate" => path.report(self.findings, "expressions in schemas are not served"),
            _ => path.report(self.findings, format!("keyword '{}' is not served", shown(key))),
        }
    }

    /// They say how the bounds beside them are meant.
    fn exclusive(&mut self, node: &mut Node, members: &Map<String, Value>, path: &JsonPath<'_>) {
        for (key, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            let Some(value) = members.get(key) else { continue };
            let path = &path.key(key);
            let excluded = self.flag(value, path);
            let numbers = numbers(node);
            let place = if bound == "minimum" {
                &mut numbers.minimum
            } else {
                &mut numbers.maximum
            };
            match place {
                Some((_, place)) => *place = excluded,
                None => path.report(self.findings, format!("there is no '{bound}' beside it")),
            }
        }
    }

    fn properties(&mut self, json: &Value, path: &JsonPath<'_>) -> HashMap<String, Property> {
        let mut properties = HashMap::new();
        for (name, schema) in self.object(json, path).into_iter().flatten() {
            let is_link_back = schema
                .get("bsonType")
                .is_some_and(|kind| kind == "linkingObjects");
            // Nothing of it is in a document.
            if !is_link_back {
                let node = self.node(schema, &path.key(name));
                properties.insert(
                    name.clone(),
                    Property {
                        node,
                        required: false,
                    },
                );
            }
        }
        properties
    }

    fn pattern_properties(&mut self, json: &Value, path: &JsonPath<'_>) -> Vec<(Regex, Node)> {
        let mut patterns = Vec::new();
        for (name, schema) in self.object(json, path).into_iter().flatten() {
            let path = &path.key(name);
            let node = self.node(schema, path);
            if let Some(pattern) = self.pattern(name, path) {
                patterns.push((pattern, node));
            }
        }
        patterns
    }

    fn others(&mut self, json: &Value, path: &JsonPath<'_>) -> Others {
        match json {
            Value::Bool(true) => Others::Allowed,
            Value::Bool(false) => Others::Forbidden,
            _ => Others::Like(Box::new(self.node(json, path))),
        }
    }

    fn dependencies(&mut self, json: &Value, path: &JsonPath<'_>) -> Vec<(String, Vec<String>)> {
        let members = self.object(json, path).into_iter().flatten();
        let all = members.map(|(name, needed)| (name.clone(), self.names(needed, &path.key(name))));
        all.collect()
    }

    fn allowed(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Constants> {
        let Some(list) = json
            .as_array()
            .filter(|list| (1..=MAX_ENUM).contains(&list.len()))
        else {
            self.expected(&format!("an array of 1 to {MAX_ENUM} values"), json, path);
            return None;
        };
        let constants = Constants::of(list);
        if constants.is_none() {
            path.report(
                self.findings,
                "only texts, numbers, booleans, null and values in Extended JSON are served",
            );
        }
        constants
    }

    fn pattern(&mut self, text: &str, path: &JsonPath<'_>) -> Option<Regex> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            path.report(
                self.findings,
                format!("the schema has more than {MAX_PATTERNS} patterns"),
            );
            return None;
        }
        let pattern = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build();
        let pattern = pattern.map_err(|error| {
            let why = match error {
                regex::Error::CompiledTooBig(_) => "it is too large",
                _ => "it is no regular expression of the kind that takes linear time, which has no look-around and no \
                      references",
            };
            path.report(self.findings, format!("the pattern cannot be used: {why}"));
        });
        pattern.ok()
    }

    fn number(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Number> {
        let constant = Constants::of([json]);
        let number = constant.as_ref().and_then(Constants::first).and_then(Number::of);
        if number.is_none() {
            self.expected("a number", json, path);
        }
        number
    }

    fn divisor(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<Number> {
        let number = self.number(json, path)?;
        let is_sound = number > Number::Int(0);
        if !is_sound {
            path.report(self.findings, "expected a number above 0");
        }
        is_sound.then_some(number)
    }

    fn count(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<usize> {
        let constant = Constants::of([json]);
        let number = constant.as_ref().and_then(Constants::first).and_then(Number::of);
        let count = number
            .and_then(Number::to_int)
            .and_then(|int| usize::try_from(int).ok());
        if count.is_none() {
            self.expected("a number that is whole and not below 0", json, path);
        }
        count
    }

    fn flag(&mut self, json: &Value, path: &JsonPath<'_>) -> bool {
        if !json.is_boolean() {
            self.expected("true or false", json, path);
        }
        json == &Value::Bool(true)
    }

    fn text(&mut self, json: &Value, path: &JsonPath<'_>) -> Option<String> {
        if !json.is_string() {
            self.expected("a text", json, path);
        }
        json.as_str().map(ToOwned::to_owned)
    }

    fn names(&mut self, json: &Value, path: &JsonPath<'_>) -> Vec<String> {
        let names = json.as_array();
        let names = names.and_then(|list| list.iter().map(|name| Some(name.as_str()?.to_owned())).collect());
        names.unwrap_or_else(|| {
            self.expected("an array of names", json, path);
            Vec::new()
        })
    }

    fn object<'j>(&mut self, json: &'j Value, path: &JsonPath<'_>) -> Option<&'j Map<String, Value>> {
        if !json.is_object() {
            self.expected("an object", json, path);
        }
        json.as_object()
    }

    fn expected(&mut self, what: &str, found: &Value, path: &JsonPath<'_>) {
        path.report(self.findings, format!("expected {what}, found {}", kind(found)));
    }
}

fn mark_required(objects: &mut Objects) {
    for name in &objects.required {
        if let Some(property) = objects.properties.get_mut(name) {
            property.required = true;
        }
    }
}

fn numbers(node: &mut Node) -> &mut Numbers {
    node.numbers.get_or_insert_default()
}

fn strings(node: &mut Node) -> &mut Strings {
    node.strings.get_or_insert_default()
}

fn arrays(node: &mut Node) -> &mut Arrays {
    node.arrays.get_or_insert_default()
}

fn objects(node: &mut Node) -> &mut Objects {
    node.objects.get_or_insert_default()
}

//! The JSON of a file, and what is said about each place of it. All that is wrong is told, not just what comes first.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::report::{Level, Report};
use crate::json_path::JsonPath;

/// Characters of a value that are shown.
const MAX_SHOWN: usize = 60;

/// A value in a file.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) file: &'a str,
    pub(super) path: String,
    pub(super) value: &'a Value,
    report: &'a RefCell<Report>,
    /// It may be a secret, and is not shown.
    hidden: bool,
    /// What is wrong is a warning.
    lenient: bool,
}

/// An object of which each member is asked for by name; the others are told at the end.
pub(super) struct Object<'a> {
    pub(super) node: Node<'a>,
    members: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Node<'a> {
    /// The whole of a file.
    pub(super) const fn root(file: &'a str, value: &'a Value, report: &'a RefCell<Report>) -> Self {
        Self {
            file,
            path: String::new(),
            value,
            report,
            hidden: false,
            lenient: false,
        }
    }

    /// The same; unless it `counts`, what is wrong with it is a warning.
    pub(super) fn where_it(mut self, counts: bool) -> Self {
        self.lenient = !counts;
        self
    }

    /// The same, and nothing of it is shown.
    pub(super) fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) fn warn(&self, text: impl Into<String>) {
        self.say(Level::Warning, text);
    }

    pub(super) fn refuse(&self, text: impl Into<String>) {
        self.say(Level::Refused, text);
    }

    fn say(&self, level: Level, text: impl Into<String>) {
        let level = match level {
            Level::Refused if self.lenient => Level::Warning,
            level => level,
        };
        let path = if self.path.is_empty() { "$" } else { &self.path };
        self.report.borrow_mut().add(level, self.file, path, text);
    }

    /// Refuses it for being something else.
    pub(super) fn expected(&self, what: &str) {
        self.refuse(format!("found {}, expected {what}", self.found()));
    }

    fn found(&self) -> String {
        match self.value {
            Value::Null => "null".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::String(_) if self.hidden => "text".to_owned(),
            Value::Number(_) if self.hidden => "a number".to_owned(),
            value => {
                let text = value.to_string();
                match text.char_indices().nth(MAX_SHOWN) {
                    None => text,
                    Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
                }
            }
        }
    }

    pub(super) fn string(&self) -> Option<&'a str> {
        self.typed("a string", Value::as_str)
    }

    pub(super) fn flag(&self) -> Option<bool> {
        self.typed("true or false", Value::as_bool)
    }

    pub(super) fn count(&self) -> Option<u64> {
        self.typed("a number from 0 on", Value::as_u64)
    }

    pub(super) fn object(&self) -> Option<Object<'a>> {
        let members = self.typed("an object", Value::as_object)?;
        Some(Object {
            node: self.clone(),
            members,
            asked: RefCell::default(),
        })
    }

    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let list = self.typed("an array", Value::as_array)?;
        let at = |(at, value): (usize, &'a Value)| self.step(&format!("[{at}]"), value);
        Some(list.iter().enumerate().map(at).collect())
    }

    /// The strings of a list.
    pub(super) fn strings(&self) -> Option<Vec<&'a str>> {
        Some(self.list()?.iter().filter_map(Self::string).collect())
    }

    fn typed<T>(&self, what: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let read = read(self.value);
        if read.is_none() {
            self.expected(what);
        }
        read
    }

    fn step(&self, step: &str, value: &'a Value) -> Self {
        let from = if self.path.is_empty() { "$" } else { &self.path };
        Self {
            path: format!("{from}{step}"),
            value,
            ..self.clone()
        }
    }
}

impl<'a> Object<'a> {
    /// A member, if it is there. `null` is as good as absent.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let (name, value) = self.members.get_key_value(name)?;
        self.asked.borrow_mut().insert(name);
        (!value.is_null()).then(|| self.member(name, value))
    }

    pub(super) fn required(&self, name: &str) -> Option<Node<'a>> {
        let found = self.get(name);
        if found.is_none() {
            self.node.refuse(format!("'{name}' is missing"));
        }
        found
    }

    pub(super) fn string(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.string()
    }

    /// A string that is neither missing nor empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let node = self.required(name)?;
        let text = node.string()?;
        if text.is_empty() {
            node.expected("a string that is not empty");
        }
        (!text.is_empty()).then_some(text)
    }

    /// False where it is absent.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(|node| node.flag()).unwrap_or_default()
    }

    /// Empty where it is absent.
    pub(super) fn strings(&self, name: &str) -> Vec<&'a str> {
        self.get(name).and_then(|node| node.strings()).unwrap_or_default()
    }

    pub(super) fn object(&self, name: &str) -> Option<Object<'a>> {
        self.get(name)?.object()
    }

    /// One of these words.
    pub(super) fn one_of(&self, name: &str, words: &[&str]) -> Option<&'a str> {
        let node = self.get(name)?;
        let found = node.string()?;
        if words.contains(&found) {
            return Some(found);
        }
        let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        node.expected(&format!("one of {}", words.join(", ")));
        None
    }

    /// Members that change nothing here.
    pub(super) fn ignore(&self, names: &[&str]) {
        for name in names {
            self.get(name);
        }
    }

    /// Warns of a member that has no effect here.
    pub(super) fn unserved(&self, name: &str, text: &str) {
        if let Some(node) = self.saying(name) {
            node.warn(text);
        }
    }

    /// A member that is neither empty nor off.
    pub(super) fn saying(&self, name: &str) -> Option<Node<'a>> {
        self.get(name).filter(|node| !says_nothing(node.value))
    }

    /// All members, in the order of the file.
    pub(super) fn all(&self) -> Vec<(&'a str, Node<'a>)> {
        self.asked
            .borrow_mut()
            .extend(self.members.keys().map(String::as_str));
        let members = self.members.iter();
        members
            .map(|(name, value)| (name.as_str(), self.member(name, value)))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Tells of members that nobody asked for.
    pub(super) fn finish(&self) {
        for (name, value) in self.members {
            if !self.asked.borrow().contains(name.as_str()) {
                self.member(name, value).warn("is not known, and ignored");
            }
        }
    }

    fn member(&self, name: &str, value: &'a Value) -> Node<'a> {
        self.node.step(&member(name), value)
    }
}

/// A step of a path to the member of this name.
pub(super) fn member(name: &str) -> String {
    JsonPath::new("").key(name).to_string()
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Number(_) => false,
    }
}

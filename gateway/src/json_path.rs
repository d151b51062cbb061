//! Where in a JSON file something stands, and what is said about it.

use std::fmt;

use serde_json::Value;

/// What is wrong with a file: the JSON path of each place, and a sentence.
pub type Findings = Vec<(String, String)>;

/// How many are told of one file. Whoever has that many repairs some and looks again.
const MAX_FINDINGS: usize = 1_000;

/// Characters of a key that are shown.
const MAX_KEY: usize = 100;

/// A place, such as `$.roles[0].apply_when`. Made on the way down, and written only where there is something to tell.
#[derive(Clone, Copy, Debug)]
pub struct JsonPath<'a> {
    parent: Option<&'a JsonPath<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// The text itself.
    Root(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> JsonPath<'a> {
    /// A place that is known already, as text; `$` is the whole file.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        let (parent, step) = (None, Step::Root(text));
        Self { parent, step }
    }

    /// The member of this name.
    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        let (parent, step) = (Some(self), Step::Key(key));
        Self { parent, step }
    }

    /// The element at this index.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        let (parent, step) = (Some(self), Step::Index(index));
        Self { parent, step }
    }

    /// How many steps it is below where it began.
    #[must_use]
    pub fn depth(&self) -> usize {
        std::iter::successors(self.parent, |path| path.parent).count()
    }

    /// Notes what is wrong here.
    pub fn report(&self, findings: &mut Findings, text: impl Into<String>) {
        if findings.len() < MAX_FINDINGS {
            findings.push((self.to_string(), text.into()));
        }
    }
}

impl fmt::Display for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root(text) => f.write_str(text),
            Step::Key(key) if is_plain(key) => write!(f, ".{key}"),
            Step::Key(key) => write!(f, "[\"{}\"]", shown(key).escape_debug()),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A key as far as a sentence shows it.
#[must_use]
pub fn shown(key: &str) -> &str {
    let end = key.char_indices().nth(MAX_KEY).map_or(key.len(), |(at, _)| at);
    key.get(..end).unwrap_or_default()
}

/// What a JSON value is, for a person.
#[must_use]
pub const fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= MAX_KEY
        && key
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_$%".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_json_path_has_it() {
        let roles = JsonPath::new("$.roles");
        let (first, key) = (roles.index(0), "a \"b\".c");
        let odd = first.key(key);
        assert_eq!(first.key("apply_when").to_string(), "$.roles[0].apply_when");
        assert_eq!(odd.to_string(), "$.roles[0][\"a \\\"b\\\".c\"]");
        assert_eq!(odd.depth(), 2);
    }

    #[test]
    fn a_file_with_nothing_but_mistakes_is_told_of_some() {
        let mut findings = Findings::new();
        for _ in 0..2 * MAX_FINDINGS {
            JsonPath::new("$").report(&mut findings, "wrong");
        }
        assert_eq!(findings.len(), MAX_FINDINGS);
    }
}

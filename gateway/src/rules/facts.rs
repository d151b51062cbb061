//! What a rule may ask that does not depend on the document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Where expansions are looked up. JSON, or Extended JSON where a value has a type of its own.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `%%user`: an object with `id`, `type`, `data`, `custom_data` and `identities`, each as far as it is known.
    pub user: &'a Value,
    /// `%%values`, by name.
    pub values: &'a BTreeMap<String, Value>,
    /// `%%environment.tag`.
    pub tag: &'a str,
    /// `%%environment.values`, by name.
    pub environment: &'a BTreeMap<String, Value>,
}

/// An expansion: what it looks up, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    source: Source,
    path: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    User,
    Values,
    Environment,
}

impl Fact {
    /// The expansion, if it is one that is served.
    #[must_use]
    pub fn parse(expansion: &str) -> Option<Self> {
        let mut names = expansion.strip_prefix("%%")?.split('.');
        let (source, known): (_, &[_]) = match names.next()? {
            "user" => (Source::User, &["id", "type", "data", "custom_data", "identities"]),
            "values" => (Source::Values, &[]),
            "environment" => (Source::Environment, &["tag", "values"]),
            _ => return None,
        };
        let path: Vec<_> = names.map(ToOwned::to_owned).collect();
        let first = path.first()?;
        let is_served = known.is_empty() || known.contains(&first.as_str());
        (is_served && path.iter().all(|name| !name.is_empty())).then_some(Self { source, path })
    }

    /// Whether it takes more of the user than his id.
    #[must_use]
    pub fn is_of_user(&self) -> bool {
        self.source == Source::User && self.path.first().is_none_or(|name| name != "id")
    }

    /// Whether it is of what the application keeps about the user.
    #[must_use]
    pub fn is_custom_data(&self) -> bool {
        self.source == Source::User && self.path.first().is_none_or(|name| name == "custom_data")
    }

    /// Whether it is a value of the app or its environment that is not there, whoever the user is.
    #[must_use]
    pub fn is_missing(&self, facts: &Facts<'_>) -> bool {
        let names: Vec<_> = self.path.iter().map(String::as_str).collect();
        match (self.source, &names[..]) {
            (Source::Values, [name, ..]) => !facts.values.contains_key(*name),
            (Source::Environment, ["values", name, ..]) => !facts.environment.contains_key(*name),
            (Source::Environment, ["values"]) => true,
            _ => false,
        }
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn of<'a>(&self, facts: &Facts<'a>) -> Option<Cow<'a, Value>> {
        let (first, rest) = self.path.split_first()?;
        let (found, rest) = match self.source {
            Source::User => (facts.user.get(first)?, rest),
            Source::Values => (facts.values.get(first)?, rest),
            Source::Environment if first == "tag" => return Some(Cow::Owned(facts.tag.into())),
            Source::Environment => {
                let (name, rest) = rest.split_first()?;
                (facts.environment.get(name)?, rest)
            }
        };
        let found = rest.iter().try_fold(found, |value, name| match value {
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
            _ => value.get(name),
        });
        found.map(Cow::Borrowed)
    }
}

/// As rules have it.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::User => "user",
            Source::Values => "values",
            Source::Environment => "environment",
        };
        write!(f, "%%{source}.{}", self.path.join("."))
    }
}

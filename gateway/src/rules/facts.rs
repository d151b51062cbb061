//! What a rule may ask that does not depend on the document.

use serde_json::Value;

/// Where expansions are looked up. JSON, or Extended JSON where a value has a type of its own.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `%%user`: an object with `id`, `type`, `data`, `custom_data` and `identities`, each as far as it is known.
    pub user: &'a Value,
    /// `%%values`: an object of values by name.
    pub values: &'a Value,
    /// `%%environment`: an object with `tag` and `values`.
    pub environment: &'a Value,
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

    /// Whether it is about the user's custom data, which has to be fetched.
    #[must_use]
    pub fn is_custom_data(&self) -> bool {
        self.source == Source::User && self.path.first().is_some_and(|name| name == "custom_data")
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn of<'a>(&self, facts: &Facts<'a>) -> Option<&'a Value> {
        let source = match self.source {
            Source::User => facts.user,
            Source::Values => facts.values,
            Source::Environment => facts.environment,
        };
        self.path.iter().try_fold(source, |value, name| match value {
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
            _ => value.get(name),
        })
    }
}

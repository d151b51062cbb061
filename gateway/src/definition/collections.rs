//! Where documents go, what they look like and who may write them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The data source of an app that names none.
const DEFAULT_NAME: &str = "mongodb-atlas";

/// Databases under one name.
#[derive(Clone, Debug)]
pub struct DataSource {
    /// Its name.
    pub name: String,
    /// Roles of the collections that have none of their own.
    pub default_roles: Vec<Value>,
    /// Its collections.
    pub collections: Vec<Collection>,
    by_title: BTreeMap<String, usize>,
}

/// A collection.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub name: String,
    /// The class whose objects it holds.
    pub title: Option<String>,
    /// What its documents look like.
    pub schema: Option<Value>,
    /// Its own roles; they replace the default ones.
    pub roles: Option<Vec<Value>>,
    /// Properties that name a document of another collection, by path.
    pub relationships: BTreeMap<String, Relationship>,
    /// Set where it is a time-series collection.
    pub time_series: Option<TimeSeries>,
}

/// A property that holds the key of a document elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// The other database.
    pub database: String,
    /// The other collection.
    pub collection: String,
    /// Whether there are several of them.
    pub is_list: bool,
}

/// Options of a time-series collection, as MongoDB names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSeries {
    /// The field with the time.
    pub time_field: String,
    /// The field that says what a measurement belongs to.
    pub meta_field: Option<String>,
    /// How far apart measurements are.
    pub granularity: Option<Granularity>,
    /// Seconds after which a document goes.
    pub expire_after_seconds: Option<u64>,
}

/// How far apart measurements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are MongoDB's")]
pub enum Granularity {
    Seconds,
    Minutes,
    Hours,
}

impl DataSource {
    /// With these collections.
    #[must_use]
    pub fn new(name: String, default_roles: Vec<Value>, collections: Vec<Collection>) -> Self {
        let titles = collections.iter().enumerate();
        let by_title = titles.filter_map(|(at, one)| Some((one.title.clone()?, at)));
        Self {
            name,
            default_roles,
            by_title: by_title.collect(),
            collections,
        }
    }

    /// Everybody may write everything.
    pub(super) fn open_to_all() -> Self {
        let role = json!({
            "name": "everything", "apply_when": {}, "document_filters": {"read": true, "write": true},
            "read": true, "write": true, "insert": true, "delete": true, "search": true,
        });
        Self::new(DEFAULT_NAME.to_owned(), vec![role], Vec::new())
    }

    /// The collection of a class, by the title of its schema.
    #[must_use]
    pub fn collection_of(&self, class: &str) -> Option<&Collection> {
        self.collections.get(*self.by_title.get(class)?)
    }

    /// The roles that hold for a collection.
    #[must_use]
    pub fn roles<'a>(&'a self, collection: Option<&'a Collection>) -> &'a [Value] {
        let own = collection.and_then(|collection| collection.roles.as_deref());
        own.unwrap_or(&self.default_roles)
    }
}

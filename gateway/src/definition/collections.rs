//! Where documents go, what they look like and who may write them.

use std::collections::BTreeMap;

use serde_json::json;

use crate::collection_schema::CollectionSchema;
use crate::rules::{Role, Rules};

/// The data source of an app that names none.
pub(super) const DEFAULT_NAME: &str = "mongodb-atlas";

/// Databases under one name.
#[derive(Clone, Debug)]
pub struct DataSource {
    /// Its name.
    pub name: String,
    /// What holds for classes that have no collection here.
    pub default_rules: Rules,
    /// The same of classes of which more fields may be asked than of others, by name.
    pub default_rules_of: BTreeMap<String, Rules>,
    /// Its collections.
    pub collections: Vec<Collection>,
    by_class: BTreeMap<String, usize>,
}

/// A collection.
#[derive(Clone, Debug)]
pub struct Collection {
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub name: String,
    /// The class whose objects it holds: by the title of its schema or, in development mode, by its own name.
    pub class: Option<String>,
    /// What the objects look like.
    pub schema: Option<CollectionSchema>,
    /// What decides who may write it: roles of its own, or else the default ones.
    pub rules: Rules,
    /// Properties that name a document of another collection, by path.
    pub relationships: BTreeMap<String, Relationship>,
    /// Set where it is a time-series collection.
    pub time_series: Option<TimeSeries>,
}

/// A property that holds the key of a document elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// The other data source.
    pub data_source: String,
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
    pub fn new(name: String, default_rules: Rules, collections: Vec<Collection>) -> Self {
        let all = collections.iter().enumerate();
        let by_class = all.filter_map(|(at, one)| Some((one.class.clone()?, at)));
        Self {
            name,
            default_rules,
            default_rules_of: BTreeMap::new(),
            by_class: by_class.collect(),
            collections,
        }
    }

    /// Everybody may write everything.
    pub(super) fn open_to_all() -> Self {
        let role = json!({
            "name": "everybody", "document_filters": {"read": true, "write": true}, "write": true,
        });
        let role = Role::parse(&role, "$", &mut Vec::new());
        let rules = Rules::new(role.into_iter().collect(), |_| false);
        Self::new(DEFAULT_NAME.to_owned(), rules, Vec::new())
    }

    /// The collection of a class.
    #[must_use]
    pub fn collection_of(&self, class: &str) -> Option<&Collection> {
        self.collections.get(*self.by_class.get(class)?)
    }

    /// What decides who may write objects of a class.
    #[must_use]
    pub fn rules_of(&self, class: &str) -> &Rules {
        let own = self.collection_of(class);
        let by_default = || self.default_rules_of.get(class).unwrap_or(&self.default_rules);
        own.map_or_else(by_default, |collection| &collection.rules)
    }
}

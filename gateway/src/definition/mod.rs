//! What an operator decides about one app: who may log in, what may be written, under which rules. It is replaced as a whole
//! and never changed, so whoever holds one sees one state of it.

mod collections;
mod destination;
mod functions;
mod origin;
mod providers;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub use collections::{Collection, DataSource, Granularity, Relationship, TimeSeries};
pub use destination::{DEFAULT_DATABASE, Destination};
pub use functions::Function;
pub use origin::Origin;
pub use providers::{Confirmation, Mail, Password, Providers, Reset};
pub use secret::Secret;

/// The configuration of one app.
#[derive(Clone)]
pub struct Definition {
    /// The id that clients name in every path. Without one, every id is taken for this app.
    pub client_app_id: Option<String>,
    /// What the app is called; it may be shared by several.
    pub name: String,
    /// What clients are told of where the app runs.
    pub deployment: Deployment,
    /// Origins whose pages may call the app; without a list, no page is kept out.
    pub allowed_origins: Option<Vec<Origin>>,
    /// How users may log in.
    pub providers: Providers,
    /// Where documents with data of users are.
    pub custom_user_data: Option<CustomUserData>,
    /// What devices may write.
    pub sync: Sync,
    /// Collections, their schemas and their rules, by the name of the data source.
    pub data_sources: BTreeMap<String, DataSource>,
    /// Values that rules and functions may ask for.
    pub values: BTreeMap<String, Value>,
    /// The environment that was chosen.
    pub environment: Environment,
    /// Functions by name.
    pub functions: BTreeMap<String, Function>,
}

/// What clients are told of where the app runs; it changes nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// `GLOBAL` or `LOCAL`.
    pub model: String,
    /// Such as `US-VA`.
    pub location: String,
}

/// The chosen environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// `development`, `testing`, `qa`, `production`, or nothing.
    pub tag: String,
    /// Its values by name.
    pub values: BTreeMap<String, Value>,
}

/// What devices may write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Whether batches are taken at all.
    pub enabled: bool,
    /// Whether devices bring classes and properties that are not described here.
    pub development_mode: bool,
    /// The data source whose collections they write.
    pub data_source: Option<String>,
    /// The database of classes that devices bring; without one, [`DEFAULT_DATABASE`].
    pub database: Option<String>,
    /// Classes that are written one way, by the titles of their schemas.
    pub classes: BTreeSet<String>,
    /// Whether a client that starts over is told to leave its unsent changes.
    pub recovery_disabled: bool,
    /// Fields by which rules may tell documents apart, of every collection.
    pub queryable_fields: BTreeSet<String>,
    /// The same of one collection, by its name.
    pub collection_queryable_fields: BTreeMap<String, BTreeSet<String>>,
}

/// A collection with a document for each user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomUserData {
    /// The data source.
    pub data_source: String,
    /// The database.
    pub database: String,
    /// The collection.
    pub collection: String,
    /// The field with the user's id.
    pub user_id_field: String,
    /// Called before a user is made.
    pub on_user_creation: Option<String>,
}

impl Definition {
    /// What development mode serves: whoever asks is let in, and whatever devices bring is taken.
    #[must_use]
    pub fn development(client_app_id: Option<String>) -> Self {
        let source = DataSource::open_to_all();
        Self {
            name: client_app_id.clone().unwrap_or_else(|| "development".to_owned()),
            client_app_id,
            deployment: Deployment::default(),
            allowed_origins: None,
            providers: Providers::development(),
            custom_user_data: None,
            sync: Sync {
                enabled: true,
                development_mode: true,
                data_source: Some(source.name.clone()),
                ..Sync::default()
            },
            data_sources: [(source.name.clone(), source)].into(),
            values: BTreeMap::new(),
            environment: Environment::default(),
            functions: BTreeMap::new(),
        }
    }

    /// The data source that devices write to.
    #[must_use]
    pub fn synced(&self) -> Option<&DataSource> {
        self.data_sources.get(self.sync.data_source.as_ref()?)
    }

    /// The collection of a class.
    #[must_use]
    pub fn collection_of(&self, class: &str) -> Option<&Collection> {
        self.synced()?.collection_of(class)
    }
}

/// Without its values, as some of them are secrets.
impl fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Definition")
            .field("client_app_id", &self.client_app_id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            model: "LOCAL".to_owned(),
            location: "LOCAL".to_owned(),
        }
    }
}

/// Whether an app can have this client app id: letters and digits of ASCII, `-` and `_`, 1 to 64 of them.
#[must_use]
pub fn is_app_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

//! The record of an app: its internal id, the keys that sign its tokens, and what the operator has decided about schemas. Made once,
//! by whichever gateway comes first.

use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use mongodb::Database;
use serde::{Deserialize, Serialize};

use super::APPS;
use super::store::{Store, unless_overtaken, within};
use crate::backend::BackendError;
use crate::state::{Key, Secrets};
use crate::{clock, ids};

/// See the module.
#[derive(Serialize, Deserialize)]
pub(super) struct App {
    /// Client app id, empty for the one app of development mode.
    #[serde(rename = "_id")]
    pub(super) client_app_id: String,
    /// Internal id, which all other records name.
    pub(super) domain: String,
    pub(super) created: i64,
    /// From the oldest on; the newest signs.
    pub(super) keys: Vec<SigningKey>,
    /// The number of the key that is made next. None is used twice.
    pub(super) next_key: i64,
    /// Keys that were retired lately.
    #[serde(default)]
    pub(super) retired: Vec<Retired>,
    /// Grows with each decision about schemas.
    pub(super) schemas_version: i64,
    /// No schema gets this number or one below: some that had them are gone.
    pub(super) schemas_floor: i64,
    /// What the operator has chosen.
    pub(super) choices: Vec<Choice>,
    /// How many numbers were given to client files.
    #[serde(default)]
    pub(super) client_files: i64,
    /// Set while the app is being copied from elsewhere: then nobody serves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) copying: bool,
}

/// A key that signs tokens, or signed some that are good.
#[derive(Serialize, Deserialize)]
pub(super) struct SigningKey {
    pub(super) id: i64,
    secret: Binary,
    pub(super) created: i64,
}

/// A key that is not there any more.
#[derive(Serialize, Deserialize)]
pub(super) struct Retired {
    pub(super) id: i64,
    pub(super) time: i64,
}

/// A schema whose definition of a class is the accepted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) class: String,
    pub(super) fingerprint: String,
    pub(super) time: i64,
}

impl SigningKey {
    pub(super) fn new(id: i64) -> Self {
        Self::of(id, ids::signing_key(), clock::unix_millis())
    }

    pub(super) const fn of(id: i64, secret: Vec<u8>, created: i64) -> Self {
        Self {
            id,
            secret: Binary {
                subtype: BinarySubtype::Generic,
                bytes: secret,
            },
            created,
        }
    }
}

impl App {
    /// Its records.
    pub(super) fn store(self, database: &Database) -> Store {
        Store::new(database.clone(), self.domain, self.client_app_id)
    }

    /// The key that signs.
    pub(super) fn newest(&self) -> Option<i64> {
        self.keys.iter().map(|key| key.id).max()
    }

    /// Whether what this key has signed is good.
    pub(super) fn has(&self, key: i64) -> bool {
        self.keys.iter().any(|known| known.id == key)
    }

    /// What tokens are made with.
    pub(super) fn secrets(self) -> Secrets {
        let keys = self.keys.into_iter().map(|key| Key {
            id: key.id,
            secret: key.secret.bytes,
        });
        Secrets {
            domain: self.domain,
            keys: keys.collect(),
        }
    }
}

/// The records of this app, which is made if there is none.
pub(super) async fn open(database: Database, client_app_id: &str) -> Result<Store, BackendError> {
    if let Some(store) = open_existing(&database, client_app_id).await? {
        return Ok(store);
    }
    let app = App {
        client_app_id: client_app_id.to_owned(),
        domain: ids::object_id(),
        created: clock::unix_millis(),
        keys: vec![SigningKey::new(1)],
        next_key: 2,
        retired: Vec::new(),
        schemas_version: 0,
        schemas_floor: 0,
        choices: Vec::new(),
        client_files: 0,
        copying: false,
    };
    unless_overtaken(database.collection::<App>(APPS).insert_one(app)).await?;
    let store = open_existing(&database, client_app_id).await?;
    // Another gateway has made it, which not every server has heard of yet.
    store.ok_or_else(|| {
        BackendError::Unavailable("MongoDB: an app that was just made is not there yet".to_owned())
    })
}

/// The records of this app, if it is there.
pub(super) async fn open_existing(
    database: &Database,
    client_app_id: &str,
) -> Result<Option<Store>, BackendError> {
    let apps = database.collection::<App>(APPS);
    match within(apps.find_one(doc! {"_id": client_app_id})).await? {
        Some(app) if app.copying => Err(BackendError::Damaged(format!(
            "{} is being copied into database '{}', or was when that was cut off; run 'copy' again until it says that it is done",
            told(client_app_id),
            database.name()
        ))),
        app => Ok(app.map(|app| app.store(database))),
    }
}

/// An app in a sentence.
pub(super) fn told(client_app_id: &str) -> String {
    match client_app_id {
        "" => "the app of development mode".to_owned(),
        id => format!("app '{id}'"),
    }
}

/// The client app ids of all apps that are there.
pub(super) async fn list(database: &Database) -> Result<Vec<String>, BackendError> {
    #[derive(Deserialize)]
    struct Id {
        #[serde(rename = "_id")]
        id: String,
    }
    let apps = database.collection::<Id>(APPS);
    let find = apps.find(doc! {}).projection(doc! {"_id": 1});
    let mut cursor = within(find.sort(doc! {"_id": 1})).await?;
    let mut ids = Vec::new();
    while within(cursor.advance()).await? {
        ids.push(cursor.deserialize_current()?.id);
    }
    Ok(ids)
}

impl Store {
    /// The app's own record.
    pub(super) async fn app(&self) -> Result<App, BackendError> {
        let app = self.find(APPS, self.own()).await?;
        app.ok_or_else(|| {
            BackendError::Damaged(format!(
                "the record of app '{}' is gone from the state database",
                self.client_app_id
            ))
        })
    }

    /// What finds it.
    pub(super) fn own(&self) -> Document {
        doc! {"_id": &self.client_app_id, "domain": &self.domain}
    }
}

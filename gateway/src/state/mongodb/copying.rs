//! An app that comes from another state, with its internal id and its keys, so that all tokens stay good. While it is being copied
//! its record says so, and no gateway serves it. Each step can be done again.

use std::collections::BTreeMap;

use bson::{Document, doc};
use mongodb::Database;
use realm_ingest_protocol::Schema;

use super::app::{self, App, Choice, Retired, SigningKey};
use super::store::{Store, decisive, unless_overtaken, within};
use super::{
    API_KEYS, APPS, CLIENT_FILES, REGISTRATIONS, SCHEMAS, SESSIONS, USERS, api_keys, client_files, format,
    registrations, schemas, sessions, standing, users,
};
use crate::backend::BackendError;
use crate::state::{ApiKey, KeyOwner, Registration, Session};

/// Sessions that had ended before name this key, which never signed: real ones are numbered from 1.
const ENDED_BEFORE: i64 = 0;

/// Of an app what its own record says.
pub(crate) struct CopiedApp {
    /// Empty for the one app of development mode.
    pub(crate) client_app_id: String,
    /// Internal id.
    pub(crate) domain: String,
    /// Number, secret and time of each key, from the oldest on.
    pub(crate) keys: Vec<(i64, Vec<u8>, i64)>,
    /// Version of the decisions about schemas.
    pub(crate) schemas_version: i64,
    /// The highest number that a schema has.
    pub(crate) schemas: i64,
    /// Class, fingerprint and time of what the operator has chosen.
    pub(crate) choices: Vec<(String, String, i64)>,
    /// How many numbers were given to client files.
    pub(crate) client_files: i64,
    /// When the last session ended whose access tokens may have to be refused.
    pub(crate) ended: Option<i64>,
}

/// A user. Of each identity its provider, its id and what is said there, as JSON.
pub(crate) struct CopiedUser {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) disabled: bool,
    pub(crate) gone: bool,
    pub(crate) identities: Vec<(String, String, String)>,
    pub(crate) custom_data: Option<String>,
    pub(crate) created: i64,
    pub(crate) last_login: i64,
    pub(crate) revoked: Option<i64>,
}

/// A registration. Of each one-time token its id, its purpose, its hash and when it expires.
pub(crate) struct CopiedRegistration {
    pub(crate) registration: Registration,
    pub(crate) created: i64,
    pub(crate) tokens: Vec<(String, String, Vec<u8>, i64)>,
}

/// A session that lasts.
pub(crate) struct CopiedSession {
    pub(crate) session: Session,
    /// The key that has signed its refresh token.
    pub(crate) key: i64,
    /// Whether its user has a registration.
    pub(crate) has_password: bool,
    pub(crate) created: i64,
    pub(crate) used: i64,
}

/// A schema. Of each conflict its class, since when, and the reason.
pub(crate) struct CopiedSchema {
    pub(crate) fingerprint: String,
    pub(crate) number: i64,
    pub(crate) json: String,
    pub(crate) compared: Option<String>,
    pub(crate) user: String,
    pub(crate) used: bool,
    pub(crate) created: i64,
    pub(crate) conflicts: Vec<(String, i64, String)>,
}

/// A client file. What its classes are is packed.
pub(crate) struct CopiedClientFile {
    pub(crate) ident: i64,
    pub(crate) salt: i64,
    pub(crate) user: String,
    pub(crate) generation: i64,
    pub(crate) revision: i64,
    pub(crate) registry: Option<Vec<u8>>,
    pub(crate) client: String,
    pub(crate) created: i64,
    pub(crate) seen: i64,
}

/// What there is of the app already.
pub(crate) enum Begun {
    /// It is being copied; whether that begins just now.
    Copying(Copying, bool),
    /// It is there, and may be served.
    There,
}

/// An app that is being copied.
pub(crate) struct Copying {
    store: Store,
}

/// A record for a collection of the state.
pub(crate) struct Copied {
    /// Its collection.
    pub(crate) collection: &'static str,
    /// The record.
    pub(crate) record: Document,
    /// Fields of it that the state finds anew, so that a former copy may have others.
    pub(crate) found_anew: &'static [&'static str],
}

/// The database as copying has to see it: what a majority has.
pub(crate) fn target(database: &Database) -> Database {
    decisive(database)
}

/// Makes the record of the app, unless it is there.
///
/// # Errors
/// When the database does not answer, has a later format, or has another app of this name or this one under another name.
pub(crate) async fn begin(database: &Database, copied: CopiedApp) -> Result<Begun, BackendError> {
    let database = decisive(database);
    format::prepare(&database).await?;
    let apps = database.collection::<App>(APPS);
    let (id, domain) = (copied.client_app_id.clone(), copied.domain.clone());
    let elsewhere = doc! {"domain": &domain, "_id": {"$ne": &id}};
    if let Some(other) = within(apps.find_one(elsewhere)).await? {
        return Err(BackendError::Damaged(format!(
            "the app of this directory is in database '{}' already, as {}; copy it under that name, or into another database",
            database.name(),
            app::told(&other.client_app_id)
        )));
    }
    let record = copied.record();
    let is_new = unless_overtaken(apps.insert_one(&record)).await?;
    if !is_new {
        // The directory may have been served since that was begun.
        let begun = doc! {"_id": &id, "domain": &domain, "copying": true};
        within(apps.replace_one(begun, &record)).await?;
    }
    let there = within(apps.find_one(doc! {"_id": &id})).await?;
    let there = there.ok_or_else(|| {
        BackendError::Unavailable("MongoDB: an app that was just made is not there yet".to_owned())
    })?;
    if there.domain != domain {
        return Err(BackendError::Damaged(format!(
            "database '{}' has another {}, with users and documents of its own; nothing was changed there, copy into another database",
            database.name(),
            app::told(&id).trim_start_matches("the ")
        )));
    }
    if !there.copying {
        return Ok(Begun::There);
    }
    let store = there.store(&database);
    Ok(Begun::Copying(Copying { store }, is_new))
}

impl CopiedApp {
    fn record(self) -> App {
        let next_key = self.keys.iter().map(|(id, ..)| id + 1).max().unwrap_or(1);
        let keys = self.keys.into_iter();
        let choices = self.choices.into_iter();
        let ended = self.ended.into_iter();
        App {
            client_app_id: self.client_app_id,
            domain: self.domain,
            created: crate::clock::unix_millis(),
            keys: keys
                .map(|(id, secret, created)| SigningKey::of(id, secret, created))
                .collect(),
            next_key,
            retired: ended
                .map(|time| Retired {
                    id: ENDED_BEFORE,
                    time,
                })
                .collect(),
            schemas_version: self.schemas_version,
            schemas_floor: self.schemas,
            choices: choices
                .map(|(class, fingerprint, time)| Choice {
                    class,
                    fingerprint,
                    time,
                })
                .collect(),
            client_files: self.client_files,
            copying: true,
        }
    }
}

impl Copying {
    /// The collections whose records of the app are copied, with what finds these.
    pub(crate) fn collections(&self) -> [(&'static str, Document); 6] {
        let collections = [USERS, REGISTRATIONS, API_KEYS, SESSIONS, SCHEMAS, CLIENT_FILES];
        collections.map(|collection| (collection, self.store.of_app(doc! {})))
    }

    /// Its internal id.
    pub(crate) fn domain(&self) -> &str {
        &self.store.domain
    }

    pub(crate) fn user(&self, user: CopiedUser) -> Result<Copied, BackendError> {
        Ok(Copied::of(USERS, users::copied(&self.store, user)?))
    }

    pub(crate) fn registration(&self, registration: CopiedRegistration) -> Result<Copied, BackendError> {
        let record = registrations::copied(&self.store, registration)?;
        Ok(Copied::of(REGISTRATIONS, record))
    }

    /// `number` is its place among all keys, `hash` that of its text.
    pub(crate) fn api_key(&self, key: ApiKey, number: i64, hash: &[u8]) -> Result<Copied, BackendError> {
        let record = api_keys::copied(&self.store, key, number, hash)?;
        Ok(Copied::of(API_KEYS, record))
    }

    pub(crate) fn session(&self, session: CopiedSession) -> Result<Copied, BackendError> {
        Ok(Copied::of(SESSIONS, sessions::copied(&self.store, session)?))
    }

    /// One that has ended, but whose access tokens may be about.
    pub(crate) fn ended_session(&self, id: String, time: i64) -> Result<Copied, BackendError> {
        self.session(CopiedSession {
            session: Session {
                id,
                user: String::new(),
                device: String::new(),
                api_key: None,
                expires: time,
            },
            key: ENDED_BEFORE,
            has_password: false,
            created: time,
            used: time,
        })
    }

    pub(crate) fn schema(&self, schema: CopiedSchema) -> Result<Copied, BackendError> {
        let mut copied = Copied::of(SCHEMAS, standing::copied(&self.store, schema)?);
        copied.found_anew = &standing::STANDING;
        Ok(copied)
    }

    pub(crate) fn client_file(&self, file: CopiedClientFile) -> Result<Copied, BackendError> {
        Ok(Copied::of(CLIENT_FILES, client_files::copied(&self.store, file)?))
    }

    /// What is accepted of every class, found anew out of the schemas that were copied: its JSON by its name.
    pub(crate) async fn accepted(&self) -> Result<BTreeMap<String, String>, BackendError> {
        let Schema { classes } = schemas::accepted(&self.store).await?;
        let json = classes.into_iter().map(|class| {
            let json = serde_json::to_string(&class)
                .map_err(|error| BackendError::Damaged(format!("a class cannot be written: {error}")))?;
            Ok((class.name, json))
        });
        json.collect()
    }

    /// From now on gateways may serve it.
    pub(crate) async fn end(self) -> Result<(), BackendError> {
        let done = doc! {"$unset": {"copying": ""}};
        if self.store.update(APPS, self.store.own(), done).await? {
            return Ok(());
        }
        Err(BackendError::Damaged(
            "the record of the app is gone from the state database; start the copy again".to_owned(),
        ))
    }
}

impl Copied {
    /// A record that is copied as it is.
    pub(crate) const fn of(collection: &'static str, record: Document) -> Self {
        Self {
            collection,
            record,
            found_anew: &[],
        }
    }
}

/// The owner of a key by the id of its user, if it has one.
pub(crate) fn owner(user: Option<String>) -> KeyOwner {
    user.map_or(KeyOwner::App, KeyOwner::User)
}

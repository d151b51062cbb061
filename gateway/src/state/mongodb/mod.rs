//! The state in a database of MongoDB, which several gateways and several apps share.
//!
//! Whatever is decided is one change of one record: a user with his identities, a registration with its one-time tokens, an API key, a
//! session, a schema, a client file, or the record of the app with its keys. So no transactions are needed, and a gateway that dies between two
//! changes leaves nothing half done that matters. What must be there once is a unique index. A change that rests on what was read has
//! that in its filter, and is tried anew where it no longer holds.
//!
//! Sessions end without being touched, see `sessions.rs`. Records of what has ended go by indexes with an expiry, on which
//! nothing depends.
//!
//! Times are those of the gateways, whose clocks must agree to some seconds: a log-in that one of them makes right after another
//! has revoked something is refused for as long as its clock is behind.

mod api_keys;
mod app;
mod client_files;
mod contracts;
pub(crate) mod copying;
mod failures;
mod format;
mod imports;
mod keys;
mod links;
mod operator;
mod registrations;
mod revocations;
mod schemas;
mod sessions;
mod standing;
mod store;
mod users;

use std::sync::Arc;
use std::time::Instant;

use bson::doc;
use mongodb::Database;

use self::store::{Store, decisive};
use super::client_files::MAX_OF_USER;
use super::schemas::Limits;
use crate::backend::BackendError;
use crate::renewed::Renewed;

const FORMATS: &str = "format";
const APPS: &str = "apps";
const USERS: &str = "users";
const REGISTRATIONS: &str = "registrations";
const API_KEYS: &str = "api_keys";
const SESSIONS: &str = "sessions";
const SCHEMAS: &str = "schemas";
const CLIENT_FILES: &str = "client_files";
const LOGIN_FAILURES: &str = "login_failures";

/// See the module. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct MongoState {
    store: Store,
    limits: Limits,
    /// Client files of one user.
    files_of_user: i64,
    schemas_version: Arc<Renewed<i64>>,
}

impl MongoState {
    /// The state of the app of this client app id in the database, or of the one app of development mode. What is not there is made:
    /// indexes, and the record of the app with its internal id and its first key.
    ///
    /// # Errors
    /// When the database does not answer, or a later release has written it.
    pub async fn open(database: Database, client_app_id: Option<&str>) -> Result<Self, BackendError> {
        let database = decisive(&database);
        format::prepare(&database).await?;
        let store = app::open(database, client_app_id.unwrap_or_default()).await?;
        Self::over(store).await
    }

    /// The same beside a server that may be running, or without one. The app must be there, in the format of this version.
    ///
    /// # Errors
    /// When the database does not answer, has another format, or has no such app.
    pub async fn open_existing(
        database: Database,
        client_app_id: Option<&str>,
    ) -> Result<Self, BackendError> {
        let database = decisive(&database);
        format::expect(&database).await?;
        let id = client_app_id.unwrap_or_default();
        let store = app::open_existing(&database, id).await?;
        let store = store.ok_or_else(|| {
            BackendError::Damaged(match client_app_id {
                Some(id) => format!("there is no app '{id}' in database '{}'", database.name()),
                None => format!(
                    "there is no app of development mode in database '{}'",
                    database.name()
                ),
            })
        })?;
        Self::over(store).await
    }

    /// The client app ids of all apps in the database; that of development mode is empty.
    ///
    /// # Errors
    /// When the database does not answer or has another format.
    pub async fn apps(database: &Database) -> Result<Vec<String>, BackendError> {
        let database = decisive(database);
        format::expect(&database).await?;
        app::list(&database).await
    }

    async fn over(store: Store) -> Result<Self, BackendError> {
        let now = Instant::now();
        let version = schemas::version(&store).await?;
        Ok(Self {
            store,
            limits: Limits::USUAL,
            files_of_user: MAX_OF_USER,
            schemas_version: Arc::new(Renewed::new(version, now)),
        })
    }

    /// The same that keeps no more than so many schemas in all.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_schemas(mut self, in_all: i64) -> Self {
        self.limits.in_all = in_all;
        self
    }

    /// The same that keeps no more than so many client files of one user.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_client_files(mut self, of_user: i64) -> Self {
        self.files_of_user = of_user;
        self
    }

    /// Internal id of the app, which all its records name.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.store.domain
    }
}

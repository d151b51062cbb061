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
use std::time::{Duration, Instant};

use bson::doc;
use mongodb::Database;
use realm_ingest_protocol::Schema;
use serde_json::value::RawValue;

use self::store::{Store, decisive};
use super::client_files::{MAX_OF_USER, told};
use super::schemas::Limits;
use super::{
    AddedKey, AddedToken, ApiKey, ApiKeys, ClientFile, ClientFiles, Failures, Identity, Imported,
    ImportedUser, Imports, KeyOwner, KnownSchema, Linked, OneTimeToken, Provider, Purpose, Registration,
    Registrations, Revocation, Schemas, SecretHash, Secrets, Session, Sessions, State, User, UserKind, Users,
};
use crate::auth::Quota;
use crate::backend::{Answer, BackendError};
use crate::clock;
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

    fn new_file(&self, user: &str, client: &str) -> client_files::New {
        client_files::New {
            user: user.to_owned(),
            client: told(client),
            now: clock::unix_millis(),
            of_user: self.files_of_user,
        }
    }

    /// Internal id of the app, which all its records name.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.store.domain
    }
}

impl Users for MongoState {
    fn find_or_create(&self, identity: Identity, kind: UserKind) -> Answer<'_, Option<User>> {
        Box::pin(async move { users::find_or_create(&self.store, &identity, kind).await })
    }

    fn user(&self, id: &str) -> Answer<'_, Option<User>> {
        let id = id.to_owned();
        Box::pin(async move { users::find(&self.store, &id).await })
    }

    fn user_by_identity(&self, provider: Provider, id: &str) -> Answer<'_, Option<User>> {
        let id = id.to_owned();
        Box::pin(async move { users::find_by_identity(&self.store, provider, &id).await })
    }

    fn link(&self, user: &str, identity: Identity, password_hash: Option<String>) -> Answer<'_, Linked> {
        let user = user.to_owned();
        Box::pin(async move { links::link(&self.store, &user, &identity, password_hash.as_deref()).await })
    }

    fn set_disabled(&self, user: &str, disabled: bool) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move { users::set_disabled(&self.store, &user, disabled).await })
    }

    fn set_custom_data(&self, user: &str, data: Option<Box<RawValue>>) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move { users::set_custom_data(&self.store, &user, data.as_deref()).await })
    }

    fn end_sessions(&self, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move { users::end_sessions(&self.store, &user).await })
    }

    fn remove_user(&self, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move { users::remove(&self.store, &user).await })
    }

    fn users(&self, after: Option<&User>, limit: usize) -> Answer<'_, Vec<User>> {
        let after = after.map(|user| (user.created, user.id.clone()));
        Box::pin(async move { users::list(&self.store, after, limit).await })
    }

    fn revocations(&self, since: i64) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move { revocations::since(&self.store, since).await })
    }
}

impl Registrations for MongoState {
    fn register(&self, registration: Registration) -> Answer<'_, bool> {
        Box::pin(async move { registrations::add(&self.store, registration).await })
    }

    fn registration(&self, email: &str) -> Answer<'_, Option<Registration>> {
        let email = email.to_owned();
        Box::pin(async move { registrations::find(&self.store, &email).await })
    }

    fn add_token(&self, email: &str, token: OneTimeToken) -> Answer<'_, AddedToken> {
        let email = email.to_owned();
        Box::pin(async move { registrations::add_token(&self.store, &email, &token).await })
    }

    fn has_token(&self, purpose: Purpose, id: &str, hash: SecretHash) -> Answer<'_, bool> {
        let id = id.to_owned();
        Box::pin(async move { registrations::has_token(&self.store, purpose, &id, &hash).await })
    }

    fn confirm(&self, id: &str, hash: SecretHash) -> Answer<'_, bool> {
        let id = id.to_owned();
        Box::pin(async move { registrations::confirm(&self.store, &id, &hash).await })
    }

    fn confirm_registration(&self, email: &str, identity: &str) -> Answer<'_, bool> {
        let (email, identity) = (email.to_owned(), identity.to_owned());
        Box::pin(async move { registrations::confirm_without_token(&self.store, &email, &identity).await })
    }

    fn reset_password(&self, id: &str, hash: SecretHash, password_hash: &str) -> Answer<'_, bool> {
        let (id, password) = (id.to_owned(), password_hash.to_owned());
        Box::pin(async move { registrations::reset_password(&self.store, &id, &hash, &password).await })
    }

    fn remove_registration(&self, email: &str) -> Answer<'_, bool> {
        let email = email.to_owned();
        Box::pin(async move { registrations::remove_unused(&self.store, &email).await })
    }

    fn unused_registrations(&self, after: &str, limit: usize) -> Answer<'_, Vec<Registration>> {
        let after = after.to_owned();
        Box::pin(async move { registrations::list_unused(&self.store, &after, limit).await })
    }
}

impl ApiKeys for MongoState {
    fn add_api_key(&self, key: ApiKey, hash: SecretHash) -> Answer<'_, AddedKey> {
        Box::pin(async move { api_keys::add(&self.store, &key, &hash).await })
    }

    fn api_key(&self, hash: SecretHash) -> Answer<'_, Option<ApiKey>> {
        Box::pin(async move { api_keys::find(&self.store, &hash).await })
    }

    fn api_keys(&self, owner: &KeyOwner) -> Answer<'_, Vec<ApiKey>> {
        let owner = owner.clone();
        Box::pin(async move { api_keys::list(&self.store, &owner).await })
    }

    fn set_api_key_disabled(&self, owner: &KeyOwner, id: &str, disabled: bool) -> Answer<'_, bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        Box::pin(async move { api_keys::set_disabled(&self.store, &owner, &id, disabled).await })
    }

    fn remove_api_key(&self, owner: &KeyOwner, id: &str) -> Answer<'_, bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        Box::pin(async move { api_keys::remove(&self.store, &owner, &id).await })
    }
}

impl Failures for MongoState {
    fn debt(&self, key: SecretHash) -> Answer<'_, Duration> {
        Box::pin(async move { failures::debt(&self.store, &key).await })
    }

    fn add_failure(&self, key: SecretHash, quota: Quota) -> Answer<'_, ()> {
        Box::pin(async move { failures::add(&self.store, &key, quota).await })
    }

    fn forget_failures(&self, key: SecretHash) -> Answer<'_, ()> {
        Box::pin(async move { failures::forget(&self.store, &key).await })
    }
}

impl Sessions for MongoState {
    fn secrets(&self) -> Answer<'_, Secrets> {
        Box::pin(async move { Ok(self.store.app().await?.secrets()) })
    }

    fn open_session(&self, session: Session, password_hash: Option<String>) -> Answer<'_, Option<i64>> {
        Box::pin(async move { sessions::open(&self.store, session, password_hash).await })
    }

    fn session(&self, id: &str) -> Answer<'_, Option<Session>> {
        let id = id.to_owned();
        Box::pin(async move { sessions::find(&self.store, &id).await })
    }

    fn close_session(&self, id: &str) -> Answer<'_, bool> {
        let id = id.to_owned();
        Box::pin(async move { sessions::close(&self.store, &id).await })
    }
}

impl Schemas for MongoState {
    fn schemas_version(&self) -> Answer<'_, i64> {
        Box::pin(async move { schemas::version(&self.store).await })
    }

    /// Of at most two seconds ago: a gateway asks with each batch.
    fn recent_schemas_version(&self) -> Answer<'_, i64> {
        Box::pin(async {
            let read = || schemas::version(&self.store);
            Ok(*self.schemas_version.get(Instant::now(), read).await?)
        })
    }

    fn schema(&self, fingerprint: &str) -> Answer<'_, Option<(i64, KnownSchema)>> {
        let fingerprint = fingerprint.to_owned();
        Box::pin(async move { schemas::find(&self.store, &fingerprint).await })
    }

    fn add_schema(&self, schema: Schema, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move { schemas::add(&self.store, &schema, None, &user, self.limits).await })
    }

    fn add_compared_schema(&self, schema: Schema, compared: Schema, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        Box::pin(async move {
            let compared = Some(&compared).filter(|compared| **compared != schema);
            schemas::add(&self.store, &schema, compared, &user, self.limits).await
        })
    }

    fn accepted_class(&self, class: &str) -> Answer<'_, Option<Schema>> {
        let class = class.to_owned();
        Box::pin(async move { schemas::accepted_class(&self.store, class).await })
    }

    fn note_schema_use(&self, fingerprint: &str) -> Answer<'_, bool> {
        let fingerprint = fingerprint.to_owned();
        Box::pin(async move { schemas::note_use(&self.store, &fingerprint).await })
    }
}

impl ClientFiles for MongoState {
    fn new_client_file(&self, user: &str, client: &str) -> Answer<'_, ClientFile> {
        let new = self.new_file(user, client);
        Box::pin(async move { client_files::create(&self.store, new).await })
    }

    fn client_file(&self, ident: u64, salt: i64) -> Answer<'_, Option<ClientFile>> {
        Box::pin(async move { client_files::find(&self.store, ident, salt).await })
    }

    fn adopt_client_file(&self, ident: u64, salt: i64, user: &str, client: &str) -> Answer<'_, ClientFile> {
        let new = self.new_file(user, client);
        Box::pin(async move { client_files::adopt(&self.store, ident, salt, new).await })
    }

    fn note_client_file(&self, ident: u64, salt: i64, client: &str) -> Answer<'_, ()> {
        let (client, now) = (told(client), clock::unix_millis());
        Box::pin(async move { client_files::note(&self.store, ident, salt, &client, now).await })
    }

    fn set_registry(&self, ident: u64, salt: i64, revision: u64, registry: &str) -> Answer<'_, Option<u64>> {
        let registry = registry.to_owned();
        Box::pin(
            async move { client_files::set_registry(&self.store, ident, salt, revision, &registry).await },
        )
    }

    fn renew_generation(&self, ident: u64, salt: i64, from: u32) -> Answer<'_, Option<u32>> {
        Box::pin(async move { client_files::renew_generation(&self.store, ident, salt, from).await })
    }
}

impl Imports for MongoState {
    fn import_users(&self, users: Vec<ImportedUser>) -> Answer<'_, Vec<Imported>> {
        Box::pin(async move { imports::import(&self.store, users).await })
    }
}

impl State for MongoState {
    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let change = doc! {"$set": {"probed": clock::unix_millis()}};
            self.store.update(APPS, self.store.own(), change).await?;
            Ok(())
        })
    }
}

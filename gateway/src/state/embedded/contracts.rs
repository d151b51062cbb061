//! The state's traits over the file: each call goes to the module of what it is about, off the async threads.

use realm_ingest_protocol::Schema;
use serde_json::value::RawValue;
use tracing::warn;

use super::{EmbeddedState, api_keys, client_files, imports, keys, registrations, schemas, sessions, users};
use crate::backend::Answer;
use crate::clock;
use crate::state::client_files::{New, told};
use crate::state::schemas::Limits;
use crate::state::{
    AddedKey, AddedToken, ApiKey, ApiKeys, ClientFile, ClientFiles, Failures, Identity, Imported,
    ImportedUser, Imports, KeyOwner, KnownSchema, Linked, OneTimeToken, Provider, Purpose, Registration,
    Registrations, Revocation, Schemas, SecretHash, Secrets, Session, Sessions, State, User, UserKind, Users,
};

impl Users for EmbeddedState {
    fn find_or_create(&self, identity: Identity, kind: UserKind) -> Answer<'_, Option<User>> {
        self.run(move |connection| users::find_or_create(connection, &identity, kind, clock::unix_millis()))
    }

    fn user(&self, id: &str) -> Answer<'_, Option<User>> {
        let id = id.to_owned();
        self.read(move |connection| users::find(connection, &id))
    }

    fn user_by_identity(&self, provider: Provider, id: &str) -> Answer<'_, Option<User>> {
        let id = id.to_owned();
        self.read(move |connection| users::find_by_identity(connection, provider, &id))
    }

    fn link(&self, user: &str, identity: Identity, password_hash: Option<String>) -> Answer<'_, Linked> {
        let user = user.to_owned();
        self.run(move |connection| users::link(connection, &user, &identity, password_hash.as_deref()))
    }

    fn set_disabled(&self, user: &str, disabled: bool) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| users::set_disabled(connection, &user, disabled))
    }

    fn set_custom_data(&self, user: &str, data: Option<Box<RawValue>>) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| Ok(users::set_custom_data(connection, &user, data.as_deref())?))
    }

    fn end_sessions(&self, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| users::end_sessions(connection, &user))
    }

    fn remove_user(&self, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| users::remove(connection, &user))
    }

    fn users(&self, after: Option<&User>, limit: usize) -> Answer<'_, Vec<User>> {
        let after = after.map(|user| (user.created, user.id.clone()));
        self.read(move |connection| users::list(connection, after, limit))
    }

    fn revocations(&self, since: i64) -> Answer<'_, Vec<Revocation>> {
        self.read(move |connection| Ok(users::revocations(connection, since)?))
    }
}

impl Registrations for EmbeddedState {
    fn register(&self, registration: Registration) -> Answer<'_, bool> {
        self.run(move |connection| {
            Ok(registrations::add(
                connection,
                &registration,
                clock::unix_millis(),
            )?)
        })
    }

    fn registration(&self, email: &str) -> Answer<'_, Option<Registration>> {
        let email = email.to_owned();
        self.read(move |connection| Ok(registrations::find(connection, &email)?))
    }

    fn add_token(&self, email: &str, token: OneTimeToken) -> Answer<'_, AddedToken> {
        let email = email.to_owned();
        self.run(move |connection| registrations::add_token(connection, &email, &token, clock::unix_millis()))
    }

    fn has_token(&self, purpose: Purpose, id: &str, hash: SecretHash) -> Answer<'_, bool> {
        let (id, now) = (id.to_owned(), clock::unix_millis());
        self.read(move |connection| Ok(registrations::has_token(connection, purpose, &id, &hash, now)?))
    }

    fn confirm(&self, id: &str, hash: SecretHash) -> Answer<'_, bool> {
        let id = id.to_owned();
        self.run(move |connection| registrations::confirm(connection, &id, &hash, clock::unix_millis()))
    }

    fn confirm_registration(&self, email: &str, identity: &str) -> Answer<'_, bool> {
        let (email, identity) = (email.to_owned(), identity.to_owned());
        self.run(move |connection| {
            Ok(registrations::confirm_without_token(
                connection, &email, &identity,
            )?)
        })
    }

    fn reset_password(&self, id: &str, hash: SecretHash, password_hash: &str) -> Answer<'_, bool> {
        let (id, password) = (id.to_owned(), password_hash.to_owned());
        self.run(move |connection| registrations::reset_password(connection, &id, &hash, &password))
    }

    fn remove_registration(&self, email: &str) -> Answer<'_, bool> {
        let email = email.to_owned();
        self.run(move |connection| registrations::remove_unused(connection, &email))
    }

    fn unused_registrations(&self, after: &str, limit: usize) -> Answer<'_, Vec<Registration>> {
        let after = after.to_owned();
        self.read(move |connection| Ok(registrations::list_unused(connection, &after, limit)?))
    }
}

impl ApiKeys for EmbeddedState {
    fn add_api_key(&self, key: ApiKey, hash: SecretHash) -> Answer<'_, AddedKey> {
        self.run(move |connection| api_keys::add(connection, &key, &hash))
    }

    fn api_key(&self, hash: SecretHash) -> Answer<'_, Option<ApiKey>> {
        self.read(move |connection| Ok(api_keys::find(connection, &hash)?))
    }

    fn api_keys(&self, owner: &KeyOwner) -> Answer<'_, Vec<ApiKey>> {
        let owner = owner.clone();
        self.read(move |connection| Ok(api_keys::list(connection, &owner)?))
    }

    fn set_api_key_disabled(&self, owner: &KeyOwner, id: &str, disabled: bool) -> Answer<'_, bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.run(move |connection| api_keys::set_disabled(connection, &owner, &id, disabled))
    }

    fn remove_api_key(&self, owner: &KeyOwner, id: &str) -> Answer<'_, bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.run(move |connection| api_keys::remove(connection, &owner, &id))
    }
}

/// One gateway has a file for itself, and counts in memory.
impl Failures for EmbeddedState {}

impl Sessions for EmbeddedState {
    fn secrets(&self) -> Answer<'_, Secrets> {
        self.read(keys::secrets)
    }

    fn open_session(&self, session: Session, password_hash: Option<String>) -> Answer<'_, Option<i64>> {
        self.run(move |connection| {
            sessions::open(
                connection,
                &session,
                password_hash.as_deref(),
                clock::unix_millis(),
            )
        })
    }

    fn session(&self, id: &str) -> Answer<'_, Option<Session>> {
        let (id, now) = (id.to_owned(), clock::unix_millis());
        let find = move |id: String| self.read(move |connection| Ok(sessions::find(connection, &id, now)?));
        Box::pin(async move {
            let found = find(id.clone()).await?;
            let Some((_, true)) = found else {
                return Ok(found.map(|(session, _)| session));
            };
            let name = id.clone();
            let noted = self.run(move |connection| Ok(sessions::note_use(connection, &name, now)?));
            // A full disk keeps nobody out.
            if let Err(error) = noted.await {
                warn!(%error, "when a session was used could not be noted");
            }
            // Whoever ends it tells of it while it was used lately, so it must not have ended before that was noted.
            Ok(find(id).await?.map(|(session, _)| session))
        })
    }

    fn close_session(&self, id: &str) -> Answer<'_, bool> {
        let id = id.to_owned();
        self.run(move |connection| Ok(sessions::close(connection, &id)?))
    }
}

impl Schemas for EmbeddedState {
    fn schemas_version(&self) -> Answer<'_, i64> {
        self.read(|connection| Ok(schemas::version(connection)?))
    }

    fn schema(&self, fingerprint: &str) -> Answer<'_, Option<(i64, KnownSchema)>> {
        let fingerprint = fingerprint.to_owned();
        self.read(move |connection| schemas::find(connection, &fingerprint))
    }

    fn add_schema(&self, schema: Schema, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| schemas::add(connection, &schema, None, &user, Limits::USUAL))
    }

    fn add_compared_schema(&self, schema: Schema, compared: Schema, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| {
            let compared = Some(&compared).filter(|compared| **compared != schema);
            schemas::add(connection, &schema, compared, &user, Limits::USUAL)
        })
    }

    fn accepted_class(&self, class: &str) -> Answer<'_, Option<Schema>> {
        let class = class.to_owned();
        self.read(move |connection| schemas::accepted_class(connection, class))
    }

    fn note_schema_use(&self, fingerprint: &str) -> Answer<'_, bool> {
        let fingerprint = fingerprint.to_owned();
        self.run(move |connection| Ok(schemas::note_use(connection, &fingerprint)?))
    }
}

impl ClientFiles for EmbeddedState {
    fn new_client_file(&self, user: &str, client: &str) -> Answer<'_, ClientFile> {
        let new = New::of(user, client, self.files_of_user);
        self.run(move |connection| client_files::create(connection, &new))
    }

    fn client_file(&self, ident: u64, salt: i64) -> Answer<'_, Option<ClientFile>> {
        self.read(move |connection| client_files::find(connection, ident, salt))
    }

    fn adopt_client_file(&self, ident: u64, salt: i64, user: &str, client: &str) -> Answer<'_, ClientFile> {
        let new = New::of(user, client, self.files_of_user);
        self.run(move |connection| client_files::adopt(connection, ident, salt, &new))
    }

    fn note_client_file(&self, ident: u64, salt: i64, client: &str) -> Answer<'_, ()> {
        let client = told(client);
        self.run(move |connection| {
            let now = clock::unix_millis();
            Ok(client_files::note(connection, ident, salt, &client, now)?)
        })
    }

    fn set_registry(&self, ident: u64, salt: i64, revision: u64, registry: &str) -> Answer<'_, Option<u64>> {
        let registry = registry.to_owned();
        self.run(move |connection| client_files::set_registry(connection, ident, salt, revision, &registry))
    }

    fn renew_generation(&self, ident: u64, salt: i64, from: u32) -> Answer<'_, Option<u32>> {
        self.run(move |connection| Ok(client_files::renew_generation(connection, ident, salt, from)?))
    }
}

impl Imports for EmbeddedState {
    fn import_users(&self, users: Vec<ImportedUser>) -> Answer<'_, Vec<Imported>> {
        self.run(move |connection| imports::import(connection, &users))
    }
}

impl State for EmbeddedState {
    fn probe(&self) -> Answer<'_, ()> {
        self.run(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('probe', ?1)",
                [clock::unix_millis().to_string()],
            )?;
            Ok(())
        })
    }
}

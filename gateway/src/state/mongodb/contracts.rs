//! The state's traits over the database: each call goes to the module of what it is about.

use std::time::{Duration, Instant};

use bson::doc;
use realm_ingest_protocol::Schema;
use serde_json::value::RawValue;

use super::{
    APPS, MongoState, api_keys, client_files, failures, imports, links, registrations, revocations, schemas,
    sessions, users,
};
use crate::auth::Quota;
use crate::backend::Answer;
use crate::clock;
use crate::state::client_files::{New, told};
use crate::state::{
    AddedKey, AddedToken, ApiKey, ApiKeys, ClientFile, ClientFiles, Failures, Identity, Imported,
    ImportedUser, Imports, KeyOwner, KnownSchema, Linked, OneTimeToken, Provider, Purpose, Registration,
    Registrations, Revocation, Schemas, SecretHash, Secrets, Session, Sessions, State, User, UserKind, Users,
};

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
    fn debt(&self, key: SecretHash, quota: Quota) -> Answer<'_, Duration> {
        Box::pin(async move { failures::debt(&self.store, &key, quota).await })
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
        let new = New::of(user, client, self.files_of_user);
        Box::pin(async move { client_files::create(&self.store, new).await })
    }

    fn client_file(&self, ident: u64, salt: i64) -> Answer<'_, Option<ClientFile>> {
        Box::pin(async move { client_files::find(&self.store, ident, salt).await })
    }

    fn adopt_client_file(&self, ident: u64, salt: i64, user: &str, client: &str) -> Answer<'_, ClientFile> {
        let new = New::of(user, client, self.files_of_user);
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

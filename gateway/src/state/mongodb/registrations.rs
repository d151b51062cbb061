//! Registrations, each one record with its one-time tokens. One that has expired is as good as gone, and is removed when its
//! registration gets another one.

use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc, serialize_to_bson, serialize_to_document};
use serde::{Deserialize, Serialize};

use super::REGISTRATIONS;
use super::copying::CopiedRegistration;
use super::store::{Name, Store, TRIES, contended, pause};
use super::users::{self, identity_key};
use super::{links, sessions};
use crate::backend::BackendError;
use crate::clock;
use crate::state::registrations::MAX_TOKENS;
use crate::state::{AddedToken, OneTimeToken, Provider, Purpose, Registration, SecretHash};

#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    name: Name,
    app: String,
    email: String,
    identity: String,
    password_hash: String,
    confirmed: bool,
    /// How often the password was replaced.
    generation: i64,
    tokens: Vec<Token>,
    /// How often something has happened to the tokens.
    token_changes: i64,
    created: i64,
}

#[derive(Serialize, Deserialize)]
struct Token {
    id: String,
    purpose: String,
    hash: Binary,
    expires: i64,
}

impl Record {
    /// Of a registration whose password was never replaced.
    fn new(store: &Store, registration: Registration, tokens: Vec<Token>, created: i64) -> Self {
        Self {
            name: store.name(&registration.email),
            app: store.domain.clone(),
            email: registration.email,
            identity: registration.identity,
            password_hash: registration.password_hash,
            confirmed: registration.confirmed,
            generation: 0,
            tokens,
            token_changes: 0,
            created,
        }
    }

    fn registration(self) -> Registration {
        Registration {
            email: self.email,
            identity: self.identity,
            password_hash: self.password_hash,
            confirmed: self.confirmed,
        }
    }
}

/// A hash as it is kept.
pub(super) fn binary(hash: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: hash.to_vec(),
    }
}

/// The record of a registration that comes from another state, with its one-time tokens.
pub(super) fn copied(store: &Store, registration: CopiedRegistration) -> Result<Document, BackendError> {
    let tokens = registration.tokens.into_iter();
    let tokens = tokens.map(|(id, purpose, hash, expires)| Token {
        id,
        purpose,
        hash: binary(&hash),
        expires,
    });
    let record = Record::new(
        store,
        registration.registration,
        tokens.collect(),
        registration.created,
    );
    Ok(serialize_to_document(&record).map_err(mongodb::error::Error::from)?)
}

pub(super) async fn add(store: &Store, registration: Registration) -> Result<bool, BackendError> {
    let record = Record::new(store, registration, Vec::new(), clock::unix_millis());
    for _ in 0..TRIES {
        if store.insert(REGISTRATIONS, &record).await? {
            return Ok(true);
        }
        if find(store, &record.email).await?.is_some() {
            return Ok(false);
        }
        pause().await;
    }
    Err(contended("a registration"))
}

pub(super) async fn find(store: &Store, email: &str) -> Result<Option<Registration>, BackendError> {
    let record = store.find::<Record>(REGISTRATIONS, store.named(email)).await?;
    Ok(record.map(Record::registration))
}

/// What a registration says of its password.
#[derive(Deserialize)]
pub(super) struct Proof {
    /// How often it was replaced.
    pub(super) generation: i64,
    pub(super) password_hash: String,
}

/// That of the registration that proves this identity; none when it is not there.
pub(super) async fn proof(store: &Store, identity: &str) -> Result<Option<Proof>, BackendError> {
    let filter = store.of_app(doc! {"identity": identity});
    store.find(REGISTRATIONS, filter).await
}

pub(super) async fn add_token(
    store: &Store,
    email: &str,
    token: &OneTimeToken,
) -> Result<AddedToken, BackendError> {
    let added = Token {
        id: token.id.clone(),
        purpose: token.purpose.as_str().to_owned(),
        hash: binary(&token.hash),
        expires: token.expires,
    };
    let added = serialize_to_bson(&added).map_err(mongodb::error::Error::from)?;
    for _ in 0..TRIES {
        let Some(record) = store.find::<Record>(REGISTRATIONS, store.named(email)).await? else {
            return Ok(AddedToken::NoRegistration);
        };
        let now = clock::unix_millis();
        let is_good = |one: &&Token| one.purpose == token.purpose.as_str() && one.expires > now;
        if record.tokens.iter().filter(is_good).count() >= MAX_TOKENS {
            return Ok(AddedToken::TooMany);
        }
        let mut tokens = Vec::new();
        for kept in record.tokens.iter().filter(|one| one.expires > now) {
            tokens.push(serialize_to_bson(kept).map_err(mongodb::error::Error::from)?);
        }
        tokens.push(added.clone());
        let mut as_read = store.named(email);
        as_read.insert("token_changes", record.token_changes);
        let change = doc! {"$set": {"tokens": tokens}, "$inc": {"token_changes": 1_i64}};
        if store.update(REGISTRATIONS, as_read, change).await? {
            return Ok(AddedToken::Added);
        }
        pause().await;
    }
    Err(contended("a registration"))
}

/// What finds the registration that has this token, while that is good.
fn with_token(store: &Store, purpose: Purpose, id: &str, hash: &SecretHash) -> Document {
    let good = doc! {
        "id": id, "purpose": purpose.as_str(), "hash": binary(hash), "expires": {"$gt": clock::unix_millis()},
    };
    store.of_app(doc! {"tokens": {"$elemMatch": good}})
}

pub(super) async fn has_token(
    store: &Store,
    purpose: Purpose,
    id: &str,
    hash: &SecretHash,
) -> Result<bool, BackendError> {
    let found = store.find::<Record>(REGISTRATIONS, with_token(store, purpose, id, hash));
    Ok(found.await?.is_some())
}

pub(super) async fn confirm(store: &Store, id: &str, hash: &SecretHash) -> Result<bool, BackendError> {
    let change = doc! {
        "$set": {"confirmed": true},
        "$pull": {"tokens": {"purpose": Purpose::Confirm.as_str()}},
        "$inc": {"token_changes": 1_i64},
    };
    let filter = with_token(store, Purpose::Confirm, id, hash);
    store.update(REGISTRATIONS, filter, change).await
}

pub(super) async fn confirm_without_token(
    store: &Store,
    email: &str,
    identity: &str,
) -> Result<bool, BackendError> {
    let mut filter = store.named(email);
    filter.insert("identity", identity);
    store
        .update(REGISTRATIONS, filter, doc! {"$set": {"confirmed": true}})
        .await
}

pub(super) async fn reset_password(
    store: &Store,
    id: &str,
    hash: &SecretHash,
    password_hash: &str,
) -> Result<bool, BackendError> {
    let change = doc! {
        "$set": {"password_hash": password_hash},
        "$pull": {"tokens": {"purpose": Purpose::Reset.as_str()}},
        "$inc": {"token_changes": 1_i64, "generation": 1_i64},
        "$max": {"revoked": clock::unix_millis()},
    };
    let filter = with_token(store, Purpose::Reset, id, hash);
    let reset = store.updated::<Record>(REGISTRATIONS, filter, change).await?;
    if let Some(reset) = &reset {
        sessions::tidy_of_password(store, &reset.identity, reset.generation).await;
    }
    Ok(reset.is_some())
}

/// Removes a registration that no user has. Looks once more when it is gone: a user who came meanwhile by it alone goes as well.
pub(super) async fn remove_unused(store: &Store, email: &str) -> Result<bool, BackendError> {
    let Some(found) = find(store, email).await? else {
        return Ok(false);
    };
    let user = users::find_by_identity(store, Provider::Password, &found.identity).await?;
    if user.is_some() {
        return Ok(false);
    }
    let mut as_read = store.named(email);
    as_read.insert("identity", &found.identity);
    let removed = store.delete(REGISTRATIONS, as_read).await?;
    links::unlink(store, Provider::Password, &found.identity).await?;
    Ok(removed == 1)
}

pub(super) async fn list_unused(
    store: &Store,
    after: &str,
    limit: usize,
) -> Result<Vec<Registration>, BackendError> {
    let (mut unused, mut after) = (Vec::new(), after.to_owned());
    while unused.len() < limit {
        let filter = store.of_app(doc! {"email": {"$gt": &after}});
        let page = store.all::<Record>(REGISTRATIONS, filter, doc! {"email": 1}, Some(limit));
        let page = page.await?;
        let Some(last) = page.last() else {
            break;
        };
        after.clone_from(&last.email);
        let key = |record: &Record| identity_key(Provider::Password, &record.identity);
        let used = users::keys_in_use(store, &page.iter().map(key).collect::<Vec<_>>()).await?;
        let page = page.into_iter().filter(|record| !used.contains(&key(record)));
        unused.extend(page.map(Record::registration));
    }
    unused.truncate(limit);
    Ok(unused)
}

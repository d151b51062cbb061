//! Users, each one record with his identities. One who was removed stays as a record without any.

use bson::{Document, doc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::copying::CopiedUser;
use super::store::{Name, Store, TRIES, contended, pause, within};
use super::{API_KEYS, REGISTRATIONS, USERS, api_keys, client_files, links, registrations, sessions};
use crate::backend::BackendError;
use crate::state::{Identity, KeyOwner, Provider, User, UserKind};
use crate::{clock, ids};

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "_id")]
    name: Name,
    app: String,
    pub(super) id: String,
    kind: String,
    disabled: bool,
    gone: bool,
    pub(super) identities: Vec<Held>,
    /// How often his sessions were ended.
    epoch: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_data: Option<String>,
    created: i64,
    last_login: i64,
}

/// One way to prove who he is.
#[derive(Serialize, Deserialize)]
pub(super) struct Held {
    /// See [`identity_key`].
    pub(super) key: String,
    provider: String,
    pub(super) id: String,
    /// JSON.
    data: String,
    /// Of a registration, how often its password had been replaced when it became his.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<i64>,
    /// Whether its password has yet to be looked at once more, see `links.rs`. Then it does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unproven: bool,
}

/// An identity in one word, of which one user may have each.
pub(super) fn identity_key(provider: Provider, id: &str) -> String {
    format!("{}/{id}", provider.as_str())
}

impl Held {
    pub(super) fn new(identity: &Identity, generation: Option<i64>) -> Result<Self, BackendError> {
        Ok(Self {
            key: identity_key(identity.provider, &identity.id),
            provider: identity.provider.as_str().to_owned(),
            id: identity.id.clone(),
            data: data(identity)?,
            generation,
            unproven: false,
        })
    }

    fn identity(self) -> Result<Identity, BackendError> {
        let provider = Provider::from_name(&self.provider)
            .ok_or_else(|| BackendError::Damaged(format!("there is no provider '{}'", self.provider)))?;
        let data = serde_json::from_str(&self.data).map_err(|error| {
            BackendError::Damaged(format!("what is said about a user cannot be read: {error}"))
        })?;
        Ok(Identity {
            provider,
            id: self.id,
            data,
        })
    }
}

impl Record {
    pub(super) fn user(self) -> Result<User, BackendError> {
        let identities = self.identities.into_iter().map(Held::identity);
        Ok(User {
            id: self.id,
            kind: UserKind::from_name(&self.kind).unwrap_or(UserKind::Normal),
            identities: identities.collect::<Result<_, _>>()?,
            disabled: self.disabled,
            // It was a document when it was written.
            custom_data: self.custom_data.and_then(|text| RawValue::from_string(text).ok()),
            created: self.created,
            last_login: self.last_login,
        })
    }
}

fn data(identity: &Identity) -> Result<String, BackendError> {
    let text = serde_json::to_string(&identity.data);
    text.map_err(|error| {
        BackendError::Damaged(format!("what is said about a user cannot be written: {error}"))
    })
}

/// The record of a user who comes from another state, with when his sessions were ended last.
pub(super) fn copied(store: &Store, user: CopiedUser) -> Result<Document, BackendError> {
    let CopiedUser { id, identities, .. } = user;
    let held = identities.into_iter().map(|(provider, id, data)| {
        let is_password = provider == Provider::Password.as_str();
        Held {
            key: format!("{provider}/{id}"),
            provider,
            id,
            data,
            generation: is_password.then_some(0),
            unproven: false,
        }
    });
    let record = Record {
        name: store.name(&id),
        app: store.domain.clone(),
        id,
        kind: user.kind,
        disabled: user.disabled,
        gone: user.gone,
        identities: held.collect(),
        epoch: 0,
        custom_data: user.custom_data,
        created: user.created,
        last_login: user.last_login,
    };
    let mut document = bson::serialize_to_document(&record).map_err(mongodb::error::Error::from)?;
    if record.gone {
        document.insert("identities", vec![none(&record.id)]);
    }
    if let Some(revoked) = user.revoked {
        document.insert("revoked", revoked);
    }
    Ok(document)
}

/// The record of a user who comes from another service.
pub(super) async fn imported(store: &Store, user: &User) -> Result<Record, BackendError> {
    let mut identities = Vec::with_capacity(user.identities.len());
    for identity in &user.identities {
        let generation = match identity.provider {
            Provider::Password => registrations::proof(store, &identity.id).await?,
            _ => None,
        };
        identities.push(Held::new(identity, generation.map(|proof| proof.generation))?);
    }
    Ok(Record {
        name: store.name(&user.id),
        app: store.domain.clone(),
        id: user.id.clone(),
        kind: user.kind.as_str().to_owned(),
        disabled: user.disabled,
        gone: false,
        identities,
        epoch: 0,
        custom_data: user.custom_data.as_ref().map(|data| data.get().to_owned()),
        created: user.created,
        last_login: user.last_login,
    })
}

/// What a user who is gone has for an identity. Users without any would have the same one: none.
fn none(user: &str) -> Document {
    doc! {"key": format!("/{user}")}
}

/// What finds the user of this id, who is there.
pub(super) fn there(store: &Store, id: &str) -> Document {
    let mut filter = store.named(id);
    filter.insert("gone", false);
    filter
}

/// Looks once more for what proves the identity when its new user is there: who removes that looks for a user afterwards, so one of
/// the two sees the other.
pub(super) async fn find_or_create(
    store: &Store,
    identity: &Identity,
    kind: UserKind,
) -> Result<Option<User>, BackendError> {
    for _ in 0..TRIES {
        if let Some(user) = log_in(store, identity).await? {
            return Ok(Some(user));
        }
        let Some(generation) = proof(store, identity).await? else {
            return Ok(None);
        };
        let (id, now) = (ids::object_id(), clock::unix_millis());
        let record = Record {
            name: store.name(&id),
            app: store.domain.clone(),
            id,
            kind: kind.as_str().to_owned(),
            disabled: false,
            gone: false,
            identities: vec![Held::new(identity, generation)?],
            epoch: 0,
            custom_data: None,
            created: now,
            last_login: now,
        };
        if !store.insert(USERS, &record).await? {
            // Another was quicker.
            pause().await;
            continue;
        }
        if proof(store, identity).await?.is_none() {
            remove(store, &record.id).await?;
            return Ok(None);
        }
        return record.user().map(Some);
    }
    Err(contended("a user"))
}

/// Notes that the user of this identity logs in, unless he is disabled, and what is said about him.
async fn log_in(store: &Store, identity: &Identity) -> Result<Option<User>, BackendError> {
    let key = identity_key(identity.provider, &identity.id);
    let data = data(identity)?;
    let mut change = doc! {"$set": {"identities.$.data": &data, "last_login": clock::unix_millis()}};
    for filter in [
        doc! {"identities.key": &key, "disabled": false},
        doc! {"identities.key": &key},
    ] {
        let user = store.updated::<Record>(USERS, store.of_app(filter), change);
        if let Some(user) = user.await? {
            return his(store, user, identity.provider, &identity.id).await;
        }
        change = doc! {"$set": {"identities.$.data": &data}};
    }
    Ok(None)
}

/// Whether what proves the identity is there: it may have been removed since it was checked. Of a registration, how often its
/// password has been replaced.
async fn proof(store: &Store, identity: &Identity) -> Result<Option<Option<i64>>, BackendError> {
    match identity.provider {
        Provider::Password => {
            let proof = registrations::proof(store, &identity.id).await?;
            Ok(proof.map(|proof| Some(proof.generation)))
        }
        Provider::ApiKey => {
            let there = api_keys::is_of(store, &KeyOwner::App, &identity.id).await?;
            Ok(there.then_some(None))
        }
        _ => Ok(Some(None)),
    }
}

pub(super) async fn find(store: &Store, id: &str) -> Result<Option<User>, BackendError> {
    match store.find::<Record>(USERS, there(store, id)).await? {
        Some(record) => links::settled(store, record).await,
        None => Ok(None),
    }
}

/// The user of a record, if this identity is his.
async fn his(
    store: &Store,
    record: Record,
    provider: Provider,
    id: &str,
) -> Result<Option<User>, BackendError> {
    let user = links::settled(store, record).await?;
    Ok(user.filter(|user| links::holds(user, provider, id)))
}

pub(super) async fn find_by_identity(
    store: &Store,
    provider: Provider,
    id: &str,
) -> Result<Option<User>, BackendError> {
    let filter = doc! {"identities.key": identity_key(provider, id)};
    match store.find::<Record>(USERS, store.of_app(filter)).await? {
        Some(record) => his(store, record, provider, id).await,
        None => Ok(None),
    }
}

/// The users of these identities.
pub(super) async fn keys_in_use(store: &Store, keys: &[String]) -> Result<Vec<String>, BackendError> {
    let filter = store.of_app(doc! {"identities.key": {"$in": keys}});
    let users = store.all::<Record>(USERS, filter, doc! {}, None).await?;
    let identities = users.into_iter().flat_map(|user| user.identities);
    Ok(identities.map(|held| held.key).collect())
}

pub(super) async fn set_disabled(store: &Store, user: &str, disabled: bool) -> Result<bool, BackendError> {
    if disabled {
        return revoke(store, user, doc! {"disabled": true}).await;
    }
    let change = doc! {"$set": {"disabled": false}};
    store.update(USERS, there(store, user), change).await
}

pub(super) async fn set_custom_data(
    store: &Store,
    user: &str,
    data: Option<&RawValue>,
) -> Result<bool, BackendError> {
    let change = match data {
        Some(data) => doc! {"$set": {"custom_data": data.get()}},
        None => doc! {"$unset": {"custom_data": ""}},
    };
    store.update(USERS, there(store, user), change).await
}

/// Ends the sessions of a user.
pub(super) async fn end_sessions(store: &Store, user: &str) -> Result<bool, BackendError> {
    revoke(store, user, doc! {}).await
}

/// Ends the sessions of a user and sets this of him, in one step.
async fn revoke(store: &Store, user: &str, set: Document) -> Result<bool, BackendError> {
    let mut change = doc! {"$inc": {"epoch": 1_i64}, "$max": {"revoked": clock::unix_millis()}};
    if !set.is_empty() {
        change.insert("$set", set);
    }
    let revoked = store.updated::<Record>(USERS, there(store, user), change).await?;
    if let Some(revoked) = &revoked {
        tidy(store, revoked).await;
    }
    Ok(revoked.is_some())
}

async fn tidy(store: &Store, user: &Record) {
    let former = doc! {"user": &user.id, "epoch": {"$lt": user.epoch}};
    sessions::tidy(store, former).await;
}

/// Removes a user. His sessions end first and for good, as the registration that they depend on goes next; then all else that lets
/// him in, then he himself, if nothing was linked to him meanwhile.
pub(super) async fn remove(store: &Store, user: &str) -> Result<bool, BackendError> {
    remove_if(store, user, |_| true).await
}

/// Removes a user who has this identity alone. False, and he stays, when he has others by now.
pub(super) async fn remove_with(store: &Store, user: &str, only: &Identity) -> Result<bool, BackendError> {
    let is_it = |found: &User| matches!(&found.identities[..], [one] if one.provider == only.provider && one.id == only.id);
    remove_if(store, user, is_it).await
}

async fn remove_if(store: &Store, user: &str, may: impl Fn(&User) -> bool) -> Result<bool, BackendError> {
    for _ in 0..TRIES {
        let Some(found) = find(store, user).await?.filter(&may) else {
            return Ok(false);
        };
        if !end_sessions(store, user).await? {
            return Ok(false);
        }
        for identity in &found.identities {
            match identity.provider {
                Provider::Password => {
                    let filter = doc! {"identity": &identity.id};
                    store.delete(REGISTRATIONS, store.of_app(filter)).await?;
                }
                Provider::ApiKey => {
                    api_keys::remove_key(store, &KeyOwner::App, &identity.id).await?;
                }
                _ => {}
            }
        }
        let keys = store.of_app(doc! {"owner": user});
        store.delete(API_KEYS, keys.clone()).await?;
        let mut as_read = there(store, user);
        as_read.insert(
            "identities",
            doc! {"$size": i32::try_from(found.identities.len()).unwrap_or(i32::MAX)},
        );
        let change = doc! {
            "$set": {"gone": true, "identities": [none(user)]},
            "$unset": {"custom_data": ""},
            "$inc": {"epoch": 1_i64},
            "$max": {"revoked": clock::unix_millis()},
        };
        if store.update(USERS, as_read, change).await? {
            // One that was added meanwhile lets nobody in.
            store.delete(API_KEYS, keys).await?;
            sessions::tidy(store, doc! {"user": user}).await;
            client_files::forget(store, user).await?;
            return Ok(true);
        }
        pause().await;
    }
    Err(contended("a user"))
}

pub(super) async fn list(
    store: &Store,
    after: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<User>, BackendError> {
    let mut filter = store.of_app(doc! {"gone": false});
    if let Some((created, id)) = after {
        let behind = [
            doc! {"created": {"$gt": created}},
            doc! {"created": created, "id": {"$gt": id}},
        ];
        filter.insert("$or", behind.to_vec());
    }
    let order = doc! {"created": 1, "id": 1};
    let users = store.all::<Record>(USERS, filter, order, Some(limit)).await?;
    users.into_iter().map(Record::user).collect()
}

pub(super) async fn count(store: &Store) -> Result<u64, BackendError> {
    let users = store.records::<Document>(USERS);
    within(users.count_documents(store.of_app(doc! {"gone": false}))).await
}

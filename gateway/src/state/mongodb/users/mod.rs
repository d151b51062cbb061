//! Users, each one record with his identities. One who was removed stays as a record without any.

mod record;
mod removal;

pub(super) use record::{Held, Record, copied, identity_key, imported};
pub(super) use removal::{remove, remove_with};

use bson::{Document, doc};
use serde_json::value::RawValue;

use self::record::data;
use super::store::{Store, TRIES, contended, pause, within};
use super::{USERS, api_keys, links, registrations, sessions};
use crate::backend::BackendError;
use crate::state::{Identity, KeyOwner, Provider, User, UserKind};
use crate::{clock, ids};

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

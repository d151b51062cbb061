//! API keys, each one record. One that was removed stays for some hours as a record that lets nobody in, as it tells which sessions
//! have ended with it.

use bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use super::store::{Name, Store, TRIES, contended, date, pause};
use super::{API_KEYS, registrations, sessions, users};
use crate::backend::BackendError;
use crate::clock;
use crate::state::{AddedKey, ApiKey, KeyOwner, Provider, SecretHash};

/// How many keys of one owner may be gone and still be remembered: each is asked for as long as its sessions' tokens may be about.
const MAX_GONE: usize = 100;

#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    name: Name,
    app: String,
    id: String,
    /// Id of its user; empty for one of the app.
    owner: String,
    /// The order in which the owner's keys were made.
    number: i64,
    #[serde(rename = "name")]
    called: String,
    /// Of its text; its id when it is gone.
    hash: Bson,
    disabled: bool,
    gone: bool,
    /// How often the sessions that it opened were ended.
    epoch: i64,
    created: i64,
}

impl Record {
    fn api_key(self) -> ApiKey {
        ApiKey {
            id: self.id,
            owner: match self.owner.as_str() {
                "" => KeyOwner::App,
                _ => KeyOwner::User(self.owner),
            },
            name: self.called,
            disabled: self.disabled,
            created: self.created,
        }
    }
}

/// The record of a key that comes from another state. `hash` is that of its text.
pub(super) fn copied(store: &Store, key: ApiKey, number: i64, hash: &[u8]) -> Result<Document, BackendError> {
    let record = Record {
        name: store.name(&key.id),
        app: store.domain.clone(),
        owner: name_of(&key.owner).to_owned(),
        id: key.id,
        number,
        called: key.name,
        hash: registrations::binary(hash).into(),
        disabled: key.disabled,
        gone: false,
        epoch: 0,
        created: key.created,
    };
    Ok(bson::serialize_to_document(&record).map_err(mongodb::error::Error::from)?)
}

fn name_of(owner: &KeyOwner) -> &str {
    match owner {
        KeyOwner::App => "",
        KeyOwner::User(user) => user,
    }
}

/// What finds the key of this owner, who has it.
fn there(store: &Store, owner: &KeyOwner, id: &str) -> Document {
    let mut filter = store.named(id);
    filter.insert("owner", name_of(owner));
    filter.insert("gone", false);
    filter
}

/// All keys of an owner in the order in which they were made, also those that are gone.
async fn all(store: &Store, owner: &KeyOwner) -> Result<Vec<Record>, BackendError> {
    let filter = store.of_app(doc! {"owner": name_of(owner)});
    store.all(API_KEYS, filter, doc! {"number": 1}, None).await
}

/// Adds a key. Its number is the next one, so it is not added when another was since the others were counted.
pub(super) async fn add(store: &Store, key: &ApiKey, hash: &SecretHash) -> Result<AddedKey, BackendError> {
    for _ in 0..TRIES {
        if !is_owner_there(store, &key.owner).await? {
            return Ok(AddedKey::NoUser);
        }
        let all = all(store, &key.owner).await?;
        let others = || all.iter().filter(|other| !other.gone);
        if others().any(|other| other.called == key.name) {
            return Ok(AddedKey::NameTaken);
        }
        let gone = all.len() - others().count();
        if others().count() >= key.owner.max_keys() || gone >= MAX_GONE {
            return Ok(AddedKey::TooMany);
        }
        let record = Record {
            name: store.name(&key.id),
            app: store.domain.clone(),
            id: key.id.clone(),
            owner: name_of(&key.owner).to_owned(),
            number: all.last().map_or(1, |last| last.number + 1),
            called: key.name.clone(),
            hash: registrations::binary(hash).into(),
            disabled: key.disabled,
            gone: false,
            epoch: 0,
            created: key.created,
        };
        if store.insert(API_KEYS, &record).await? {
            // Who was removed meanwhile leaves no key behind.
            if is_owner_there(store, &key.owner).await? {
                return Ok(AddedKey::Added);
            }
            store.delete(API_KEYS, store.named(&key.id)).await?;
            return Ok(AddedKey::NoUser);
        }
        pause().await;
    }
    Err(contended("the API keys of an owner"))
}

async fn is_owner_there(store: &Store, owner: &KeyOwner) -> Result<bool, BackendError> {
    match owner {
        KeyOwner::App => Ok(true),
        KeyOwner::User(user) => Ok(users::find(store, user).await?.is_some()),
    }
}

pub(super) async fn find(store: &Store, hash: &SecretHash) -> Result<Option<ApiKey>, BackendError> {
    let filter = store.of_app(doc! {"hash": registrations::binary(hash)});
    let record = store.find::<Record>(API_KEYS, filter).await?;
    Ok(record.map(Record::api_key))
}

pub(super) async fn list(store: &Store, owner: &KeyOwner) -> Result<Vec<ApiKey>, BackendError> {
    let all = all(store, owner).await?.into_iter();
    Ok(all.filter(|key| !key.gone).map(Record::api_key).collect())
}

/// Whether the owner has a key of this id.
pub(super) async fn is_of(store: &Store, owner: &KeyOwner, id: &str) -> Result<bool, BackendError> {
    let found = store.find::<Record>(API_KEYS, there(store, owner, id));
    Ok(found.await?.is_some())
}

pub(super) async fn set_disabled(
    store: &Store,
    owner: &KeyOwner,
    id: &str,
    disabled: bool,
) -> Result<bool, BackendError> {
    let filter = there(store, owner, id);
    if disabled {
        return revoke(store, filter, doc! {"disabled": true}).await;
    }
    store
        .update(API_KEYS, filter, doc! {"$set": {"disabled": false}})
        .await
}

/// Ends the sessions that a key has opened and sets this of it, in one step.
async fn revoke(store: &Store, filter: Document, set: Document) -> Result<bool, BackendError> {
    let now = clock::unix_millis();
    let change = doc! {"$set": set, "$inc": {"epoch": 1_i64}, "$max": {"revoked": now}};
    let revoked = store.updated::<Record>(API_KEYS, filter, change).await?;
    if let Some(key) = &revoked {
        let former = doc! {"api_key": &key.id, "key_epoch": {"$lt": key.epoch}};
        sessions::tidy(store, former).await;
    }
    Ok(revoked.is_some())
}

/// Removes a key, and then the user of a server: also when it was removed before and that was cut off.
pub(super) async fn remove(store: &Store, owner: &KeyOwner, id: &str) -> Result<bool, BackendError> {
    let mut found = remove_key(store, owner, id).await?;
    if *owner == KeyOwner::App
        && let Some(server) = users::find_by_identity(store, Provider::ApiKey, id).await?
    {
        found |= users::remove(store, &server.id).await?;
    }
    Ok(found)
}

/// Removes a key alone. No key is called as it is from then on, and one that has opened no session need not be remembered: nothing
/// opens one by it any more.
pub(super) async fn remove_key(store: &Store, owner: &KeyOwner, id: &str) -> Result<bool, BackendError> {
    let gone = doc! {
        "gone": true, "hash": id, "name": format!("/{id}"),
        "remove_at": date(clock::unix_millis() + sessions::REMEMBERED),
    };
    let found = revoke(store, there(store, owner, id), gone).await?;
    if found && !sessions::has_opened(store, id).await? {
        store.delete(API_KEYS, store.named(id)).await?;
    }
    Ok(found)
}

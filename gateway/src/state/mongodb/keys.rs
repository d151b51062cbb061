//! The keys that sign tokens, in the app's record. Keys are numbered from 1; no number is used twice.

use std::collections::HashMap;

use bson::{Document, doc, serialize_to_bson};
use serde::Deserialize;

use super::app::SigningKey;
use super::store::{Store, TRIES, contended, pause, within};
use super::{APPS, SESSIONS, sessions};
use crate::backend::BackendError;
use crate::clock;
use crate::state::operator::{ListedKey, may_retire};

/// Retired keys that are remembered, so that the record stays small: what is forgotten was retired long before, or by somebody who
/// does nothing else.
const REMEMBERED: i32 = 100;

/// What is known of the sessions of one key.
#[derive(Deserialize)]
struct Use {
    #[serde(rename = "_id")]
    key: i64,
    sessions: i64,
    used: i64,
    until: i64,
}

/// Every key, from the oldest on.
pub(super) async fn list(store: &Store) -> Result<Vec<ListedKey>, BackendError> {
    let app = store.app().await?;
    let going_on = store.of_app(doc! {"expires": {"$gt": clock::unix_millis()}});
    let by_key = doc! {
        "_id": "$key", "sessions": {"$sum": 1_i64}, "used": {"$max": "$used"}, "until": {"$max": "$expires"},
    };
    let sessions = store.records::<Document>(SESSIONS);
    let counted = sessions.aggregate([doc! {"$match": going_on}, doc! {"$group": by_key}]);
    let mut cursor = within(counted.with_type::<Use>()).await?;
    let mut uses = HashMap::new();
    while within(cursor.advance()).await? {
        let one = cursor.deserialize_current()?;
        uses.insert(one.key, one);
    }
    let newest = app.newest();
    let listed = app.keys.iter().map(|key| {
        let uses = uses.get(&key.id);
        ListedKey {
            id: key.id,
            created: key.created,
            signs: newest == Some(key.id),
            sessions: uses.map_or(0, |uses| uses.sessions),
            used: uses.map(|uses| uses.used),
            until: uses.map(|uses| uses.until),
        }
    });
    Ok(listed.collect())
}

/// Makes a key, which signs from now on.
pub(super) async fn rotate(store: &Store) -> Result<i64, BackendError> {
    for _ in 0..TRIES {
        let id = store.app().await?.next_key;
        let key = serialize_to_bson(&SigningKey::new(id)).map_err(mongodb::error::Error::from)?;
        let mut unchanged = store.own();
        unchanged.insert("next_key", id);
        let change = doc! {"$push": {"keys": key}, "$set": {"next_key": id + 1}};
        if store.update(APPS, unchanged, change).await? {
            return Ok(id);
        }
        pause().await;
    }
    Err(contended("the keys"))
}

/// Removes a key, so that the sessions end whose refresh tokens it has signed. There must be none without `force`. The answer is the
/// number of these that had not expired, also of what was opened at the same moment, or what is wrong with the request.
pub(super) async fn retire(store: &Store, id: i64, force: bool) -> Result<Result<i64, String>, BackendError> {
    let listed = list(store).await?;
    let lasting = match may_retire(&listed, id, force) {
        Ok(lasting) => lasting,
        Err(refused) => return Ok(Err(refused)),
    };
    let now = clock::unix_millis();
    let mut there = store.own();
    there.insert("keys.id", id);
    let retired = doc! {"$each": [{"id": id, "time": now}], "$slice": -REMEMBERED};
    let change = doc! {"$pull": {"keys": {"id": id}}, "$push": {"retired": retired}};
    // One that somebody else has retired meanwhile is retired.
    store.update(APPS, there, change).await?;
    // A log-in that began while the key signed may have come since they were counted.
    let ended = sessions::tidy(store, doc! {"key": id}).await;
    Ok(Ok(lasting.max(i64::try_from(ended).unwrap_or(i64::MAX))))
}

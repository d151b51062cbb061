//! Wrong passwords: one record for each who has failed at something, with the time at which that is paid off.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bson::{Document, doc};
use serde::Deserialize;

use super::LOGIN_FAILURES;
use super::store::{Store, TRIES, unless_overtaken};
use crate::auth::Quota;
use crate::backend::BackendError;
use crate::clock;
use crate::state::SecretHash;

#[derive(Deserialize)]
struct Record {
    /// When everything is paid off.
    settled: i64,
}

/// How often as much as anybody may owe can be noted, as clocks differ a little.
const CREDIBLE: i64 = 2;

/// Milliseconds that one failure takes to be paid off, and all that anybody may owe.
fn millis(quota: Quota) -> (i64, i64) {
    let each = i64::try_from(quota.each.as_millis()).unwrap_or(i64::MAX);
    (each, each.saturating_mul(quota.burst.into()))
}

pub(super) async fn debt(store: &Store, key: &SecretHash, quota: Quota) -> Result<Duration, BackendError> {
    let found: Option<Record> = store.find(LOGIN_FAILURES, store.named(&id(key))).await?;
    let left = found.map_or(0, |record| record.settled.saturating_sub(clock::unix_millis()));
    let (_, most) = millis(quota);
    let left = if left > most.saturating_mul(CREDIBLE) {
        0
    } else {
        left
    };
    Ok(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
}

/// One change of one record, however many fail at the same moment.
pub(super) async fn add(store: &Store, key: &SecretHash, quota: Quota) -> Result<(), BackendError> {
    let now = clock::unix_millis();
    let (each, most) = millis(quota);
    let credible = now.saturating_add(most.saturating_mul(CREDIBLE));
    let from = doc! {"$cond": [{"$gt": ["$settled", credible]}, now, {"$max": ["$settled", now]}]};
    let settled = doc! {"$min": [{"$add": [from, each]}, now.saturating_add(most)]};
    let change = vec![
        doc! {"$set": {"settled": settled}},
        doc! {"$set": {"remove_at": {"$toDate": "$settled"}}},
    ];
    let records = store.records::<Document>(LOGIN_FAILURES);
    for _ in 0..TRIES {
        let update = records.update_one(store.named(&id(key)), change.clone());
        // Two may be the first at the same moment.
        if unless_overtaken(update.upsert(true)).await? {
            break;
        }
    }
    Ok(())
}

pub(super) async fn forget(store: &Store, key: &SecretHash) -> Result<(), BackendError> {
    store.delete(LOGIN_FAILURES, store.named(&id(key))).await?;
    Ok(())
}

fn id(key: &SecretHash) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key)
}

//! Whose access tokens are good no more. Nothing is written for it but what ended the sessions itself: which these were is found by
//! what they had been opened under.

use std::collections::HashMap;

use bson::{Bson, doc};

use super::sessions::{
    AT_ONCE, HELD_KEY, HELD_REGISTRATION, HOLDER, HeldKey, HeldRegistration, Holder, used_since,
};
use super::store::Store;
use super::users::identity_key;
use super::{API_KEYS, REGISTRATIONS, USERS};
use crate::auth::Lifetimes;
use crate::backend::BackendError;
use crate::clock;
use crate::state::{Provider, Revocation};

/// Users and sessions, each with the last time.
#[derive(Default)]
struct Told(HashMap<String, i64>);

impl Told {
    fn add(&mut self, of: &str, time: i64) {
        let told = self.0.entry(of.to_owned()).or_insert(time);
        *told = time.max(*told);
    }
}

/// Of whom access tokens were revoked since.
pub(super) async fn since(store: &Store, since: i64) -> Result<Vec<Revocation>, BackendError> {
    let revoked = || store.of_app(doc! {"revoked": {"$gte": since}});
    let (users, resets, keys, app) = tokio::try_join!(
        store.fields::<Holder>(USERS, revoked(), &HOLDER),
        store.fields::<HeldRegistration>(REGISTRATIONS, revoked(), &HELD_REGISTRATION),
        store.fields::<HeldKey>(API_KEYS, revoked(), &HELD_KEY),
        store.app(),
    )?;
    let mut told = Told::default();
    for user in &users {
        told.add(&user.id, user.revoked.unwrap_or(since));
    }
    let users: HashMap<&str, &Holder> = users.iter().map(|user| (user.id.as_str(), user)).collect();

    let of_reset: Vec<String> = resets
        .iter()
        .map(|reset| identity_key(Provider::Password, &reset.identity))
        .collect();
    let mut holders = Vec::new();
    for some in of_reset.chunks(AT_ONCE) {
        let filter = store.of_app(doc! {"identities.key": {"$in": some}});
        holders.extend(store.fields::<Holder>(USERS, filter, &HOLDER).await?);
    }
    let mut reset: HashMap<&str, (&Holder, &HeldRegistration)> = HashMap::new();
    for (registration, key) in resets.iter().zip(&of_reset) {
        if let Some(holder) = holders.iter().find(|holder| holder.holds(key)) {
            told.add(&holder.id, registration.revoked.unwrap_or(since));
            reset.insert(&holder.id, (holder, registration));
        }
    }
    let keys: HashMap<&str, &HeldKey> = keys.iter().map(|key| (key.id.as_str(), key)).collect();
    let retired: HashMap<i64, i64> = app
        .retired
        .iter()
        .filter(|key| key.time >= since)
        .map(|key| (key.id, key.time))
        .collect();

    // Whose access tokens have expired meanwhile need not be told.
    let used = since.min(clock::unix_millis() - Lifetimes::REVOKED);
    let of_users: Vec<Bson> = users.keys().chain(reset.keys()).map(|id| (*id).into()).collect();
    let of_keys: Vec<Bson> = keys.keys().map(|id| (*id).into()).collect();
    let of_retired: Vec<Bson> = retired.keys().map(|id| (*id).into()).collect();
    for (field, any) in [("user", of_users), ("api_key", of_keys), ("key", of_retired)] {
        for session in used_since(store, used, field, &any).await? {
            let under = &session.under;
            if let Some(user) = users.get(session.user.as_str())
                && user.epoch != under.epoch
            {
                told.add(session.id(), user.revoked.unwrap_or(since));
            }
            if let Some((holder, registration)) = reset.get(session.user.as_str())
                && !under.keeps_password(holder.linked(), registration.generation)
            {
                told.add(session.id(), registration.revoked.unwrap_or(since));
            }
            if let Some(key) = session.api_key.as_deref().and_then(|key| keys.get(key))
                && under.key_epoch != Some(key.epoch)
            {
                told.add(session.id(), key.revoked.unwrap_or(since));
            }
            if let Some(time) = retired.get(&under.key) {
                told.add(session.id(), *time);
            }
        }
    }
    let told = told.0.into_iter();
    Ok(told.map(|(of, time)| Revocation { of, time }).collect())
}

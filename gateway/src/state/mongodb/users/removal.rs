//! Removes users. Everything that lets one in goes before he does.

use bson::doc;

use super::record::none;
use super::{end_sessions, find, there};
use crate::backend::BackendError;
use crate::clock;
use crate::state::mongodb::store::{Store, TRIES, contended, pause};
use crate::state::mongodb::{API_KEYS, REGISTRATIONS, USERS, api_keys, client_files, sessions};
use crate::state::{Identity, KeyOwner, Provider, User};

/// Removes a user. His sessions end first and for good, as the registration that they depend on goes next; then all else that lets
/// him in, then he himself, if nothing was linked to him meanwhile.
pub(in crate::state::mongodb) async fn remove(store: &Store, user: &str) -> Result<bool, BackendError> {
    remove_if(store, user, |_| true).await
}

/// Removes a user who has this identity alone. False, and he stays, when he has others by now.
pub(in crate::state::mongodb) async fn remove_with(
    store: &Store,
    user: &str,
    only: &Identity,
) -> Result<bool, BackendError> {
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

//! Users who come from another service. Registrations come first, as they do where a user registers; of an import that was cut off they
//! are left, and he comes with the next one.

use bson::{Document, doc};

use super::store::{Store, TRIES, contended, pause};
use super::users::{Record, identity_key};
use super::{REGISTRATIONS, USERS, registrations, users};
use crate::backend::BackendError;
use crate::state::imports::{Imported, ImportedUser, are_same, differs, registered, removed, taken};
use crate::state::{Identity, Registration};

pub(super) async fn import(store: &Store, all: Vec<ImportedUser>) -> Result<Vec<Imported>, BackendError> {
    let mut imported = Vec::with_capacity(all.len());
    for one in all {
        imported.push(self::one(store, &one).await?);
    }
    Ok(imported)
}

async fn one(store: &Store, imported: &ImportedUser) -> Result<Imported, BackendError> {
    for _ in 0..TRIES {
        if let Some(standing) = standing(store, imported).await? {
            return unless_there(store, imported, standing).await;
        }
        let mut added = Vec::new();
        let mut conflict = None;
        for registration in &imported.registrations {
            match add(store, registration).await? {
                Some(true) => added.push(registration),
                Some(false) => {}
                None => conflict = Some(registered(&registration.email)),
            }
        }
        if conflict.is_none() {
            let record = users::imported(store, &imported.user).await?;
            if store.insert(USERS, &record).await? {
                return Ok(Imported::Added);
            }
        }
        // Another was quicker, and has what was to be his, or is he.
        for registration in added {
            let mut as_added = store.named(&registration.email);
            as_added.insert("identity", &registration.identity);
            if !is_used(store, registration).await? {
                store.delete(REGISTRATIONS, as_added).await?;
            }
        }
        if let Some(conflict) = conflict {
            return unless_there(store, imported, conflict).await;
        }
        pause().await;
    }
    Err(contended("a user"))
}

/// Why nothing is to be done, if so.
async fn standing(store: &Store, imported: &ImportedUser) -> Result<Option<Imported>, BackendError> {
    let user = &imported.user;
    if store
        .find::<Document>(USERS, store.named(&user.id))
        .await?
        .is_some()
    {
        let is_there = users::find(store, &user.id).await?.is_some();
        return Ok(Some(if is_there { differs() } else { removed() }));
    }
    for identity in &user.identities {
        if let Some(owner) = owner(store, identity).await? {
            return Ok(Some(taken(identity, &owner)));
        }
    }
    Ok(None)
}

/// The same, unless he has come at this moment, and it was himself who was in his way.
async fn unless_there(
    store: &Store,
    imported: &ImportedUser,
    otherwise: Imported,
) -> Result<Imported, BackendError> {
    let there = users::find(store, &imported.user.id).await?;
    let is_he = there.is_some_and(|there| are_same(&there.identities, &imported.user.identities));
    Ok(if is_he { Imported::There } else { otherwise })
}

/// Whose identity it is, also of one who is about to be settled.
async fn owner(store: &Store, identity: &Identity) -> Result<Option<String>, BackendError> {
    let filter = doc! {"identities.key": identity_key(identity.provider, &identity.id)};
    let record = store.find::<Record>(USERS, store.of_app(filter)).await?;
    Ok(record.map(|record| record.id))
}

/// Whether a registration was added, or is there as it is wanted; none where another one is.
async fn add(store: &Store, registration: &Registration) -> Result<Option<bool>, BackendError> {
    let is_free = registrations::find(store, &registration.email).await?.is_none()
        && registrations::proof(store, &registration.identity)
            .await?
            .is_none();
    if is_free && registrations::add(store, registration.clone()).await? {
        return Ok(Some(true));
    }
    // It may have come at this moment.
    let there = registrations::find(store, &registration.email).await?;
    Ok(there
        .filter(|there| there.identity == registration.identity)
        .map(|_| false))
}

/// Whether somebody has the identity that it proves.
async fn is_used(store: &Store, registration: &Registration) -> Result<bool, BackendError> {
    let key = identity_key(crate::state::Provider::Password, &registration.identity);
    Ok(!users::keys_in_use(store, &[key]).await?.is_empty())
}

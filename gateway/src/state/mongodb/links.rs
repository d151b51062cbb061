//! Identities that come to a user who is there, and go.

use bson::{doc, serialize_to_bson};

use super::USERS;
use super::registrations::{self, Proof};
use super::store::{Store, TRIES, contended, pause};
use super::users::{Held, Record, find, find_by_identity, identity_key, remove_with, there};
use crate::backend::BackendError;
use crate::state::{Identity, Linked, Provider, User};

/// A password is looked at before and, as it may be replaced meanwhile, after; until then the identity is noted as unproven.
pub(super) async fn link(
    store: &Store,
    user: &str,
    identity: &Identity,
    password_hash: Option<&str>,
) -> Result<Linked, BackendError> {
    let is_password = identity.provider == Provider::Password;
    let key = identity_key(identity.provider, &identity.id);
    for _ in 0..TRIES {
        let proof = match is_password {
            true => registrations::proof(store, &identity.id).await?,
            false => None,
        };
        if !is_proven(proof.as_ref(), password_hash) {
            return Ok(Linked::NotProven);
        }
        let Some(found) = find(store, user).await? else {
            return Ok(Linked::NoUser);
        };
        match find_by_identity(store, identity.provider, &identity.id).await? {
            Some(owner) if owner.id == user => return Ok(Linked::Done(owner)),
            Some(_) => return Ok(Linked::Taken),
            None if is_password && found.has(Provider::Password) => return Ok(Linked::HasAnother),
            None => {}
        }
        let mut held = Held::new(identity, proof.map(|proof| proof.generation))?;
        held.unproven = password_hash.is_some();
        let held = serialize_to_bson(&held).map_err(mongodb::error::Error::from)?;
        let mut filter = there(store, user);
        filter.insert("identities.key", doc! {"$ne": &key});
        if is_password {
            filter.insert("identities.provider", doc! {"$ne": Provider::Password.as_str()});
        }
        let change = doc! {"$push": {"identities": held}};
        let linked = store.updated_unless_overtaken::<Record>(USERS, filter, change);
        if let Some(linked) = linked.await? {
            return Ok(match settled(store, linked).await? {
                Some(user) if holds(&user, identity.provider, &identity.id) => Linked::Done(user),
                Some(_) => Linked::NotProven,
                None => Linked::NoUser,
            });
        }
        // Something has changed, or another was quicker: what it was is found the next time.
        pause().await;
    }
    Err(contended("a user"))
}

/// Whether the password is that of the registration, where one was shown.
fn is_proven(proof: Option<&Proof>, password_hash: Option<&str>) -> bool {
    password_hash.is_none_or(|hash| proof.is_some_and(|proof| proof.password_hash == hash))
}

/// Whether the user has this identity.
pub(super) fn holds(user: &User, provider: Provider, id: &str) -> bool {
    let mut identities = user.identities.iter();
    identities.any(|one| one.provider == provider && one.id == id)
}

/// The user of a record, none when he is not there any more. What was linked to him and is unproven, as somebody is about to look once
/// more or was cut off before, is his if its password is still the one that was shown, and else is taken from him. Of several who
/// look, one decides.
pub(super) async fn settled(store: &Store, mut record: Record) -> Result<Option<User>, BackendError> {
    for _ in 0..TRIES {
        let Some(held) = record.identities.iter().find(|held| held.unproven) else {
            return record.user().map(Some);
        };
        let proof = registrations::proof(store, &held.id).await?;
        let unproven = doc! {"key": &held.key, "unproven": true};
        let change = match proof.is_some_and(|proof| Some(proof.generation) == held.generation) {
            true => doc! {"$unset": {"identities.$.unproven": ""}},
            false => doc! {"$pull": {"identities": &unproven}},
        };
        let mut filter = there(store, &record.id);
        filter.insert("identities", doc! {"$elemMatch": &unproven});
        store.update(USERS, filter, change).await?;
        match store.find::<Record>(USERS, there(store, &record.id)).await? {
            Some(found) => record = found,
            None => return Ok(None),
        }
    }
    Err(contended("a user"))
}

/// Takes an identity from its user, who goes with it if it is his only one.
pub(super) async fn unlink(store: &Store, provider: Provider, id: &str) -> Result<(), BackendError> {
    let key = identity_key(provider, id);
    for _ in 0..TRIES {
        let Some(user) = find_by_identity(store, provider, id).await? else {
            return Ok(());
        };
        if let [only] = &user.identities[..] {
            if remove_with(store, &user.id, only).await? {
                return Ok(());
            }
        } else {
            let mut filter = there(store, &user.id);
            filter.insert("identities.1", doc! {"$exists": true});
            let taken = doc! {"$pull": {"identities": {"key": &key}}};
            if store.update(USERS, filter, taken).await? {
                return Ok(());
            }
        }
        // Something was linked to him, or taken from him, meanwhile.
        pause().await;
    }
    Err(contended("a user"))
}

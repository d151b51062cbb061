//! Identities that come to a user who is there, and go.

use bson::{doc, serialize_to_bson};

use super::USERS;
use super::registrations::{self, Proof};
use super::store::{Store, TRIES, contended, pause};
use super::users::{Held, Record, find, find_by_identity, identity_key, remove, there};
use crate::backend::BackendError;
use crate::state::{Identity, Linked, Provider};

/// A password is looked at before and, as it may be replaced meanwhile, after.
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
        let held = Held::new(identity, proof.map(|proof| proof.generation))?;
        let held = serialize_to_bson(&held).map_err(mongodb::error::Error::from)?;
        let mut filter = there(store, user);
        filter.insert("identities.key", doc! {"$ne": &key});
        if is_password {
            filter.insert("identities.provider", doc! {"$ne": Provider::Password.as_str()});
        }
        let change = doc! {"$push": {"identities": held}};
        let linked = store.updated_unless_overtaken::<Record>(USERS, filter, change);
        if let Some(linked) = linked.await? {
            if password_hash.is_some() {
                let proof = registrations::proof(store, &identity.id).await?;
                if !is_proven(proof.as_ref(), password_hash) {
                    let taken = doc! {"$pull": {"identities": {"key": &key}}};
                    store.update(USERS, there(store, user), taken).await?;
                    return Ok(Linked::NotProven);
                }
            }
            return linked.user().map(Linked::Done);
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

/// Takes an identity from its user, who goes with it if it is his only one.
pub(super) async fn unlink(store: &Store, provider: Provider, id: &str) -> Result<(), BackendError> {
    let Some(user) = find_by_identity(store, provider, id).await? else {
        return Ok(());
    };
    if user.identities.len() > 1 {
        let key = identity_key(provider, id);
        let mut filter = there(store, &user.id);
        filter.insert("identities.1", doc! {"$exists": true});
        let taken = store.update(USERS, filter, doc! {"$pull": {"identities": {"key": key}}});
        taken.await?;
        return Ok(());
    }
    remove(store, &user.id).await?;
    Ok(())
}

//! Users who come from another service, as they were there.

use super::{Identity, Registration, User};
use crate::backend::Answer;

/// A user with his id, his identities and all that is known of him, and how he logs in by e-mail.
#[derive(Clone, Debug)]
pub struct ImportedUser {
    /// As he was.
    pub user: User,
    /// What proves his identities of e-mail and password.
    pub registrations: Vec<Registration>,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// He is there from now on.
    Added,
    /// He was, with the same identities.
    There,
    /// Something of him is another's, which is said; nothing was changed.
    Conflict(String),
}

/// Takes in users.
pub trait Imports {
    /// Takes in users, each of them whole or not at all. The answer is what became of each.
    fn import_users(&self, users: Vec<ImportedUser>) -> Answer<'_, Vec<Imported>>;
}

/// Whether these are the same identities, in whatever order.
pub(super) fn are_same(one: &[Identity], other: &[Identity]) -> bool {
    let names = |identities: &[Identity]| {
        let mut names: Vec<_> = identities
            .iter()
            .map(|identity| (identity.provider.as_str(), identity.id.clone()))
            .collect();
        names.sort_unstable();
        names
    };
    names(one) == names(other)
}

/// He was removed, and his id is nobody else's.
pub(super) fn removed() -> Imported {
    Imported::Conflict("he was there and was removed".to_owned())
}

/// He is there, and is another.
pub(super) fn differs() -> Imported {
    Imported::Conflict("he is there with other identities".to_owned())
}

/// An identity is of somebody else.
pub(super) fn taken(identity: &Identity, owner: &str) -> Imported {
    let (provider, id) = (identity.provider.as_str(), &identity.id);
    Imported::Conflict(format!("identity '{id}' of {provider} is user {owner}'s"))
}

/// An e-mail proves another identity, or an identity has another e-mail.
pub(super) fn registered(email: &str) -> Imported {
    Imported::Conflict(format!("'{email}' is registered already"))
}

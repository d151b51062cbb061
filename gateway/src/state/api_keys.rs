//! Keys that users, or servers, log in with.

use super::SecretHash;
use crate::backend::Answer;

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The app's, for servers: each key is a user of its own.
    App,
    /// That of the user of this id.
    User(String),
}

/// A key, without what must stay secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub owner: KeyOwner,
    /// What the owner calls it.
    pub name: String,
    /// Whether it lets nobody in.
    pub disabled: bool,
    /// Milliseconds since 1970 when it was made.
    pub created: i64,
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedKey {
    /// It is good.
    Added,
    /// The owner has one of this name.
    NameTaken,
    /// The owner has as many as may be.
    TooMany,
    /// There is no such user.
    NoUser,
}

/// Keeps API keys.
pub trait ApiKeys {
    /// Keeps a key by the hash of its text. A user has up to 20, the app up to 100.
    fn add_api_key(&self, key: ApiKey, hash: SecretHash) -> Answer<'_, AddedKey>;
    /// The key whose text has this hash.
    fn api_key(&self, hash: SecretHash) -> Answer<'_, Option<ApiKey>>;
    /// Every key of an owner, in the order in which they were made.
    fn api_keys(&self, owner: &KeyOwner) -> Answer<'_, Vec<ApiKey>>;
    /// Lets nobody in by the key, or somebody again. The sessions that it has opened end when it is disabled, of a server's key
    /// also what they gave. False when the owner has no such key.
    fn set_api_key_disabled(&self, owner: &KeyOwner, id: &str, disabled: bool) -> Answer<'_, bool>;
    /// Removes a key and ends the sessions that it has opened. A server's key takes its user along. False when the owner has no
    /// such key.
    fn remove_api_key(&self, owner: &KeyOwner, id: &str) -> Answer<'_, bool>;
}

impl KeyOwner {
    /// How many keys this owner may have.
    pub(super) const fn max_keys(&self) -> usize {
        match self {
            Self::App => 100,
            Self::User(_) => 20,
        }
    }
}

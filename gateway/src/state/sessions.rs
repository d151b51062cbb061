//! Log-ins that have not ended, and the keys that sign their tokens.

use crate::backend::Answer;

/// One login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The user it belongs to.
    pub user: String,
    /// The device it was made for.
    pub device: String,
    /// The API key that opened it, if one did.
    pub api_key: Option<String>,
    /// Milliseconds since 1970 when it ends, as its refresh token does.
    pub expires: i64,
}

/// A key that signs tokens, or signed some that are good. Cannot be printed.
pub struct Key {
    /// Its number, which tokens carry.
    pub id: i64,
    /// For HS256.
    pub secret: Vec<u8>,
}

/// What tokens are made with.
pub struct Secrets {
    /// Internal id of the app, made when the store is new.
    pub domain: String,
    /// From the oldest on; the newest signs.
    pub keys: Vec<Key>,
}

/// Keeps sessions.
pub trait Sessions {
    /// What tokens are made with at present. Keys come and go while the gateway runs.
    fn secrets(&self) -> Answer<'_, Secrets>;
    /// Records a login, by the password of this hash if by one. The answer is the key that signs the session's refresh token; none
    /// when the user, the API key or the password has been replaced, disabled or removed since it was checked, or a session of this id
    /// is there or was ended lately.
    fn open_session(&self, session: Session, password_hash: Option<String>) -> Answer<'_, Option<i64>>;
    /// The session of this id, while it lasts. Notes that it is used, to the hour.
    fn session(&self, id: &str) -> Answer<'_, Option<Session>>;
    /// Ends a session. False when there was none.
    fn close_session(&self, id: &str) -> Answer<'_, bool>;
}

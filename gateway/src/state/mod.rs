//! Users, sessions, the signing keys and schemas: everything the gateway keeps besides documents.

#[doc(hidden)]
pub mod acceptance;
mod embedded;
mod integrity;
mod keys;
mod schemas;
mod sessions;

pub use acceptance::KnownSchema;
pub use embedded::{EmbeddedState, OperatorStore, count_users, find_schema, list_schemas};
pub(crate) use embedded::{FILE, FORMAT};
pub(crate) use integrity::check;
pub use keys::ListedKey;
pub use schemas::{Conflict, ListedSchema};

use realm_ingest_protocol::Schema;

use crate::backend::Answer;

/// How a user proves who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Nobody in particular; every login is a new user.
    Anonymous,
    /// E-mail and password.
    Password,
}

impl Provider {
    /// The name in paths, tokens and profiles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anon-user",
            Self::Password => "local-userpass",
        }
    }

    /// The provider of this name, if it is one that is served.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Anonymous, Self::Password]
            .into_iter()
            .find(|provider| provider.as_str() == name)
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Identity within the provider.
    pub identity: String,
    /// How the user logs in.
    pub provider: Provider,
    /// With [`Provider::Password`]: the name to log in with. Any text, case matters.
    pub email: Option<String>,
    /// With [`Provider::Password`]: argon2id in PHC form.
    pub password_hash: Option<String>,
}

/// One login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The user it belongs to.
    pub user: String,
    /// The device it was made for.
    pub device: String,
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

/// Keeps what the gateway must not forget. Answers that change something come after it is durable.
pub trait State: Send + Sync {
    /// What tokens are made with at present. Keys come and go while the gateway runs.
    fn secrets(&self) -> Answer<'_, Secrets>;
    /// Adds a user. False when the e-mail is taken.
    fn add_user(&self, user: User) -> Answer<'_, bool>;
    /// The user of this id.
    fn user(&self, id: &str) -> Answer<'_, Option<User>>;
    /// The user who logs in with this e-mail.
    fn user_by_email(&self, email: &str) -> Answer<'_, Option<User>>;
    /// Records a login. The answer is the key that signs the session's refresh token.
    fn open_session(&self, session: Session) -> Answer<'_, i64>;
    /// The session of this id, while it lasts. Notes that it is used, to the hour.
    fn session(&self, id: &str) -> Answer<'_, Option<Session>>;
    /// Ends a session. False when there was none.
    fn close_session(&self, id: &str) -> Answer<'_, bool>;
    /// Grows whenever the operator decides something about schemas, also in another process.
    fn schemas_version(&self) -> Answer<'_, i64>;
    /// The schema of this fingerprint and the version it was read under, none when it was never sent.
    fn schema(&self, fingerprint: &str) -> Answer<'_, Option<(i64, KnownSchema)>>;
    /// Keeps a schema that the user sent. It extends the accepted definitions by those of its classes that do not contradict
    /// them; the others are in conflict. Those under which nobody has written may have to make room for it. False, and
    /// nothing is kept, when there are too many of this user or in all.
    fn add_schema(&self, schema: Schema, user: &str) -> Answer<'_, bool>;
    /// Notes that somebody writes under a schema, so that it does not have to make room. False when it is not there.
    fn note_schema_use(&self, fingerprint: &str) -> Answer<'_, bool>;
    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;
}

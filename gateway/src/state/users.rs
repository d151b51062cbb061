//! Who there is.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::backend::Answer;

/// How a user proves who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Nobody in particular; every login is a new user.
    Anonymous,
    /// E-mail and password.
    Password,
    /// A key that the user, or the operator, has made.
    ApiKey,
    /// A token that the operator's own server has signed.
    CustomToken,
    /// Whatever a function of the application makes of it.
    CustomFunction,
    /// A token of Google.
    Google,
    /// A token of Facebook.
    Facebook,
    /// A token of Apple.
    Apple,
}

impl Provider {
    /// Every provider there is.
    pub const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::Password,
        Self::ApiKey,
        Self::CustomToken,
        Self::CustomFunction,
        Self::Google,
        Self::Facebook,
        Self::Apple,
    ];

    /// The name in paths, tokens and profiles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anon-user",
            Self::Password => "local-userpass",
            Self::ApiKey => "api-key",
            Self::CustomToken => "custom-token",
            Self::CustomFunction => "custom-function",
            Self::Google => "oauth2-google",
            Self::Facebook => "oauth2-facebook",
            Self::Apple => "oauth2-apple",
        }
    }

    /// The provider of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

/// One way of a user to prove who he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who vouches for it.
    pub provider: Provider,
    /// Its name there.
    pub id: String,
    /// What the provider has said about the user.
    pub data: Map<String, Value>,
}

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// A person or a device.
    Normal,
    /// A server, which has a key of the operator.
    Server,
}

impl UserKind {
    /// The name in profiles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Server => "server",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Normal, Self::Server]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Who it is.
    pub kind: UserKind,
    /// How he logs in: at least one, in the order in which they came.
    pub identities: Vec<Identity>,
    /// Whether he is kept out.
    pub disabled: bool,
    /// What the application keeps about him: a document in Extended JSON.
    pub custom_data: Option<Box<RawValue>>,
    /// Milliseconds since 1970 when he came.
    pub created: i64,
    /// Milliseconds since 1970 when he logged in last.
    pub last_login: i64,
}

impl User {
    /// What all his providers have said about him; of several who say the same thing, the one that was linked last.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        let all = self.identities.iter().map(|identity| identity.data.clone());
        all.flatten().collect()
    }

    /// Whether he logs in by this provider.
    #[must_use]
    pub fn has(&self, provider: Provider) -> bool {
        self.identities
            .iter()
            .any(|identity| identity.provider == provider)
    }
}

/// What became of a link.
#[derive(Debug)]
pub enum Linked {
    /// The identity is the user's, now or before.
    Done(User),
    /// It is another user's.
    Taken,
    /// He has one of this provider already, which takes one only.
    HasAnother,
    /// The password that proved it has been replaced since, or its registration is gone.
    NotProven,
    /// There is no such user.
    NoUser,
}

/// From a moment on, no access token holds that was given to a user before, nor any of a session that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The user or the session; no two of these have one id.
    pub of: String,
    /// Milliseconds since 1970.
    pub time: i64,
}

/// Keeps users.
pub trait Users {
    /// The user of this identity, who logs in at this moment. Made of this kind if there is none, otherwise what the provider says
    /// about him is renewed. None when there is none and the registration or the API key of the identity is gone.
    fn find_or_create(&self, identity: Identity, kind: UserKind) -> Answer<'_, Option<User>>;
    /// The user of this id.
    fn user(&self, id: &str) -> Answer<'_, Option<User>>;
    /// The user of this identity.
    fn user_by_identity(&self, provider: Provider, id: &str) -> Answer<'_, Option<User>>;
    /// Adds an identity to a user, behind those he has; one that was proven by the password of this hash, only while that is the
    /// password of its registration. Of e-mail and password he has one at most.
    fn link(&self, user: &str, identity: Identity, password_hash: Option<String>) -> Answer<'_, Linked>;
    /// Keeps a user out, or lets him in again. His sessions end when he is kept out. False when there is no such user.
    fn set_disabled(&self, user: &str, disabled: bool) -> Answer<'_, bool>;
    /// Replaces what the application keeps about a user. False when there is no such user.
    fn set_custom_data(&self, user: &str, data: Option<Box<RawValue>>) -> Answer<'_, bool>;
    /// Ends every session of a user. False when there is no such user.
    fn end_sessions(&self, user: &str) -> Answer<'_, bool>;
    /// Removes a user with everything that lets him in. False when there is no such user.
    fn remove_user(&self, user: &str) -> Answer<'_, bool>;
    /// Up to `limit` users behind this one, in the order in which they came.
    fn users(&self, after: Option<&User>, limit: usize) -> Answer<'_, Vec<User>>;
    /// Of whom access tokens were revoked since, in milliseconds since 1970, as far as some may not have expired, each with the last
    /// time: users who were disabled, removed, or logged out by the operator, and sessions that ended with them, with their API key
    /// or with the key that had signed their refresh token.
    fn revocations(&self, since: i64) -> Answer<'_, Vec<Revocation>>;
}

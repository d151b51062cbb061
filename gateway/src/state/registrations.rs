//! Who may log in by e-mail and password. A registration is no user yet: its first log-in makes one, or links it to one.

use super::SecretHash;
use crate::backend::Answer;

/// An e-mail and its password.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The name to log in with. Any text, case matters.
    pub email: String,
    /// Id of the identity that it proves.
    pub identity: String,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// Whether it may be used.
    pub confirmed: bool,
}

/// What a one-time token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To confirm a registration.
    Confirm,
    /// To set another password.
    Reset,
}

impl Purpose {
    /// The name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
        }
    }
}

/// A secret that is sent to an e-mail address.
#[derive(Clone, Debug)]
pub struct OneTimeToken {
    /// Its public name.
    pub id: String,
    /// Of the secret.
    pub hash: SecretHash,
    /// What it is good for.
    pub purpose: Purpose,
    /// Milliseconds since 1970 until when.
    pub expires: i64,
}

/// What became of a one-time token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedToken {
    /// It is good.
    Added,
    /// As many as may be are good already. They are not pushed out, as a stranger may have asked for the new one.
    TooMany,
    /// There is no such registration.
    NoRegistration,
}

/// Keeps registrations.
pub trait Registrations {
    /// Adds one. False when the e-mail is taken.
    fn register(&self, registration: Registration) -> Answer<'_, bool>;
    /// That of this e-mail.
    fn registration(&self, email: &str) -> Answer<'_, Option<Registration>>;
    /// Keeps a one-time token of this e-mail, while there are fewer than five good ones.
    fn add_token(&self, email: &str, token: OneTimeToken) -> Answer<'_, AddedToken>;
    /// Whether the token is good, without using it.
    fn has_token(&self, purpose: Purpose, id: &str, hash: SecretHash) -> Answer<'_, bool>;
    /// Uses the token and confirms its registration; its other tokens to confirm it are good no more. False when it is not good.
    fn confirm(&self, id: &str, hash: SecretHash) -> Answer<'_, bool>;
    /// Confirms the registration of this e-mail without a token, if it still proves this identity. False when it does not.
    fn confirm_registration(&self, email: &str, identity: &str) -> Answer<'_, bool>;
    /// Uses the token and replaces the password of its registration; its other tokens to do so are good no more, and the sessions of
    /// its user end. False when it is not good.
    fn reset_password(&self, id: &str, hash: SecretHash, password_hash: &str) -> Answer<'_, bool>;
    /// Removes a registration that no user has. False when there is none.
    fn remove_registration(&self, email: &str) -> Answer<'_, bool>;
    /// Up to `limit` registrations that no user has, by e-mail behind this one.
    fn unused_registrations(&self, after: &str, limit: usize) -> Answer<'_, Vec<Registration>>;
}

/// One-time tokens of one registration and purpose: as many mails somebody gets in half an hour whom a stranger annoys.
pub(super) const MAX_TOKENS: usize = 5;

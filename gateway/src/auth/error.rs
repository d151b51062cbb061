//! Why somebody is not let in.

use std::time::Duration;

use crate::turns::Busy;

/// See the module. Says nothing about HTTP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The access token is missing or not good; says why.
    #[error("{0}")]
    BadToken(&'static str),
    /// A token of another kind where a refresh token belongs.
    #[error("the token is not a refresh token")]
    NotARefreshToken,
    /// The session has ended or never was.
    #[error("there is no such session")]
    NoSession,
    /// Nobody can be registered under this name.
    #[error("the name is too long or has control characters")]
    BadName,
    /// The password is too short or too long.
    #[error("the password is too short or too long")]
    PasswordLength,
    /// Too many failed logins of one user from one address.
    #[error("too many failed logins")]
    TooManyFailures(Duration),
    /// Too many logins or new users of one address.
    #[error("too many logins from one address")]
    TooManyFromAddress(Duration),
    /// Too many passwords wait to be hashed.
    #[error("too many logins at the same time")]
    Busy,
    /// A defect of the gateway.
    #[error("{0}")]
    Internal(String),
}

impl From<Busy> for AuthError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

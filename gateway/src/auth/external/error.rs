//! Why somebody with a token is not let in: for the log of the operator; the client is told that it is unauthorized.

use super::metadata::MAX_VALUE;
use super::token::MAX_TOKEN;

/// What is wrong with a token. Shows nothing that is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// See the text.
    #[error("the token is longer than {MAX_TOKEN} characters")]
    TooLong,
    /// See the text.
    #[error("the token has no header of a signed JWT that can be understood")]
    Header,
    /// A key of a set is chosen by its name.
    #[error("the token does not name its key (kid)")]
    NoKeyNamed,
    /// See the text.
    #[error("the token is signed with a key that is not among those configured")]
    UnknownKey,
    /// See the text.
    #[error("the token is signed with another algorithm than its key is for")]
    Algorithm,
    /// See the text.
    #[error("the signature of the token is not that of its key")]
    Signature,
    /// See the text.
    #[error("the claims of the token are no JSON object with each claim once")]
    Claims,
    /// A claim is missing or of another type; says which and what it should be.
    #[error("the claim '{0}' is not {1}")]
    Claim(&'static str, &'static str),
    /// See the text.
    #[error("the token has expired")]
    Expired,
    /// It is from the future; says by which claim.
    #[error("the token is not valid yet, by its claim '{0}'")]
    NotYet(&'static str),
    /// See the text.
    #[error("the token is for another audience (aud) than is configured")]
    Audience,
    /// See the text.
    #[error("the token is from another issuer (iss) than is configured")]
    Issuer,
    /// See the text.
    #[error("the token has neither 'hd' nor a verified e-mail of a domain that 'domain_restrictions' names")]
    Domain,
    /// A claim that is configured as required is not there; says its path.
    #[error("the token does not have '{0}', which is configured as required")]
    Required(String),
    /// A claim that is to be copied is too large; says its path.
    #[error("what the token has as '{0}' is longer than {MAX_VALUE} bytes")]
    Value(String),
}

/// Why it cannot be told whether a token is good: there are no keys to verify it with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// They cannot be read; says why.
    #[error("the keys that verify tokens cannot be read: {0}")]
    Unavailable(String),
    /// Too many wait for them.
    #[error("too many wait for the keys that verify tokens")]
    Busy,
}

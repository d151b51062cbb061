//! What clients are told when an account, a way in, or a key is not what they took it for. The texts are those that App Services
//! gave, as applications look for them.

use axum::http::StatusCode;
use realm_ingest_protocol::code::error_code as code;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// The credentials are not good. Why is not told.
    Unauthorized,
    /// The e-mail is not confirmed yet.
    Unconfirmed,
    /// The operator keeps the user out.
    UserDisabled,
    /// These credentials are not such that a user can add to his own.
    BadLink,
    /// The credentials are another user's.
    IdentityTaken,
    /// The user has an e-mail and password already.
    SecondPassword,
    /// Nobody has registered the e-mail.
    UserNotFound,
    /// The e-mail is confirmed.
    AlreadyConfirmed,
    /// The one-time token was used, has expired, or never was.
    BadOneTimeToken,
    /// No such API key is the user's.
    ApiKeyNotFound,
    /// The API key has no name.
    ApiKeyNameMissing,
    /// The API key's name has other characters than may be.
    ApiKeyName,
    /// The user has another API key of this name.
    ApiKeyNameTaken,
    /// The user has as many API keys as may be.
    TooManyApiKeys,
    /// The user may have no API keys.
    NoApiKeys,
    /// The API key has opened the session that would remove it.
    ApiKeyInUse,
    /// Nobody could check the token that the session was opened with.
    OldSession,
}

impl AccountError {
    /// Status, code and text of the answer.
    pub(super) const fn answer(self) -> (StatusCode, Option<&'static str>, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthorized => (S::UNAUTHORIZED, Some(code::AUTH_ERROR), "unauthorized"),
            Self::Unconfirmed => {
                let text = "unauthorized: confirmation required";
                (S::UNAUTHORIZED, Some(code::AUTH_ERROR), text)
            }
            Self::UserDisabled => {
                let text = "unauthorized: the user is disabled";
                (S::UNAUTHORIZED, Some(code::USER_DISABLED), text)
            }
            Self::BadLink => {
                let text = "invalid user link request";
                (S::UNAUTHORIZED, Some(code::INVALID_SESSION), text)
            }
            Self::IdentityTaken => {
                let text = "unauthorized: a user already exists with the specified provider";
                (S::UNAUTHORIZED, Some(code::AUTH_ERROR), text)
            }
            Self::SecondPassword => {
                let text = "unauthorized: the user has an e-mail and a password already";
                (S::BAD_REQUEST, Some(code::AUTH_ERROR), text)
            }
            Self::UserNotFound => (S::NOT_FOUND, Some(code::USER_NOT_FOUND), "user not found"),
            Self::AlreadyConfirmed => {
                let text = "already confirmed";
                (S::BAD_REQUEST, Some(code::USER_ALREADY_CONFIRMED), text)
            }
            Self::BadOneTimeToken => (S::BAD_REQUEST, Some(code::BAD_REQUEST), "invalid token data"),
            Self::ApiKeyNotFound => (S::NOT_FOUND, Some(code::API_KEY_NOT_FOUND), "API key not found"),
            Self::ApiKeyNameMissing => (S::BAD_REQUEST, None, "'name' is a required string"),
            Self::ApiKeyName => {
                let text = "'name' can only contain ASCII letters, numbers, underscores, and hyphens, up to 128 of them";
                (S::BAD_REQUEST, Some(code::INVALID_PARAMETER), text)
            }
            Self::ApiKeyNameTaken => {
                let text = "an API key of this name already exists";
                (S::CONFLICT, Some(code::API_KEY_ALREADY_EXISTS), text)
            }
            Self::TooManyApiKeys => {
                let text = "there are as many API keys as one user may have; delete one first";
                (S::BAD_REQUEST, Some(code::BAD_REQUEST), text)
            }
            Self::NoApiKeys => {
                let text =
                    "users who are anonymous or servers have no API keys; link other credentials first";
                (S::BAD_REQUEST, Some(code::BAD_REQUEST), text)
            }
            Self::OldSession => {
                let text =
                    "this session was opened at App Services; log in anew to change anything about the user";
                (S::FORBIDDEN, Some(code::BAD_REQUEST), text)
            }
            Self::ApiKeyInUse => {
                let text =
                    "this session was opened with the API key; log in by other credentials to delete it";
                (S::FORBIDDEN, Some(code::BAD_REQUEST), text)
            }
        }
    }
}

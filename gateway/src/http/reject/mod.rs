//! The one place where errors become HTTP.

mod from;

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use realm_ingest_protocol::ErrorBody;
use realm_ingest_protocol::code::error_code as code;
use tracing::Level;

use super::account::AccountError;
use super::log::Refusal;
use crate::auth::external::ExternalError;
use crate::backend::BackendError;

/// When to come back after a failure that may be over soon.
const SOON: Duration = Duration::from_secs(1);

/// When to come back while nothing can be stored: a person may be needed.
const LATER: Duration = Duration::from_secs(5);

/// When to come back with what only an operator can make room for.
const PERSON: Duration = Duration::from_secs(300);

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub enum Reject {
    /// No such path or method.
    NotServed(String),
    /// The request names a host that is not this one.
    ForeignName(String),
    /// A page of this origin may not call the app.
    ForeignOrigin(String),
    /// This gateway serves another app.
    UnknownApp(String),
    /// The access token is missing or not good; says why.
    BadToken(&'static str),
    /// A token of another kind where a refresh token belongs.
    NotARefreshToken,
    /// The session has ended or never was.
    NoSession,
    /// There is no token where one is needed.
    NoToken,
    /// An account, a way in, or a key is not what it was taken for.
    Account(AccountError),
    /// Unknown user or wrong password; which of them is not told.
    BadLogin,
    /// A token that somebody else has signed is not good, or cannot be checked; why is told to the operator alone.
    ForeignToken(ExternalError),
    /// The e-mail has an account already.
    NameInUse,
    /// Nobody can be registered under this name.
    BadName,
    /// The password is too short or too long.
    PasswordLength,
    /// The provider is not served.
    UnknownProvider(String),
    /// There is no such function.
    UnknownFunction(String),
    /// The request cannot be understood.
    BadRequest(String),
    /// The body is not of a kind that is served.
    UnsupportedMedia(String),
    /// The body is too large.
    TooLarge(String),
    /// The body takes too long to arrive.
    Slow,
    /// These schemas must be sent first.
    SchemaRequired(Vec<String>),
    /// Another file has used the batch's sequence numbers under this outbox's name; says so.
    OutboxCopied(String),
    /// Something that was sent before has not arrived.
    OutOfOrder {
        /// What to do.
        text: String,
        /// Everything up to here is settled.
        position: i64,
    },
    /// There is too much of something that a person has to look at.
    TooMany(String),
    /// Too many failed logins of one user from one address.
    TooManyFailures(Duration),
    /// Too many logins or new users of one address.
    TooManyFromAddress(Duration),
    /// A user has got as many mails as may be; there may be another one after this time, if that is known.
    TooManyMails(Option<Duration>),
    /// A client has asked for as many mails as it may.
    TooManyMailsFromAddress(Duration),
    /// Too much to do at the moment.
    Busy(&'static str),
    /// The operator has paused the app.
    Paused,
    /// Nothing can be stored or read at the moment.
    Backend(BackendError),
    /// A defect of the gateway.
    Internal(String),
}

/// What a variant becomes.
struct Answer {
    status: StatusCode,
    code: Option<&'static str>,
    text: String,
    retry_after: Option<Duration>,
    missing: Vec<String>,
    position: Option<i64>,
}

impl Reject {
    fn answer(self) -> Answer {
        use StatusCode as S;
        let plain = |status, code: &'static str, text: String| Answer {
            status,
            code: Some(code),
            text,
            retry_after: None,
            missing: Vec::new(),
            position: None,
        };
        match self {
            Self::NotServed(what) => plain(
                S::NOT_FOUND,
                code::BAD_REQUEST,
                format!("this version does not serve {what}"),
            ),
            Self::ForeignName(name) => {
                let text = format!(
                    "this gateway is not served as '{name}'; name it with --public-url, or see --expose-dev-mode-to-network"
                );
                plain(S::MISDIRECTED_REQUEST, code::BAD_REQUEST, text)
            }
            Self::ForeignOrigin(origin) => {
                let text = format!("pages of '{origin}' may not call this app; see allowed_request_origins");
                plain(S::FORBIDDEN, code::DOMAIN_NOT_ALLOWED, text)
            }
            Self::UnknownApp(id) => {
                let text = format!("cannot find app using Client App ID '{id}'");
                plain(S::NOT_FOUND, code::APP_NOT_FOUND, text)
            }
            Self::BadToken(why) => plain(
                S::UNAUTHORIZED,
                code::INVALID_SESSION,
                format!("unauthorized: {why}"),
            ),
            Self::NotARefreshToken => {
                let text = "invalid refresh token: incorrect token type".to_owned();
                Answer {
                    code: None,
                    ..plain(S::UNAUTHORIZED, code::INVALID_SESSION, text)
                }
            }
            Self::NoSession => {
                let text = "invalid session: failed to find refresh token".to_owned();
                plain(S::UNAUTHORIZED, code::INVALID_SESSION, text)
            }
            Self::NoToken => {
                let text = "expected Authorization header with JWT (Bearer schema)".to_owned();
                Answer {
                    code: None,
                    ..plain(S::UNAUTHORIZED, code::INVALID_SESSION, text)
                }
            }
            Self::Account(error) => {
                let (status, code, text) = error.answer();
                Answer {
                    code,
                    ..plain(status, code::BAD_REQUEST, text.to_owned())
                }
            }
            Self::BadLogin => plain(S::UNAUTHORIZED, code::INVALID_PASSWORD, "unauthorized".to_owned()),
            Self::ForeignToken(ExternalError::Token(_)) => {
                plain(S::UNAUTHORIZED, code::AUTH_ERROR, "unauthorized".to_owned())
            }
            Self::ForeignToken(ExternalError::Keys(_)) => {
                let text = "tokens cannot be verified at the moment; try again later".to_owned();
                let answer = plain(S::SERVICE_UNAVAILABLE, code::INTERNAL_SERVER_ERROR, text);
                Answer {
                    retry_after: Some(LATER),
                    ..answer
                }
            }
            Self::NameInUse => plain(
                S::CONFLICT,
                code::ACCOUNT_NAME_IN_USE,
                "name already in use".to_owned(),
            ),
            Self::BadName => {
                let text = "'email' has up to 254 characters and no control characters".to_owned();
                plain(S::BAD_REQUEST, code::BAD_REQUEST, text)
            }
            Self::PasswordLength => {
                let text = "password must be between 6 and 128 characters".to_owned();
                plain(S::BAD_REQUEST, code::BAD_REQUEST, text)
            }
            Self::UnknownProvider(name) => {
                let text = format!("auth provider not found: '{name}'");
                plain(S::NOT_FOUND, code::AUTH_PROVIDER_NOT_FOUND, text)
            }
            Self::UnknownFunction(name) => plain(
                S::NOT_FOUND,
                code::FUNCTION_NOT_FOUND,
                format!("function not found: '{name}'"),
            ),
            Self::BadRequest(text) => plain(S::BAD_REQUEST, code::BAD_REQUEST, text),
            Self::UnsupportedMedia(text) => plain(S::UNSUPPORTED_MEDIA_TYPE, code::INVALID_PARAMETER, text),
            Self::TooLarge(text) => plain(S::PAYLOAD_TOO_LARGE, code::READ_SIZE_LIMIT_EXCEEDED, text),
            Self::Slow => plain(
                S::REQUEST_TIMEOUT,
                code::BAD_REQUEST,
                "the body takes too long to arrive".to_owned(),
            ),
            Self::SchemaRequired(missing) => {
                let text = "the batch names schemas this gateway has not seen; send them first".to_owned();
                Answer {
                    missing,
                    ..plain(S::CONFLICT, code::SCHEMA_REQUIRED, text)
                }
            }
            Self::OutboxCopied(text) => plain(S::CONFLICT, code::OUTBOX_COPIED, text),
            Self::OutOfOrder { text, position } => Answer {
                position: Some(position),
                ..plain(S::CONFLICT, code::BATCH_OUT_OF_ORDER, text)
            },
            Self::TooMany(text) => Answer {
                retry_after: Some(PERSON),
                ..plain(S::TOO_MANY_REQUESTS, code::LIMITS_EXCEEDED, text)
            },
            Self::TooManyFailures(wait) => {
                let text = "too many failed logins for this user; try again later".to_owned();
                Answer {
                    retry_after: Some(wait),
                    ..plain(S::TOO_MANY_REQUESTS, code::AUTH_ERROR, text)
                }
            }
            Self::TooManyFromAddress(wait) => {
                let text = "too many logins from this address; try again later".to_owned();
                Answer {
                    retry_after: Some(wait),
                    ..plain(S::TOO_MANY_REQUESTS, code::LIMITS_EXCEEDED, text)
                }
            }
            Self::TooManyMails(wait) => {
                let text =
                    "too many mails to this address; the last ones are good for half an hour".to_owned();
                Answer {
                    retry_after: Some(wait.unwrap_or(PERSON)),
                    ..plain(S::TOO_MANY_REQUESTS, code::LIMITS_EXCEEDED, text)
                }
            }
            Self::TooManyMailsFromAddress(wait) => {
                let text = "too many mails were asked for from this address; try again later".to_owned();
                Answer {
                    retry_after: Some(wait),
                    ..plain(S::TOO_MANY_REQUESTS, code::LIMITS_EXCEEDED, text)
                }
            }
            Self::Busy(text) => {
                let answer = plain(
                    S::SERVICE_UNAVAILABLE,
                    code::INTERNAL_SERVER_ERROR,
                    text.to_owned(),
                );
                Answer {
                    retry_after: Some(SOON),
                    ..answer
                }
            }
            Self::Paused => {
                let text =
                    "the app takes no documents at present: 'state' in sync/config.json is not 'enabled'";
                let answer = plain(
                    S::SERVICE_UNAVAILABLE,
                    code::INTERNAL_SERVER_ERROR,
                    text.to_owned(),
                );
                Answer {
                    retry_after: Some(PERSON),
                    ..answer
                }
            }
            Self::Backend(_) => {
                let text = "the store does not answer; nothing was changed".to_owned();
                let answer = plain(S::SERVICE_UNAVAILABLE, code::INTERNAL_SERVER_ERROR, text);
                Answer {
                    retry_after: Some(LATER),
                    ..answer
                }
            }
            Self::Internal(_) => plain(
                S::INTERNAL_SERVER_ERROR,
                code::INTERNAL_SERVER_ERROR,
                "internal server error".to_owned(),
            ),
        }
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        let internal = match &self {
            Self::Backend(error) => Some(error.to_string()),
            Self::Internal(what) => Some(what.clone()),
            Self::ForeignToken(error) => Some(error.to_string()),
            _ => None,
        };
        let failed = matches!(self, Self::Backend(_) | Self::Internal(_));
        let Answer {
            status,
            code,
            text,
            retry_after,
            missing,
            position,
        } = self.answer();
        let level = match retry_after {
            _ if failed => Level::ERROR,
            Some(_) => Level::WARN,
            None => Level::INFO,
        };
        let refusal = Refusal {
            level,
            code,
            reason: internal.unwrap_or_else(|| text.clone()),
        };
        let body = ErrorBody {
            error: text,
            error_code: code.map(str::to_owned),
            link: String::new(),
            missing,
            position,
        };
        let mut response = (status, Extension(refusal), Json(body)).into_response();
        if let Some(wait) = retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::WorkError;

    #[test]
    fn what_is_not_done_for_want_of_time_may_be_asked_for_again_soon() {
        let response = Reject::from(WorkError::Busy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}

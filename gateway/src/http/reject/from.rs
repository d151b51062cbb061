//! What the errors of other parts are to whoever asked.

use super::Reject;
use crate::auth::AuthError;
use crate::auth::external::{ExternalError, TokenError};
use crate::backend::BackendError;
use crate::http::account::AccountError;
use crate::ingest::IngestError;
use crate::memory::NoMemory;
use crate::work::WorkError;

impl From<BackendError> for Reject {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::NoMemory(error) => error.into(),
            error => Self::Backend(error),
        }
    }
}

impl From<AccountError> for Reject {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<ExternalError> for Reject {
    fn from(error: ExternalError) -> Self {
        Self::ForeignToken(error)
    }
}

impl From<TokenError> for Reject {
    fn from(error: TokenError) -> Self {
        Self::ForeignToken(error.into())
    }
}

impl From<NoMemory> for Reject {
    fn from(_: NoMemory) -> Self {
        Self::Busy("the gateway is busy with other batches")
    }
}

impl From<WorkError> for Reject {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Busy => Self::Busy("the gateway has too much to do"),
            WorkError::Panicked(what) => Self::Internal(what),
        }
    }
}

impl From<IngestError> for Reject {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::SchemaRequired(missing) => Self::SchemaRequired(missing),
            IngestError::SchemasTooLarge => Self::TooLarge(error.to_string()),
            IngestError::TooManySchemas | IngestError::TooManyDeadLetters(_) => {
                Self::TooMany(error.to_string())
            }
            copied @ IngestError::Copied => Self::OutboxCopied(copied.to_string()),
            IngestError::Hole { position } => Self::OutOfOrder {
                text: error.to_string(),
                position,
            },
            IngestError::NoMemory(error) => error.into(),
            IngestError::Backend(error) => error.into(),
            IngestError::Work(error) => error.into(),
            IngestError::Internal(what) => Self::Internal(what),
        }
    }
}

impl From<AuthError> for Reject {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::BadToken(why) => Self::BadToken(why),
            AuthError::NotARefreshToken => Self::NotARefreshToken,
            AuthError::NoSession => Self::NoSession,
            AuthError::BadName => Self::BadName,
            AuthError::PasswordLength => Self::PasswordLength,
            AuthError::TooManyFailures(wait) => Self::TooManyFailures(wait),
            AuthError::TooManyFromAddress(wait) => Self::TooManyFromAddress(wait),
            AuthError::Busy => Self::Busy("too many logins at the same time"),
            AuthError::Internal(what) => Self::Internal(what),
        }
    }
}

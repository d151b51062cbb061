//! The names both sides use for what can go wrong.

use std::fmt;

/// Why one document was refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The bytes are not one well-formed BSON document.
    InvalidDocument,
    /// The schema has no asymmetric class of this name.
    UnknownClass,
    /// A value is not of the type its property has.
    TypeMismatch,
    /// A required property is absent.
    MissingProperty,
    /// A field belongs to no property.
    UnknownProperty,
    /// Another document with this `_id` is already stored.
    DuplicateId,
    /// The document is larger than the gateway stores.
    DocumentTooLarge,
    /// A value is not as the schema of the application constrains it.
    ValidationFailed,
    /// The user may not insert this document.
    NotPermitted,
    /// The class contradicts the definition that is accepted; the operator decides.
    SchemaConflict,
}

impl RefusalCode {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidDocument => "InvalidDocument",
            Self::UnknownClass => "UnknownClass",
            Self::TypeMismatch => "TypeMismatch",
            Self::MissingProperty => "MissingProperty",
            Self::UnknownProperty => "UnknownProperty",
            Self::DuplicateId => "DuplicateId",
            Self::DocumentTooLarge => "DocumentTooLarge",
            Self::ValidationFailed => "ValidationFailed",
            Self::NotPermitted => "NotPermitted",
            Self::SchemaConflict => "SchemaConflict",
        }
    }

    /// The code of a name on the wire, if it is one this version knows.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// Every code there is.
    pub const ALL: [Self; 10] = [
        Self::InvalidDocument,
        Self::UnknownClass,
        Self::TypeMismatch,
        Self::MissingProperty,
        Self::UnknownProperty,
        Self::DuplicateId,
        Self::DocumentTooLarge,
        Self::ValidationFailed,
        Self::NotPermitted,
        Self::SchemaConflict,
    ];
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Values of `error_code` in error answers: App Services' own names, and those that ingest adds.
pub mod error_code {
    /// The e-mail address is taken.
    pub const ACCOUNT_NAME_IN_USE: &str = "AccountNameInUse";
    /// An API key of this name exists.
    pub const API_KEY_ALREADY_EXISTS: &str = "APIKeyAlreadyExists";
    /// The API key does not exist.
    pub const API_KEY_NOT_FOUND: &str = "APIKeyNotFound";
    /// The gateway serves no app of this client app id.
    pub const APP_NOT_FOUND: &str = "AppNotFound";
    /// A login failed for a reason that has no name of its own.
    pub const AUTH_ERROR: &str = "AuthError";
    /// The login provider does not exist or is off.
    pub const AUTH_PROVIDER_NOT_FOUND: &str = "AuthProviderNotFound";
    /// Something that the outbox sent before has not arrived; `position` says from where to go on.
    pub const BATCH_OUT_OF_ORDER: &str = "BatchOutOfOrder";
    /// The request cannot be understood.
    pub const BAD_REQUEST: &str = "BadRequest";
    /// The page that asks comes from an origin that the app does not allow.
    pub const DOMAIN_NOT_ALLOWED: &str = "DomainNotAllowed";
    /// The function does not exist.
    pub const FUNCTION_NOT_FOUND: &str = "FunctionNotFound";
    /// The gateway failed.
    pub const INTERNAL_SERVER_ERROR: &str = "InternalServerError";
    /// A parameter or header has a value that is not taken.
    pub const INVALID_PARAMETER: &str = "InvalidParameter";
    /// Unknown user or wrong password.
    pub const INVALID_PASSWORD: &str = "InvalidPassword";
    /// The token is missing, wrong, expired or revoked.
    pub const INVALID_SESSION: &str = "InvalidSession";
    /// There is too much of something; an operator has to make room.
    pub const LIMITS_EXCEEDED: &str = "LimitsExceeded";
    /// The body is larger than the gateway reads.
    pub const READ_SIZE_LIMIT_EXCEEDED: &str = "ReadSizeLimitExceeded";
    /// Another file has sent transactions under the outbox's name: this one is a copy and needs a name of its own.
    pub const OUTBOX_COPIED: &str = "OutboxCopied";
    /// The batch names schemas that the gateway has not seen; they are listed in `missing`.
    pub const SCHEMA_REQUIRED: &str = "SchemaRequired";
    /// The e-mail address is confirmed.
    pub const USER_ALREADY_CONFIRMED: &str = "UserAlreadyConfirmed";
    /// The operator keeps the user out.
    pub const USER_DISABLED: &str = "UserDisabled";
    /// Nobody has registered the e-mail address.
    pub const USER_NOT_FOUND: &str = "UserNotFound";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_code() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::from_name(code.as_str()).unwrap(), code);
        }
        assert_eq!(RefusalCode::from_name("invaliddocument"), None);
    }
}

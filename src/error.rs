//! What can go wrong, in one enum, and the numbers and names that the world sees for it.
//!
//! Numbers from 4000 on are those that Realm gave to App Services errors; the others are our own. None is ever
//! reused. The texts of the App Services errors are the ones applications and their tests already match on.

use std::path::PathBuf;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The number and name of an error, stable over releases.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// The text that a status shows as its code.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$name => stringify!($name),)*
                }
            }

            /// The code with this name, if there is one.
            pub fn from_name(name: &str) -> Option<Code> {
                match name {
                    $(stringify!($name) => Some(Code::$name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// A panic was caught at the boundary; the library is at fault.
    Panic = 1,
    /// Something failed that has no code of its own.
    RuntimeError = 1000,
    /// A limit of size was passed.
    LimitExceeded = 1009,
    /// The server could not read the batch, and never will.
    BadChangeset = 1014,
    /// A file could not be read or written.
    FileOperationFailed = 1017,
    /// The disk has no room left.
    OutOfDiskSpace = 1018,
    /// The file is not what it should be.
    InvalidDatabase = 1021,
    /// What was waited for will not happen.
    OperationAborted = 1027,
    /// What was waited for did not happen within the caller's limit.
    WaitTimedOut = 1100,
    /// The connection broke.
    ConnectionClosed = 1030,
    /// The server could not be reached or did not take the request.
    SyncConnectFailed = 1034,
    /// The server answered too late.
    SyncConnectTimeout = 1035,
    /// The schema contradicts what the server already has.
    SyncInvalidSchemaChange = 1036,
    /// The server's answer makes no sense.
    SyncProtocolInvariantFailed = 1038,
    /// Client and server do not speak the same version.
    SyncProtocolNegotiationFailed = 1039,
    /// The certificate or the TLS handshake failed.
    TlsHandshakeFailed = 1042,
    /// Objects were refused by the server.
    SyncWriteNotAllowed = 1044,
    /// A caller did what the API does not allow at this point.
    LogicError = 2000,
    /// Something this library does not offer.
    NotSupported = 2001,
    /// The path is open with other settings.
    MismatchedConfig = 2013,
    /// The realm has been closed.
    ClosedRealm = 2014,
    /// The schema is not valid.
    InvalidSchema = 2016,
    /// An argument is not valid.
    InvalidArgument = 3000,

    /// The transport gave no answer.
    CustomError = 4000,
    /// No such user on this device.
    ClientUserNotFound = 4100,
    /// The user is not logged in.
    ClientUserNotLoggedIn = 4101,
    /// A redirect without a target.
    ClientRedirectError = 4103,
    /// Redirects without end.
    ClientTooManyRedirects = 4104,
    /// The name is taken on this device.
    ClientUserAlreadyNamed = 4105,
    /// The application's own transport failed.
    ClientTransportFailed = 4106,
    /// The server sent a token that is not one.
    BadToken = 4200,
    /// The server sent JSON that cannot be read.
    MalformedJson = 4201,
    /// The server's JSON lacks something.
    MissingJsonKey = 4202,
    /// Extended JSON that cannot be read.
    BadBsonParse = 4203,
    /// The server named this error; see its text.
    MissingAuthReq = 4300,
    /// The token is unknown, expired or revoked.
    InvalidSession = 4301,
    /// The server named this error; see its text.
    UserAppDomainMismatch = 4302,
    /// The server named this error; see its text.
    DomainNotAllowed = 4303,
    /// The request is larger than the server takes.
    ReadSizeLimitExceeded = 4304,
    /// The server named this error; see its text.
    InvalidParameter = 4305,
    /// The server named this error; see its text.
    MissingParameter = 4306,
    /// The server named this error; see its text.
    TwilioError = 4307,
    /// The server named this error; see its text.
    GCMError = 4308,
    /// A status that is not success, without a readable body.
    HTTPError = 4309,
    /// The server named this error; see its text.
    AWSError = 4310,
    /// The server named this error; see its text.
    MongoDBError = 4311,
    /// The server named this error; see its text.
    ArgumentsNotAllowed = 4312,
    /// The function threw.
    FunctionExecutionError = 4313,
    /// The server named this error; see its text.
    NoMatchingRuleFound = 4314,
    /// The server named this error; see its text.
    InternalServerError = 4315,
    /// The server named this error; see its text.
    AuthProviderNotFound = 4316,
    /// The server named this error; see its text.
    AuthProviderAlreadyExists = 4317,
    /// The server named this error; see its text.
    ServiceNotFound = 4318,
    /// The server named this error; see its text.
    ServiceTypeNotFound = 4319,
    /// The server named this error; see its text.
    ServiceAlreadyExists = 4320,
    /// The server named this error; see its text.
    ServiceCommandNotFound = 4321,
    /// The server named this error; see its text.
    ValueNotFound = 4322,
    /// The server named this error; see its text.
    ValueAlreadyExists = 4323,
    /// The server named this error; see its text.
    ValueDuplicateName = 4324,
    /// No function has this name.
    FunctionNotFound = 4325,
    /// The server named this error; see its text.
    FunctionAlreadyExists = 4326,
    /// The server named this error; see its text.
    FunctionDuplicateName = 4327,
    /// The server named this error; see its text.
    FunctionSyntaxError = 4328,
    /// The server named this error; see its text.
    FunctionInvalid = 4329,
    /// The server named this error; see its text.
    IncomingWebhookNotFound = 4330,
    /// The server named this error; see its text.
    IncomingWebhookAlreadyExists = 4331,
    /// The server named this error; see its text.
    IncomingWebhookDuplicateName = 4332,
    /// The server named this error; see its text.
    RuleNotFound = 4333,
    /// The server named this error; see its text.
    APIKeyNotFound = 4334,
    /// The server named this error; see its text.
    RuleAlreadyExists = 4335,
    /// The server named this error; see its text.
    RuleDuplicateName = 4336,
    /// The server named this error; see its text.
    AuthProviderDuplicateName = 4337,
    /// The server named this error; see its text.
    RestrictedHost = 4338,
    /// The server named this error; see its text.
    APIKeyAlreadyExists = 4339,
    /// The server named this error; see its text.
    IncomingWebhookAuthFailed = 4340,
    /// The server named this error; see its text.
    ExecutionTimeLimitExceeded = 4341,
    /// The server named this error; see its text.
    NotCallable = 4342,
    /// The server named this error; see its text.
    UserAlreadyConfirmed = 4343,
    /// The server named this error; see its text.
    UserNotFound = 4344,
    /// The user was disabled by an operator.
    UserDisabled = 4345,
    /// The credentials or tokens were not accepted.
    AuthError = 4346,
    /// The server named this error; see its text.
    BadRequest = 4347,
    /// Someone registered with this name before.
    AccountNameInUse = 4348,
    /// Unknown user or wrong password.
    InvalidPassword = 4349,
    /// The server named this error; see its text.
    SchemaValidationFailedWrite = 4350,
    /// The server sent a text and no code.
    AppUnknownError = 4351,
    /// The server is being worked on.
    MaintenanceInProgress = 4352,
    /// The server named this error; see its text.
    UserpassTokenInvalid = 4353,
    /// The server named this error; see its text.
    InvalidServerResponse = 4354,
    /// The server sent a code that is not in this list.
    AppServerError = 4355,
}

impl Code {
    /// The number, as C callers see it.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The server's words could not be understood.
    pub fn is_json_error(self) -> bool {
        matches!(self.number(), 4200..=4299)
    }

    /// The server named the error.
    pub fn is_service_error(self) -> bool {
        matches!(self.number(), 4300..=4399) && self != Code::HTTPError
    }

    /// A bare HTTP status.
    pub fn is_http_error(self) -> bool {
        self == Code::HTTPError
    }

    /// The transport failed.
    pub fn is_custom_error(self) -> bool {
        self == Code::CustomError
    }

    /// The client itself refused.
    pub fn is_client_error(self) -> bool {
        matches!(self.number(), 4100..=4199)
    }
}

/// Everything that a call of this library can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server, or the way to it, failed; classified as App Services clients do.
    #[error("{message}")]
    App {
        /// 4000 to 4399.
        code: Code,
        /// The server's text where it gave one.
        message: String,
        /// Where the server logged it, or empty.
        link: String,
        /// The HTTP status, 0 where there was no answer.
        status: u16,
    },
    /// A session failed, or was told to stop.
    #[error("{message}")]
    Sync {
        /// The code by its name.
        code: Code,
        /// What happened.
        message: String,
    },
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] crate::outbox::Error),
    /// A file or directory other than the outbox failed.
    #[error("cannot {action} {path:?}: {source}")]
    File {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The schema is not valid; the text lists every finding.
    #[error("{0}")]
    InvalidSchema(String),
    /// An argument is not valid.
    #[error("{0}")]
    InvalidArgument(String),
    /// An object is larger than MongoDB stores; several small ones may do.
    #[error("document {index} of the transaction has {bytes} bytes, more than the {limit} that one may have")]
    DocumentTooLarge {
        /// Its place, from 0.
        index: u64,
        /// Its size as BSON.
        bytes: usize,
        /// The limit it is over.
        limit: usize,
    },
    /// A write transaction has more objects than the server takes at once; several transactions may do.
    #[error("the transaction has {documents} documents, more than the {limit} that one may have")]
    TooManyDocuments {
        /// How many.
        documents: u64,
        /// The limit it is over.
        limit: u64,
    },
    /// A call that the API does not allow at this point.
    #[error("{0}")]
    Logic(String),
    /// Something this version does not offer.
    #[error("{0}")]
    NotSupported(String),
    /// The path is already open with other settings.
    #[error("{0}")]
    Mismatch(String),
    /// The realm has been closed.
    #[error("Cannot access realm that has been closed.")]
    Closed,
    /// A panic was caught at the boundary.
    #[error("internal error: {0}")]
    Panic(String),
}

impl Error {
    /// The code that goes with it.
    pub fn code(&self) -> Code {
        match self {
            Error::App { code, .. } | Error::Sync { code, .. } => *code,
            Error::Outbox(error) => outbox_code(error),
            Error::File { .. } => Code::FileOperationFailed,
            Error::InvalidSchema(_) => Code::InvalidSchema,
            Error::InvalidArgument(_) => Code::InvalidArgument,
            Error::DocumentTooLarge { .. } | Error::TooManyDocuments { .. } => Code::LimitExceeded,
            Error::Logic(_) => Code::LogicError,
            Error::NotSupported(_) => Code::NotSupported,
            Error::Mismatch(_) => Code::MismatchedConfig,
            Error::Closed => Code::ClosedRealm,
            Error::Panic(_) => Code::Panic,
        }
    }

    /// Where the server logged it; empty where it did not say.
    pub fn link(&self) -> &str {
        match self {
            Error::App { link, .. } => link,
            Error::Sync { .. }
            | Error::Outbox(_)
            | Error::File { .. }
            | Error::InvalidSchema(_)
            | Error::InvalidArgument(_)
            | Error::DocumentTooLarge { .. }
            | Error::TooManyDocuments { .. }
            | Error::Logic(_)
            | Error::NotSupported(_)
            | Error::Mismatch(_)
            | Error::Closed
            | Error::Panic(_) => "",
        }
    }

    /// The HTTP status of the answer, 0 where there was none.
    pub fn status(&self) -> u16 {
        if let Error::App { status, .. } = self {
            *status
        } else {
            0
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::App {
                code: Code::CustomError,
                ..
            } => true,
            Error::App { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Error::Outbox(error) => error.is_retryable(),
            Error::Sync { .. }
            | Error::File { .. }
            | Error::InvalidSchema(_)
            | Error::InvalidArgument(_)
            | Error::DocumentTooLarge { .. }
            | Error::TooManyDocuments { .. }
            | Error::Logic(_)
            | Error::NotSupported(_)
            | Error::Mismatch(_)
            | Error::Closed
            | Error::Panic(_) => false,
        }
    }

    /// The text with its causes, for callers that see one text only.
    pub fn full_message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }

    pub(crate) fn app(code: Code, message: impl Into<String>) -> Error {
        Error::App {
            code,
            message: message.into(),
            link: String::new(),
            status: 0,
        }
    }

    pub(crate) fn aborted() -> Error {
        Error::Sync {
            code: Code::OperationAborted,
            message: "Sync session became inactive".to_owned(),
        }
    }
}

fn outbox_code(error: &crate::outbox::Error) -> Code {
    use crate::outbox::Error as E;
    match error {
        E::TooLarge { .. } | E::CapReached { .. } => Code::LimitExceeded,
        E::NoDocuments | E::UnknownSchema { .. } => Code::InvalidArgument,
        E::DiskFull { .. } => Code::OutOfDiskSpace,
        E::Locked { .. }
        | E::Io { .. }
        | E::Sqlite { .. }
        | E::TooManyOpenFiles { .. }
        | E::Gone { .. }
        | E::MissingFolder { .. } => Code::FileOperationFailed,
        E::Corrupt { .. }
        | E::NewerFormat { .. }
        | E::KeyRequired { .. }
        | E::WrongKey { .. }
        | E::NotEncrypted { .. } => Code::InvalidDatabase,
        E::SqliteTooOld { .. } => Code::NotSupported,
        E::ForeignProcess { .. } => Code::LogicError,
        E::NoMemory | E::Abandoned { .. } => Code::RuntimeError,
    }
}

/// One object that the server refused for good.
#[derive(Debug, Clone, PartialEq)]
pub struct CompensatingWrite {
    /// The class.
    pub object_name: String,
    /// The object's `_id`, as canonical extended JSON; null where it had none that can be read.
    pub primary_key: serde_json::Value,
    /// Why, in the server's words.
    pub reason: String,
}

/// What a session tells the error handler of its realm.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncError {
    /// The code by its name.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// Where the server logged it, or empty.
    pub link: String,
    /// The session is inactive until the cause is removed, which it looks for by itself, rarely. What is not fatal is
    /// tried again soon.
    pub is_fatal: bool,
    /// The objects this is about, for [`Code::SyncWriteNotAllowed`].
    pub compensating_writes: Vec<CompensatingWrite>,
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn names_and_numbers_are_those_of_app_services() {
        for (name, number) in [
            ("InvalidSession", 4301),
            ("AuthError", 4346),
            ("AppServerError", 4355),
        ] {
            assert_eq!(Code::from_name(name).map(Code::number), Some(number));
        }
        assert_eq!(Code::InvalidPassword.name(), "InvalidPassword");
        assert_eq!(Code::from_name("NoSuchCode"), None);
    }

    #[test]
    fn every_app_code_has_one_kind() {
        for name in [
            "CustomError",
            "ClientRedirectError",
            "BadToken",
            "HTTPError",
            "AuthError",
            "AppServerError",
        ] {
            let code = Code::from_name(name);
            let kinds = code.map(|code| {
                [
                    code.is_json_error(),
                    code.is_service_error(),
                    code.is_http_error(),
                    code.is_custom_error(),
                    code.is_client_error(),
                ]
                .iter()
                .filter(|kind| **kind)
                .count()
            });
            assert_eq!(kinds, Some(1), "{name}");
        }
    }
}

//! What the gateway tells a client that something is wrong with: a session, or the whole connection. Numbers and keys are those
//! of the protocol of realm-core 14. A dozen numbers that it has make clients abort, and some others make them throw away what
//! they have not uploaded: there is no way to say these here.

mod rejected;

use serde_json::{Value, json};

pub use rejected::{MAX_REJECTED, PrimaryKey, Rejected, RejectedUpdate};

/// Seconds before a client binds again at first, at most, and the factor between.
const BACKOFF: [(&str, u32); 3] = [
    ("backoffIntervalSec", 1),
    ("backoffMaxDelaySec", 300),
    ("backoffMultiplier", 2),
];

/// Bytes of a message that is told.
const MAX_MESSAGE_BYTES: usize = 1_000;

/// What is wrong with one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionCode {
    SessionClosed,
    Other,
    BadChangeset,
    CompensatingWrite,
}

/// What a client is to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Try again, without a word to the application.
    Transient,
    /// Tell the application, and go on.
    Warning,
    /// Tell the application, and keep everything until it opens the file anew.
    ApplicationBug,
}

/// Something that a client is told about a session. After all of them but [`compensating`](Self::compensating) the session has
/// ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionError {
    code: SessionCode,
    action: Action,
    message: String,
    rejected: Option<Rejected>,
}

impl SessionError {
    /// The gateway cannot go on at present. The client binds again after a while: a second at first, 300 at most.
    pub fn later(message: impl Into<String>) -> Self {
        Self::new(SessionCode::Other, Action::Transient, message.into())
    }

    /// The client cannot go on, and is to bind again, after a second.
    pub fn closed(message: impl Into<String>) -> Self {
        Self::new(SessionCode::SessionClosed, Action::Transient, message.into())
    }

    /// A changeset cannot be read. The client keeps it.
    pub fn bad_changeset(message: impl Into<String>) -> Self {
        Self::new(SessionCode::BadChangeset, Action::ApplicationBug, message.into())
    }

    /// What the client wants will never be done. It keeps everything.
    pub fn never(message: impl Into<String>) -> Self {
        Self::new(SessionCode::Other, Action::ApplicationBug, message.into())
    }

    /// Some objects are stored among the dead letters, and will not be anywhere else. The session goes on.
    #[must_use]
    pub fn compensating(rejected: Rejected) -> Self {
        let message = rejected.message();
        let mut error = Self::new(SessionCode::CompensatingWrite, Action::Warning, message);
        error.rejected = Some(rejected);
        error
    }

    fn new(code: SessionCode, action: Action, message: String) -> Self {
        Self {
            code,
            action,
            message: bounded(message),
            rejected: None,
        }
    }

    /// Its number in the protocol.
    #[must_use]
    pub const fn number(&self) -> u16 {
        match self.code {
            SessionCode::SessionClosed => 200,
            SessionCode::Other => 201,
            SessionCode::BadChangeset => 212,
            SessionCode::CompensatingWrite => 231,
        }
    }

    /// Whether the client binds again by itself.
    #[must_use]
    pub fn is_to_be_tried_again(&self) -> bool {
        self.action != Action::ApplicationBug
    }

    /// What it says.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body of the message that tells it.
    #[must_use]
    pub fn body(&self) -> String {
        let action = match self.action {
            Action::Transient => "Transient",
            Action::Warning => "Warning",
            Action::ApplicationBug => "ApplicationBug",
        };
        let mut body = body(&self.message, self.is_to_be_tried_again(), action);
        if self.code == SessionCode::Other && self.action == Action::Transient {
            add(&mut body, BACKOFF.map(|(key, value)| (key, json!(value))));
        }
        if let Some(rejected) = &self.rejected {
            add(&mut body, rejected.keys());
        }
        body.to_string()
    }
}

/// What is wrong with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionCode {
    /// Something that no other code says.
    Other,
    /// A header, or a body that is not as long as its header says.
    BadSyntax,
    /// A session that was never bound.
    BadSessionIdent,
    /// A session that is bound already.
    ReuseOfSessionIdent,
    /// A message that cannot come at this point of its session.
    BadMessageOrder,
    /// The body of an upload cannot be inflated, or not to the length that its header says.
    BadDecompression,
    /// The header of a changeset in an upload, or a version that goes back.
    BadChangesetHeader,
    /// A changeset that is longer than its upload.
    BadChangesetSize,
}

/// Something that a client did wrong. It is told, and the connection ends: there is no knowing what else would be wrong. The
/// client tries again after a while, as a later version of the gateway may understand it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectionError {
    code: ConnectionCode,
    message: String,
}

impl ConnectionError {
    /// An error of this kind. The message has none of the client's contents.
    pub fn new(code: ConnectionCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: bounded(message.into()),
        }
    }

    /// What kind it is of.
    #[must_use]
    pub const fn code(&self) -> ConnectionCode {
        self.code
    }

    /// Its number in the protocol.
    #[must_use]
    pub const fn number(&self) -> u16 {
        match self.code {
            ConnectionCode::Other => 101,
            ConnectionCode::BadSyntax => 103,
            ConnectionCode::BadSessionIdent => 106,
            ConnectionCode::ReuseOfSessionIdent => 107,
            ConnectionCode::BadMessageOrder => 109,
            ConnectionCode::BadDecompression => 110,
            ConnectionCode::BadChangesetHeader => 111,
            ConnectionCode::BadChangesetSize => 112,
        }
    }

    /// What it says.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body of the message that tells it.
    #[must_use]
    pub fn body(&self) -> String {
        body(&self.message, true, "Transient").to_string()
    }
}

/// The keys that every error has to have, or the client takes it for a violation of the protocol.
fn body(message: &str, try_again: bool, action: &str) -> Value {
    json!({
        "message": message,
        "logURL": "",
        "tryAgain": try_again,
        "shouldClientReset": false,
        "isRecoveryModeDisabled": false,
        "action": action,
    })
}

fn add(body: &mut Value, keys: impl IntoIterator<Item = (&'static str, Value)>) {
    if let Some(body) = body.as_object_mut() {
        body.extend(keys.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
}

/// A text cut to what is told of it.
fn bounded(mut text: String) -> String {
    let mut ends = (0..=MAX_MESSAGE_BYTES.min(text.len())).rev();
    text.truncate(ends.find(|end| text.is_char_boundary(*end)).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests;

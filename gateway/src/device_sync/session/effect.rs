//! What the machine and the one who drives it say to each other.

use crate::device_sync::errors::{ConnectionError, RejectedUpdate, SessionError};
use crate::device_sync::frames::{FileIdent, ServerMessage, UploadHeader};

/// One binding of a session. A session that is bound again is another one, so that a late answer to the first is known for what it
/// is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Binding {
    session: u64,
    number: u64,
}

impl Binding {
    pub(super) const fn new(session: u64, number: u64) -> Self {
        Self { session, number }
    }

    /// The session's number on its connection.
    #[must_use]
    pub const fn session(self) -> u64 {
        self.session
    }
}

/// Something that is to be done, in the order in which they come. What a binding is to have done is done one after the other;
/// there is no order between bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this to the client.
    Send(ServerMessage),
    /// Give the client an ident for a new file, and persist it; then say so with [`allocated`](super::Sessions::allocated).
    Allocate {
        /// Whose file it is.
        binding: Binding,
    },
    /// Find what is known of a file, or take it in; then say so with [`identified`](super::Sessions::identified).
    Identify {
        /// Whose file it is.
        binding: Binding,
        /// The file.
        file: FileIdent,
        /// The client's version up to which it has been acknowledged what it uploaded.
        acked: u64,
    },
    /// Store the changesets of the upload that was just received; then say so with [`stored`](super::Sessions::stored).
    Store {
        /// Whose upload it is.
        binding: Binding,
        /// Its header.
        upload: UploadHeader,
    },
    /// The binding has ended. Nobody waits for what is still to be done for it.
    End {
        /// The binding.
        binding: Binding,
    },
    /// Something for the log.
    Note(Note),
    /// Close the connection, with this code or by TCP alone, once all has been sent. All bindings have ended.
    Close(Option<CloseCode>),
}

/// What a websocket is closed with. Clients take others for something else than what they say, and with some of them reset their
/// files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// The gateway stops. The client comes back after a while.
    Normal,
    /// The token is not good. The client gets another one, and comes back at once.
    Unauthorised,
    /// The user is not to come back. The client logs it out.
    Forbidden,
}

impl CloseCode {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Normal => 1_000,
            Self::Unauthorised => 4_001,
            Self::Forbidden => 4_002,
        }
    }
}

/// Something that an operator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The client's active subscriptions select classes that are not served.
    ActiveSubscriptions {
        /// Whose they are.
        binding: Binding,
        /// The classes, or what is told of them.
        classes: String,
    },
    /// New subscriptions of a client were refused.
    RefusedSubscriptions {
        /// Whose they are.
        binding: Binding,
        /// The classes, or what is told of them.
        classes: String,
    },
    /// A client could not use what it was sent. Its session has ended, and it binds again.
    ClientError {
        /// Whose session it was.
        binding: Binding,
        /// The client's code.
        code: u64,
        /// What it says, cut to a usual length.
        message: String,
    },
    /// A message of a name that is not known was ignored.
    UnknownMessage {
        /// The name.
        name: String,
    },
}

/// What was stored of a binding's uploads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The progress of the last upload of which everything is durable, and everything of those before it.
    pub progress_client: u64,
    /// What went to the dead letters meanwhile.
    pub refused: Vec<RejectedUpdate>,
    /// How many more did that are not in the list.
    pub unnamed: u64,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The session ends.
    Session(SessionError),
    /// The connection ends.
    Connection(ConnectionError),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

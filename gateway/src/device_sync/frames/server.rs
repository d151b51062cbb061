//! What the gateway says.

use super::FileIdent;
use crate::device_sync::errors::{ConnectionError, SessionError};
use crate::device_sync::version::Version;

/// Where time begins in the protocol: 2015, in milliseconds since 1970.
const EPOCH: u64 = 1_420_070_400_000;

/// The salt of the latest server version in every [`Download`]. Clients keep it and tell it when they bind, and make nothing of it:
/// so a gateway knows which files have been served by one. App Services had 0.
pub const STAMP: i64 = 8_243_101_811_291_549_287;

/// The file ident that changesets of the server have.
const SERVER: u64 = 1;

/// The code of a set of subscriptions that is not served.
const BAD_QUERY: u64 = 226;

/// A message to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage {
    /// The ident of a new client file.
    Ident {
        /// Its session.
        session: u64,
        /// The ident.
        file: FileIdent,
    },
    /// How far both sides are.
    Download(Download),
    /// The answer to a mark.
    Mark {
        /// Its session.
        session: u64,
        /// The number of the mark.
        request: u64,
    },
    /// The answer to a ping.
    Pong {
        /// What the ping had.
        timestamp: u64,
    },
    /// A session has ended as the client wanted.
    Unbound {
        /// The session.
        session: u64,
    },
    /// Something is wrong with a session.
    SessionError {
        /// The session.
        session: u64,
        /// What.
        error: SessionError,
    },
    /// Something is wrong with the connection, which ends.
    ConnectionError(ConnectionError),
    /// A set of subscriptions is not served. The session goes on.
    QueryError {
        /// The session.
        session: u64,
        /// The version of the set.
        query: i64,
        /// Why, in a sentence.
        message: String,
    },
}

/// Tells a client that the server has all up to a version of the client, and that nothing is to come from the server. Both are said
/// with one version each: how far the client is with the server's, and how far the server is with the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Download {
    /// The session.
    pub session: u64,
    /// The server's version.
    pub server: u64,
    /// The client's version up to which everything is stored.
    pub client: u64,
    /// The server's version that the client had integrated by then.
    pub upload_server: u64,
    /// The set of subscriptions that this is about.
    pub query: i64,
    /// What comes with it.
    pub batch: Batch,
}

/// What a [`Download`] is for. A bootstrap without a changeset makes a client spin for ever, so there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// All that a set of subscriptions selects: nothing, which takes an empty changeset to say.
    Bootstrap,
    /// An acknowledgement alone.
    Acknowledgement,
    /// An acknowledgement with an empty changeset. With it the client tells its application what was refused.
    Compensation,
}

impl ServerMessage {
    /// Appends the message as clients of this version read it. `now` is in milliseconds since 1970.
    pub fn encode(&self, version: Version, now: u64, out: &mut Vec<u8>) {
        let text = match self {
            Self::Ident {
                session,
                file: FileIdent { ident, salt },
            } => format!("ident {session} {ident} {salt}\n"),
            Self::Download(download) => download.text(version, now),
            Self::Mark { session, request } => format!("mark {session} {request}\n"),
            Self::Pong { timestamp } => format!("pong {timestamp}\n"),
            Self::Unbound { session } => format!("unbound {session}\n"),
            Self::SessionError { session, error } if version.reads_json_errors() => {
                json_error(error.number(), *session, &error.body())
            }
            Self::SessionError { session, error } => {
                let try_again = error.is_to_be_tried_again();
                plain_error(error.number(), *session, try_again, error.message())
            }
            Self::ConnectionError(error) if version.reads_json_errors() => {
                json_error(error.number(), 0, &error.body())
            }
            Self::ConnectionError(error) => plain_error(error.number(), 0, true, error.message()),
            Self::QueryError {
                session,
                query,
                message,
            } => {
                let size = message.len();
                format!("query_error {BAD_QUERY} {size} {session} {query}\n{message}")
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}

impl Download {
    fn text(&self, version: Version, now: u64) -> String {
        let Self {
            session,
            server,
            client,
            upload_server,
            query,
            batch,
        } = self;
        let timestamp = now.saturating_sub(EPOCH);
        let changeset = format!("{server} {client} {timestamp} {SERVER} 0 0 ");
        let (state, body) = match batch {
            Batch::Bootstrap => (1, &*changeset),
            Batch::Acknowledgement => (2, ""),
            Batch::Compensation => (2, &*changeset),
        };
        let progress = version.complete();
        let size = body.len();
        format!(
            "download {session} {server} {client} {server} {STAMP} {client} {upload_server} {query} {state} {progress} 0 {size} 0\n{body}"
        )
    }
}

fn json_error(code: u16, session: u64, body: &str) -> String {
    let size = body.len();
    format!("json_error {code} {size} {session}\n{body}")
}

fn plain_error(code: u16, session: u64, try_again: bool, message: &str) -> String {
    let size = message.len();
    let try_again = u8::from(try_again);
    format!("error {code} {size} {try_again} {session}\n{message}")
}

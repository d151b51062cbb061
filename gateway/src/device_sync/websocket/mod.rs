//! The web socket below the protocol: frames of RFC 6455, as a server reads and writes them over a connection that has left HTTP.
//!
//! A library would read a frame into memory that it reserves by the announced length and keeps for the next one. Here memory is taken
//! as bytes arrive, from what their user may have, and goes on with the message; a connection on which nothing happens holds none. And no
//! close code is ever sent that the door has not chosen: code 1009, which libraries send for a message that is too large, makes a device
//! put its file aside.

mod mask;
mod reader;
mod writer;

pub(in crate::device_sync) use reader::{Message, Reader, Received};
pub(in crate::device_sync) use writer::Writer;

use std::io;
use std::time::Duration;

use crate::memory::NoMemory;

/// Bytes of one message as it travels. Beyond that a write transaction is refused, not the connection.
pub(super) const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Bytes of a message that are read and thrown away to refuse it by a word. Above that nobody means well.
const MAX_THROWN_AWAY: u64 = 1024 * 1024 * 1024;

/// What is kept of a message that is too large: the line that says what it is.
const HEAD: usize = 1024;

/// How long a client may be silent. Clients ask every minute whether the server is there.
pub(super) const SILENCE: Duration = Duration::from_secs(300);

/// How long the next [`PIECE`] of a message may take.
const PIECE_WAIT: Duration = Duration::from_secs(30);

/// What has to come in this time: less than the slowest link in use carries.
const PIECE: usize = 8 * 1024;

/// How long a whole message may take.
const MESSAGE_TIME: Duration = Duration::from_secs(3600);

/// How long a message waits for memory, and how often it asks. Meanwhile nothing is read, which holds the client back and costs it
/// nothing.
const MEMORY_WAIT: Duration = Duration::from_secs(10);
const MEMORY_LOOK: Duration = Duration::from_millis(100);

/// How long a client may take to fetch the next part of what it is sent.
const FETCH_WAIT: Duration = Duration::from_secs(30);

/// How a connection ends, unless the door closes it.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    /// The client has closed it between two frames.
    #[error("closed by the client")]
    Ended,
    /// It ended within a frame or a message.
    #[error("broke off within a message")]
    BrokenOff,
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No web socket sends this.
    #[error("not a web socket's: {0}")]
    Malformed(&'static str),
    #[error("a message of more than {MAX_THROWN_AWAY} bytes")]
    TooLarge,
    /// Nothing came for too long.
    #[error("silent for {} s", SILENCE.as_secs())]
    Silent,
    /// A message comes too slowly.
    #[error("a message takes too long to arrive")]
    Slow,
    /// The client does not read.
    #[error("the client does not fetch what it is sent")]
    Unfetched,
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
}

#[cfg(test)]
mod tests;

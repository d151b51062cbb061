//! Messages of the protocol of realm-core 14: a header of words and decimal numbers with single spaces between, a line feed, and a
//! body whose length the header says. Each travels in a binary websocket message of its own.

mod client;
mod header;
mod server;

pub use client::{ClientMessage, Query, UploadHeader};
pub use header::{FrameError, MAX_HEADER_BYTES};
pub use server::{Batch, Download, STAMP, ServerMessage};

/// What a client file is known by. Two with one ident and different salts are different files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileIdent {
    /// The number that a gateway gave it, 2 or more. 1 is the server itself.
    pub ident: u64,
    /// A random number, not 0.
    pub salt: i64,
}

#[cfg(test)]
mod tests;

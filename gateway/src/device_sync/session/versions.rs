//! The versions that a file and the gateway have of each other, in one binding.
//!
//! Nothing of this is persisted. A client says at each binding what it knows of the server's versions, and the gateway goes on from
//! there: so they never go down for it, whatever was restored on either side, and whichever gateway it has come to. The client's
//! version is what the client says that was acknowledged, never what the gateway thinks: a device that was restored has made fewer.
//! An acknowledgement raises it as both, what the client was sent up to and what it has uploaded; being equal is what lets the client
//! trim its history, and the next gateway know both from the one that the client tells.
//!
//! A file that App Services has served may have uploaded more than it tells, and takes an acknowledgement of less for a violation. It
//! lacks the [`STAMP`]. How far it is, its next upload says; until then nothing is sent that has a version.

use crate::device_sync::errors::SessionError;
use crate::device_sync::frames::{Batch, Download, STAMP};

/// Server versions a client can have come to. What is beyond is left for one binding.
const MAX_SERVER_VERSION: u64 = 1 << 62;

#[derive(Debug)]
pub(super) struct Versions {
    /// The server's, as last sent.
    server: u64,
    /// The client's, up to which everything is stored.
    client: u64,
    /// Whether the client's version is one that the client may be told.
    is_sure: bool,
    /// The server's that the client had integrated by then. 0 lets the client keep the one that it has.
    upload_server: u64,
    /// The subscriptions that are active.
    query: i64,
}

impl Versions {
    /// Those of a client that has integrated up to these versions of the server and itself, and has heard of a latest one with its
    /// salt.
    pub(super) fn known(
        download: (u64, u64),
        (latest, salt): (u64, i64),
        query: i64,
    ) -> Result<Self, SessionError> {
        let (server, client) = download;
        let server = server.max(latest);
        if server > MAX_SERVER_VERSION {
            return Err(SessionError::never("the file has no server versions left"));
        }
        Ok(Self {
            server,
            client,
            is_sure: server == 0 || salt == STAMP,
            upload_server: 0,
            query,
        })
    }

    /// Takes in that everything up to this progress of the client is stored.
    pub(super) fn reach(&mut self, progress: &Progress) {
        self.client = self.client.max(progress.client);
        self.is_sure = true;
        // A client cannot have more than it was sent. One that says so is told of what it was sent.
        self.upload_server = self.upload_server.max(progress.server.min(self.server));
    }

    /// Whether the client can be told of versions.
    pub(super) const fn are_sure(&self) -> bool {
        self.is_sure
    }

    /// Takes in the client's next subscriptions.
    pub(super) const fn subscribe(&mut self, query: i64) {
        self.query = query;
    }

    /// What is to be sent next. Each has a server version of its own.
    pub(super) const fn download(&mut self, session: u64, batch: Batch) -> Download {
        self.server = self.next();
        Download {
            session,
            server: self.server,
            client: self.client,
            upload_server: self.upload_server,
            query: self.query,
            batch,
        }
    }

    /// The server version of the next download.
    pub(super) const fn next(&self) -> u64 {
        self.server.saturating_add(1)
    }
}

/// How far a client says that it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) client: u64,
    pub(super) server: u64,
}

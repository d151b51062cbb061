//! What an outbox stores and gives out.

use std::sync::Arc;

use bytes::Bytes;

use super::Run;

/// A schema this outbox knows; only meaningful for the outbox that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub(crate) i64);

/// What [`Outbox::append`](super::Outbox::append) stores: one write transaction, borrowed from the caller.
#[derive(Debug, Clone, Copy)]
pub struct WriteTransaction<'a> {
    /// The schema the documents were written under.
    pub schema: SchemaId,
    /// The classes of the documents, in payload order.
    pub runs: &'a [Run],
    /// The documents back to back, in run order.
    pub payload: &'a [u8],
}

/// How the payload of a [`Row`] is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As the application gave it.
    Identity,
    /// One zstd frame that states its content size.
    Zstd,
}

/// One stored write transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the outbox; the first row ever has 1.
    pub seq: i64,
    /// The schema it was written under.
    pub schema: SchemaId,
    /// The classes of its documents, in payload order.
    pub runs: Arc<[Run]>,
    /// Its documents, of all runs.
    pub objects: u64,
    /// The size of its documents before compression.
    pub bytes: u64,
    /// How `payload` is stored.
    pub codec: Codec,
    /// The documents, encoded as `codec` says.
    pub payload: Bytes,
}

/// The most rows of a [`Lease`]. In memory a small one takes several times its own size; so many of them take some MiB,
/// and are enough to make a round trip cheap.
pub(crate) const MAX_LEASE_ROWS: usize = 32 * 1024;

/// Consecutive rows given out for sending. Giving them out changes nothing: they stay until they
/// are settled, so a process that dies with a lease loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Oldest first, at least one.
    pub rows: Vec<Row>,
}

impl Lease {
    /// The sequence number of the oldest row (0 without rows).
    pub fn first_seq(&self) -> i64 {
        self.rows.first().map_or(0, |row| row.seq)
    }

    /// The sequence number of the newest row (0 without rows).
    pub fn last_seq(&self) -> i64 {
        self.rows.last().map_or(0, |row| row.seq)
    }
}

/// What waits in an outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Rows.
    pub transactions: u64,
    /// Documents in them.
    pub objects: u64,
    /// Their size before compression.
    pub bytes: u64,
}

impl Pending {
    /// Of two outboxes.
    pub(crate) fn with(&self, other: &Pending) -> Pending {
        Pending {
            transactions: self.transactions.saturating_add(other.transactions),
            objects: self.objects.saturating_add(other.objects),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// A schema as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSchema {
    /// Its fingerprint, as the wire names it.
    pub fingerprint: String,
    /// Its JSON text; empty if damage took it, until it is registered again.
    pub json: String,
}

/// Where the rows of an outbox come from, as a batch of them says it to the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name the gateway knows this outbox by: 32 lower-case hex digits.
    pub identity: String,
    /// 32 lower-case hex digits, drawn anew whenever rows are settled and with each new identity: what
    /// a copy of the file sends after that is told from what this one sends (invariant 4).
    pub lineage: String,
    /// The highest number settled under this identity, 0 before the first.
    pub acked: i64,
}

/// Whose rows an outbox holds. Who may open it is not decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The id of the client app.
    pub app: String,
    /// The id that the server gave the user.
    pub user: String,
    /// How the user logs in: `anon-user`, or the provider, a colon and the SHA-256 of the login name
    /// in hex; empty where that is not known.
    pub principal: String,
}

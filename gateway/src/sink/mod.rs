//! Where documents go. A sink answers once they are durable there, and not before.

pub mod embedded;

use realm_ingest_protocol::BatchHeader;

use crate::body::Budget;
use crate::refusals::Refusals;
use crate::storage::Answer;
use crate::verdicts::Verdicts;

/// First half of the SHA-256 of a transaction's documents.
pub type Digest = [u8; 16];

/// A batch that was read to its end and checked.
pub struct Batch {
    /// The batch as it was sent, after decompression.
    pub body: Vec<u8>,
    /// Its header: which outbox and lineage it comes from, and its numbers.
    pub header: BatchHeader,
    /// Digest of its first transaction, which tells two transactions of one number apart.
    pub digest: Digest,
    /// User who sent it.
    pub user: String,
    /// Milliseconds since 1970 when it arrived.
    pub received: i64,
    /// Which documents the checks refuse. They become dead letters.
    pub verdicts: Verdicts,
    /// Memory the batch is accounted for; given back when the batch is gone.
    pub budget: Budget,
}

/// A store for documents.
pub trait Sink: Send + Sync {
    /// Stores the batch as a whole: documents, dead letters and the outbox's position together. Sent again,
    /// it changes nothing and is answered as before. The answer is every refusal, in the order of the batch:
    /// those of the checks and those found on storing.
    ///
    /// Fails with [`crate::storage::StorageError::MemoryInUse`] when there is no memory for them at present, and with
    /// [`crate::storage::StorageError::OutboxCopied`] when another file has used these sequence numbers under this
    /// outbox's name.
    fn insert(&self, batch: Batch) -> Answer<'_, Refusals>;

    /// Highest sequence number ever stored for this outbox, 0 if it is not known.
    fn position(&self, outbox: &str) -> Answer<'_, i64>;

    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;
}

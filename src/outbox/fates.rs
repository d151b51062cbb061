//! What became of write transactions, and what the gateway answered for them.

use super::Pending;

/// How many refused objects an outbox keeps at most, of all transactions. More in one settlement are not worth to be
/// handed over.
pub(crate) const KEPT_REFUSED: usize = 4096;

/// What an outbox says of a write transaction by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in the file, and leaves once the gateway has answered for it.
    Waiting,
    /// The gateway has stored all of it.
    Persisted,
    /// The gateway has refused some or all of its objects for good.
    Refused(Refusals),
    /// It made room under the cap.
    Dropped,
    /// It could not be read of a damaged file.
    Damaged,
    /// The number was never given out by this file, or the record does not say.
    Unknown,
}

/// The objects of one write transaction that the gateway refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Those that are known, by their place in the transaction.
    pub objects: Vec<RefusedObject>,
    /// They are all: every other object of the transaction is stored.
    pub complete: bool,
}

/// One object that the gateway refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedObject {
    /// Its place in its transaction, from 0.
    pub index: u32,
    /// Its class.
    pub class: String,
    /// Its `_id` as canonical Extended JSON; `null` where it had none that can be read.
    pub primary_key: String,
    /// Why, in the gateway's words.
    pub reason: String,
}

/// What the gateway answered for the rows `first..=through`.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// The oldest row that it speaks of.
    pub first: i64,
    /// The newest one.
    pub through: i64,
    /// Whether the rows may leave. Otherwise what is refused is noted, and they stay.
    pub leave: bool,
    /// Refused objects with the sequence number of their transaction, in order; as many as are kept.
    pub refused: Vec<(i64, RefusedObject)>,
    /// Transactions of which not all is known that was refused, oldest first.
    pub doubts: Vec<(i64, Doubt)>,
    /// How many objects were refused since rows left last.
    pub refused_objects: u64,
    /// Bytes that were given to the network since rows left last.
    pub sent_bytes: u64,
}

/// What is not known of a transaction after the gateway's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Some of its objects were refused, and the answer does not say which, or not of all.
    Unlisted,
    /// Objects were refused that may be of this transaction or of another.
    Unsure,
}

/// What an outbox has seen since it was made. Constant time to ask, whatever the backlog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What waits.
    pub waiting: Pending,
    /// When the oldest row that waits was written, in milliseconds since 1970 by the clock of then.
    pub waiting_since: Option<i64>,
    /// What the cap took.
    pub dropped: Pending,
    /// Transactions that could not be read of a damaged file, as far as they left a trace.
    pub damaged: u64,
    /// Objects that the gateway refused.
    pub refused_objects: u64,
    /// Objects of the transactions that the gateway has answered for, the refused ones too.
    pub sent_objects: u64,
    /// Bytes of batches that were given to the network, as they went.
    pub sent_bytes: u64,
    /// When rows left last, in milliseconds since 1970 by the clock of then.
    pub acknowledged: Option<i64>,
    /// Objects that left since nothing waited last.
    pub round_objects: u64,
}

impl Tally {
    /// Of two outboxes as one.
    pub(crate) fn with(&self, other: &Tally) -> Tally {
        let since = [self.waiting_since, other.waiting_since];
        Tally {
            waiting: self.waiting.with(&other.waiting),
            waiting_since: since.into_iter().flatten().min(),
            dropped: self.dropped.with(&other.dropped),
            damaged: self.damaged.saturating_add(other.damaged),
            refused_objects: self.refused_objects.saturating_add(other.refused_objects),
            sent_objects: self.sent_objects.saturating_add(other.sent_objects),
            sent_bytes: self.sent_bytes.saturating_add(other.sent_bytes),
            acknowledged: self.acknowledged.max(other.acknowledged),
            round_objects: self.round_objects.saturating_add(other.round_objects),
        }
    }
}

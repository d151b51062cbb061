//! What an outbox says of rows that were taken away without having been settled.

use std::fmt;

/// A range of sequence numbers whose rows were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first of them.
    pub first: i64,
    /// The last of them.
    pub last: i64,
    /// What took them.
    pub reason: LossReason,
}

/// Why rows were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossReason {
    /// The cap's policy dropped them, before or after they were stored.
    Dropped,
    /// They could not be read of a damaged file.
    Damaged,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (first, last) if first == last => write!(f, "write transaction {first} "),
            (first, i64::MAX) => write!(f, "the write transactions from {first} on "),
            (first, last) => write!(f, "the write transactions {first} to {last} "),
        }?;
        let one = self.first == self.last;
        match self.reason {
            LossReason::Dropped if one => f.write_str("was dropped to stay under the cap of the outbox"),
            LossReason::Dropped => f.write_str("were dropped to stay under the cap of the outbox"),
            LossReason::Damaged => f.write_str("could not be read of the damaged outbox"),
        }
    }
}

/// A moment in the life of an outbox, for telling what was taken away since. Only meaningful for the
/// object that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossMark {
    /// The last entry on record at the time.
    pub(crate) entry: i64,
    /// The oldest row at the time, or the next one if there was none.
    pub(crate) oldest: i64,
}

//! One round: as many transactions as are stored together.

use crate::device_sync::file::failure::Ending;
use crate::device_sync::file::resolve::Question;
use crate::ingest::Transaction;
use crate::memory::Budget;

/// Bytes of changesets after which a round ends.
const ROUND_INPUT: usize = 8 * 1024 * 1024;

/// Changesets after which a round ends, whatever becomes of them.
pub(super) const ROUND_CHANGESETS: u32 = 10_000;

/// Bytes of documents after which a round ends.
const ROUND_BYTES: usize = 8 * 1024 * 1024;

/// Documents after which a round ends.
const ROUND_DOCUMENTS: u64 = 100_000;

/// Some transactions of one schema.
pub(in crate::device_sync::file) struct Round {
    pub transactions: Vec<Transaction>,
    /// What accounts for them.
    pub memory: Budget,
    pub documents: u64,
    pub bytes: usize,
    /// Changesets that were decoded, and their bytes.
    pub(super) changesets: u32,
    pub(super) input: usize,
    /// Instructions for objects that are not of these transactions.
    pub skipped: u64,
    /// Milliseconds since 1970 by the device's clock when the first and the last of them were made.
    pub made: Option<(i64, i64)>,
    /// The version from which on the classes are those of the decoder.
    pub changed: Option<u64>,
    /// Progress of the last upload that ends in it.
    pub settled: Option<u64>,
    pub end: End,
}

/// Why a round ends.
pub(in crate::device_sync::file) enum End {
    /// Everything is decoded.
    Done,
    /// There is more.
    More,
    /// The next changeset has objects of classes of which not all is known.
    Unknown(Question),
    /// The next changeset, or the upload, cannot be taken.
    Failed(Ending),
}

impl Round {
    pub(super) fn new(memory: Budget) -> Self {
        Self {
            transactions: Vec::new(),
            memory,
            documents: 0,
            bytes: 0,
            changesets: 0,
            input: 0,
            skipped: 0,
            made: None,
            changed: None,
            settled: None,
            end: End::More,
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= ROUND_BYTES
            || self.documents >= ROUND_DOCUMENTS
            || self.input >= ROUND_INPUT
            || self.changesets >= ROUND_CHANGESETS
    }
}

//! The outbox: write transactions wait here, on disk, until the gateway has answered for them.
//!
//! One write transaction is one row. The outbox has not heard of BSON, of C++ or of HTTP: it keeps
//! bytes in order, says what is still pending, and gives each row out until it is settled.
//!
//! Promises, numbered so that tests can cite them:
//!
//! 1. [`Outbox::append`] returns only after its commit is on stable storage. Relaxed durability is
//!    an explicit choice: it may lose the last moments on power loss, never on a process crash.
//! 2. A transaction is all or nothing.
//! 3. A row leaves only by [`Outbox::settle`], that is after the gateway has answered for it (or by
//!    [`Policy::DropOldest`], when the application chose that; each drop is counted and reported).
//!    [`Policy::DropNewest`] lets no row in, and is counted and reported the same way.
//! 4. A sequence number never repeats for an outbox identity, also across restarts and restored
//!    backups: the identity changes when the file is seen to have gone back. Where that cannot be
//!    seen, the lineage tells the copies of a file apart once rows have left either of them.
//! 5. Two threads or two processes can write one outbox; one uploader at a time drains it. A process
//!    made by fork cannot use the outbox of its parent, and is told so.
//! 6. A file that is damaged is moved aside and reported, never deleted; what can be read of it is
//!    carried over, whichever call met the damage. A full disk fails the write with a clear error and
//!    harms nothing already stored.
//! 7. What was taken away without having been settled is on record: [`Outbox::losses`].
//! 8. With a [`Key`] nothing that an application gave is readable on the disk at any time, a changed or moved value is
//!    told as damage, and another key is refused when the file is opened, with nothing changed (`seal.rs`).
//! 9. [`Outbox::fate`] says nothing of a number that is not so. A transaction whose row is there waits; every way in which
//!    a row can go other than by an acknowledgement without refusals is on record, in the transaction in which it goes; so
//!    what is neither there nor on record was persisted. The record is bounded. What it has no room for is given up from
//!    the oldest number on, by raising the number from which on it is complete; below that one the answer is
//!    [`Fate::Unknown`] for all that does not wait. Of refused objects the details go first; that there were some is known
//!    longer. Where the numbers of a file could be given out twice, the second time they have another mark ([`Number`]).
//!    What no record can see: a power cut under relaxed durability, and a file that was put back in place of its newer
//!    self, until that is noticed; numbers given out in between are given out again.
//!
//! Rows are numbered without gaps between the oldest and the newest: rows are given the next
//! number, and leave from the old end only. The counters of [`Outbox::pending`] rest on that. (Rows
//! that damage took, and writes that [`Policy::DropNewest`] dropped, leave a gap, and count as transactions
//! while older ones wait.)

mod error;
mod fates;
mod losses;
#[cfg(test)]
mod memory;
mod number;
mod options;
mod seal;
pub(crate) mod sqlite;
mod stored;

use std::path::PathBuf;

pub use error::{Error, Result};
pub(crate) use fates::KEPT_REFUSED;
pub use fates::{Doubt, Fate, Refusals, RefusedObject, Settlement, Tally};
pub use losses::{Loss, LossMark, LossReason};
#[cfg(test)]
pub(crate) use memory::MemoryOutbox;
pub use number::Number;
pub use options::{
    Cap, CapLimit, DropHandler, Durability, Options, Policy, RecoverHandler, Recovered, RecoveredReason,
    Salvaged,
};
pub use realm_ingest_protocol::MAX_TRANSACTION_BYTES;
pub use realm_ingest_protocol::batch::Run;
pub use seal::{KEY_BYTES, Key};
use sqlite::Lock;
pub(crate) use sqlite::{
    Footprint, Glance, delete, footprint, give, glance, is_drained, is_outbox, path_of, real_path,
};
pub use sqlite::{SqliteOutbox, rekey};
pub(crate) use stored::MAX_LEASE_ROWS;
pub use stored::{Codec, Lease, Origin, Owner, Pending, Row, SchemaId, StoredSchema, WriteTransaction};

/// The right to drain an outbox; dropping it gives the right back, and so does the end of the
/// process.
#[derive(Debug)]
pub struct UploaderGuard(#[expect(dead_code, reason = "it is held, not used")] Hold);

#[derive(Debug)]
#[expect(dead_code, reason = "they are held, not used")]
enum Hold {
    OfFile(Lock),
    #[cfg(test)]
    OfMemory(memory::Right),
}

/// A durable queue of write transactions. Every method may be called from any thread, and may wait
/// for the disk: keep them off async tasks.
///
/// Beside the errors named below every method can fail with [`Error::Corrupt`], when the file is
/// damaged and cannot be replaced for now (invariant 6), and with [`Error::ForeignProcess`].
pub trait Outbox: Send + Sync {
    /// Where the rows come from, as the file says it now: another process may have changed it. What is
    /// returned is on the disk: sent under a lineage that power loss undid, rows would be taken for those
    /// of a copy.
    ///
    /// # Errors
    /// The file could not be read, or not be synced.
    fn origin(&self) -> Result<Origin>;

    /// Gives the outbox a new identity, of which nothing is settled, and returns it. Rows keep their
    /// numbers. For the uploader, when the gateway has acknowledged what this file never gave out, or
    /// knows another file under the identity: this one is a copy (invariant 4).
    ///
    /// # Errors
    /// The change could not be stored; the former identity stays.
    fn renew_identity(&self) -> Result<String>;

    /// Whose rows these are; `None` until it was set.
    ///
    /// # Errors
    /// The file could not be read.
    fn owner(&self) -> Result<Option<Owner>>;

    /// Notes whose rows these are.
    ///
    /// # Errors
    /// The change could not be stored.
    fn set_owner(&self, owner: &Owner) -> Result<()>;

    /// Notes whose rows these are, unless that is known: then nothing changes. Returns whose they are.
    ///
    /// # Errors
    /// The change could not be stored.
    fn set_first_owner(&self, owner: &Owner) -> Result<Owner>;

    /// Stores a schema, or finds it if the fingerprint is known.
    ///
    /// # Errors
    /// The schema could not be stored.
    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId>;

    /// The schema of that id.
    ///
    /// # Errors
    /// [`Error::UnknownSchema`], or the file could not be read.
    fn schema(&self, id: SchemaId) -> Result<StoredSchema>;

    /// Stores one write transaction and returns its number. Threads that store at the same time share one
    /// commit, and get a number each. Under [`Policy::DropNewest`] the number may be one that is on record as
    /// dropped.
    ///
    /// # Errors
    /// Nothing was stored. [`Error::TooLarge`], [`Error::NoDocuments`] and
    /// [`Error::UnknownSchema`] before anything was written; [`Error::CapReached`],
    /// [`Error::DiskFull`] and [`Error::Locked`] when it could succeed later.
    fn store(&self, transaction: &WriteTransaction<'_>) -> Result<Number>;

    /// As [`Outbox::store`], for the sequence number alone.
    ///
    /// # Errors
    /// Those of [`Outbox::store`].
    fn append(&self, transaction: &WriteTransaction<'_>) -> Result<i64> {
        self.store(transaction).map(Number::seq)
    }

    /// The oldest rows with a sequence number over `after`: at least one, then as many as fit in
    /// `max_bytes` before compression, and some thousands at most. `None` when there is none.
    ///
    /// # Errors
    /// The rows could not be read.
    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>>;

    /// The first part of [`Outbox::conclude`] for rows that may leave: when it returns, what follows them can be sent. They
    /// count as waiting until they are gone, but are not given out again. `conclude` lets them leave, or whoever opens the
    /// file or becomes its uploader next.
    ///
    /// # Errors
    /// Nothing was noted; they will be given out again.
    fn acknowledge(&self, identity: &str, settlement: &Settlement) -> Result<bool>;

    /// Takes note of what the gateway answered for rows as sent under `identity`, in place of what it
    /// answered for them before, and lets all rows up to there leave if they may, in one transaction. Draws
    /// a new lineage if any leave. Nothing is done, and false returned, if the outbox goes under another
    /// identity by now: its numbers may stand for other rows (invariants 3 and 4).
    ///
    /// # Errors
    /// Nothing was noted and no row has left; they will be given out again, unless they were acknowledged.
    fn conclude(&self, identity: &str, settlement: &Settlement) -> Result<bool>;

    /// As [`Outbox::conclude`], of rows up to `through` without a refusal.
    ///
    /// # Errors
    /// Those of [`Outbox::conclude`].
    fn settle(&self, identity: &str, through: i64) -> Result<bool> {
        let all = Settlement {
            // What was noted before stays.
            first: through.saturating_add(1),
            through,
            leave: true,
            ..Settlement::default()
        };
        self.conclude(identity, &all)
    }

    /// What became of a write transaction (invariant 9). One that `is_acknowledged` counts as left, also if it is
    /// there or was dropped since: the uploader knows that the gateway has answered for it, what was refused of it is
    /// noted, and the rest the file does not know yet.
    ///
    /// # Errors
    /// The file could not be read.
    fn fate(&self, number: Number, is_acknowledged: bool) -> Result<Fate>;

    /// What waits, and what was counted since the outbox was made, as one moment has it.
    ///
    /// # Errors
    /// The file could not be read.
    fn tally(&self) -> Result<Tally>;

    /// The sequence number of the oldest row that waits.
    ///
    /// # Errors
    /// The file could not be read.
    fn oldest(&self) -> Result<Option<i64>>;

    /// A mark to ask [`Outbox::losses`] about what is taken away from now on.
    ///
    /// # Errors
    /// The file could not be read.
    fn loss_mark(&self) -> Result<LossMark>;

    /// The rows up to `through` that were there at the mark and were taken away since without having
    /// been settled, oldest first (invariant 7). Beyond some hundred gaps the record is coarser: ranges
    /// then include rows between them that were settled.
    ///
    /// # Errors
    /// The file could not be read.
    fn losses(&self, after: LossMark, through: i64) -> Result<Vec<Loss>>;

    /// The highest sequence number ever given out, 0 before the first.
    ///
    /// # Errors
    /// The file could not be read.
    fn last_seq(&self) -> Result<i64>;

    /// The number of the newest row that waits, 0 when nothing waits. What was dropped behind it is not it.
    ///
    /// # Errors
    /// The file could not be read.
    fn newest_waiting(&self) -> Result<i64>;

    /// What waits. Constant time, whatever the backlog.
    ///
    /// # Errors
    /// The file could not be read.
    fn pending(&self) -> Result<Pending>;

    /// When the oldest row that waits was written, in milliseconds since 1970 by the clock of then; none when nothing waits.
    ///
    /// # Errors
    /// The file could not be read.
    fn waiting_since(&self) -> Result<Option<i64>>;

    /// Whether any row up to `seq` waits.
    ///
    /// # Errors
    /// The file could not be read.
    fn pending_through(&self, seq: i64) -> Result<bool> {
        Ok(self.oldest()?.is_some_and(|oldest| oldest <= seq))
    }

    /// A number that changes when someone else wrote, another process included; for noticing rows
    /// that no notification in this process announced. It may change more often than that.
    ///
    /// # Errors
    /// The file could not be read.
    fn version(&self) -> Result<i64>;

    /// As [`Outbox::version`], once the writes that have begun are done. What is not in it yet changes
    /// [`Outbox::watched_file`] later.
    ///
    /// # Errors
    /// The file could not be read; [`Error::Locked`] while a write lasts very long.
    fn version_at_rest(&self) -> Result<i64> {
        self.version()
    }

    /// Whether this is the key it was opened with; none stands for an outbox that is not encrypted.
    fn is_opened_with(&self, key: Option<&Key>) -> bool {
        key.is_none()
    }

    /// The file that changes with every write, of this or of another process, for watching it. `None`
    /// where there is none.
    fn watched_file(&self) -> Option<PathBuf> {
        None
    }

    /// Gives unused space back to the file system. For after a drain; cheap when there is little
    /// to give back.
    ///
    /// # Errors
    /// The file could not be written; nothing stored is harmed.
    fn compact(&self) -> Result<()>;

    /// Whether what waits is sent only by who opens the outbox for an application, which has a policy that says when, or how
    /// fast.
    ///
    /// # Errors
    /// The file could not be read.
    fn is_guarded(&self) -> Result<bool> {
        Ok(false)
    }

    /// Notes it.
    ///
    /// # Errors
    /// The change could not be stored.
    fn set_guarded(&self, _guarded: bool) -> Result<()> {
        Ok(())
    }

    /// One bounded step of packing rows that have waited for a while; whether there is more to do.
    ///
    /// # Errors
    /// The file could not be written; nothing stored is harmed.
    fn tidy(&self) -> Result<bool> {
        Ok(false)
    }

    /// The right to drain this outbox, or `None` while another uploader, of this or of another
    /// process, has it.
    ///
    /// # Errors
    /// The lock could not be tried.
    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>>;
}

/// Refuses what no outbox stores, before anything is touched: a transaction over the limit could
/// never leave, and one without documents would only hold up those that wait for it.
fn check(transaction: &WriteTransaction<'_>) -> Result<()> {
    let bytes = transaction.payload.len() as u64;
    if bytes > MAX_TRANSACTION_BYTES {
        return Err(Error::TooLarge {
            bytes,
            limit: MAX_TRANSACTION_BYTES,
        });
    }
    // No document is empty.
    let fits = (1..=bytes).contains(&objects(transaction.runs));
    if !fits || transaction.runs.iter().any(|run| run.count == 0) {
        return Err(Error::NoDocuments);
    }
    Ok(())
}

fn objects(runs: &[Run]) -> u64 {
    runs.iter().map(|run| u64::from(run.count)).sum()
}

/// A fresh identity or lineage: random enough that no two outboxes meet at a gateway.
fn new_identity() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

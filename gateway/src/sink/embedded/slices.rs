//! Stores a long batch in slices, each in a transaction of its own, and gives others a turn between any two. The steps are
//! those of every sink, in their order, and each may be repeated: what a crash leaves is there when the batch is sent again.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::letters::{Added, Letters};
use super::positions::{self, Positions};
use super::worker::Worker;
use super::writer::Writer;
use crate::backend::BackendError;
use crate::ingest::order::Order;
use crate::ingest::{Batch, Refusals};
use crate::sink::{Outcome, Unkept};

/// Documents or dead letters of a slice: a tenth of a second. A batch that has no more is stored in one.
pub(super) const SLICE: usize = 20_000;

/// Stores the batch. What its device says of itself is kept when it is not taken, too.
pub(super) fn store(worker: &mut Worker<'_>, batch: &Batch) -> Result<Outcome, BackendError> {
    let outcome = steps(worker, batch)?;
    if !outcome.is_stored() {
        positions::heard(&worker.connection, batch, false)?;
    }
    Ok(outcome)
}

fn steps(worker: &mut Worker<'_>, batch: &Batch) -> Result<Outcome, BackendError> {
    match Positions::new(&worker.connection)?.decide(batch)? {
        Order::Take { .. } => {}
        Order::Copied => return Ok(Outcome::Copied),
        Order::Hole { position } => return Ok(Outcome::Hole { position }),
    }
    // Before anything is written, as far as it is known by then.
    if let Some(unkept) = check(worker, batch, &batch.none_found())? {
        return Ok(unkept.into());
    }
    let found = documents(worker, batch)?;
    if !found.is_empty()
        && let Some(unkept) = check(worker, batch, &found)?
    {
        return Ok(unkept.into());
    }
    if let Some(unkept) = letters(worker, batch, &found)? {
        return Ok(unkept.into());
    }
    position(&mut worker.connection, batch, found)
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// What is against the letters of the batch, those that were `found` included. Writes nothing.
fn check(worker: &mut Worker<'_>, batch: &Batch, found: &Refusals) -> Result<Option<Unkept>, BackendError> {
    let mut all = batch.letters(found).peekable();
    let mut added = Added::default();
    while all.peek().is_some() {
        let mut letters = Letters::new(&worker.connection, worker.quota, batch)?;
        for letter in all.by_ref().take(SLICE) {
            if let Some(unkept) = letters.add(&letter, &mut added)? {
                return Ok(Some(unkept));
            }
        }
        drop(letters);
        worker.others();
    }
    let letters = Letters::new(&worker.connection, worker.quota, batch)?;
    Ok(letters.exceeded_by(&added).map(Unkept::Full))
}

/// Stores the documents. The answer is those that differ from a stored one with their `_id`.
fn documents(worker: &mut Worker<'_>, batch: &Batch) -> Result<Refusals, BackendError> {
    let mut all = batch.documents().peekable();
    let mut found = batch.none_found();
    while all.peek().is_some() {
        let transaction = begin(&mut worker.connection)?;
        let mut writer = Writer::new(&transaction)?;
        writer.documents(all.by_ref().take(SLICE), &mut found)?;
        writer.finish()?;
        transaction.commit()?;
        worker.others();
    }
    Ok(found)
}

/// Keeps the letters; the answer is what is against that.
fn letters(worker: &mut Worker<'_>, batch: &Batch, found: &Refusals) -> Result<Option<Unkept>, BackendError> {
    let mut all = batch.letters(found).peekable();
    while all.peek().is_some() {
        let transaction = begin(&mut worker.connection)?;
        let mut letters = Letters::new(&transaction, worker.quota, batch)?;
        for letter in all.by_ref().take(SLICE) {
            if let Some(unkept) = letters.keep_one(&letter)? {
                return Ok(Some(unkept));
            }
        }
        drop(letters);
        transaction.commit()?;
        worker.others();
    }
    Ok(None)
}

/// Moves the position, if nobody else has moved it meanwhile so that the batch is not to be taken.
fn position(connection: &mut Connection, batch: &Batch, found: Refusals) -> Result<Outcome, BackendError> {
    let transaction = begin(connection)?;
    let mut positions = Positions::new(&transaction)?;
    let outcome = match positions.decide(batch)? {
        Order::Take { known, setback } => {
            positions.advance(batch, &known, setback)?;
            Outcome::Stored {
                found,
                position: known.position,
            }
        }
        Order::Copied => Outcome::Copied,
        Order::Hole { position } => Outcome::Hole { position },
    };
    drop(positions);
    transaction.commit()?;
    Ok(outcome)
}

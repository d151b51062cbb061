//! What became of a write transaction (invariant 9). A handful of look-ups, whatever the backlog.

use rusqlite::{Connection, OptionalExtension, Result};

use super::epochs::{self, Place};
use super::{answers, ledger, meta, rows};
use crate::outbox::seal::Seal;
use crate::outbox::{Fate, LossReason, Number};

pub(super) fn of(
    connection: &Connection,
    seal: &Seal,
    number: Number,
    is_acknowledged: bool,
) -> Result<Fate> {
    let seq = number.seq();
    if !rows::is_seq(seq) {
        return Ok(Fate::Unknown);
    }
    // One view of the file for all statements.
    let view = connection.unchecked_transaction()?;
    match epochs::place(&view, number)? {
        Place::Here => {}
        Place::Lost => return Ok(Fate::Damaged),
        Place::Elsewhere => return Ok(Fate::Unknown),
    }
    if is_there(&view, seq)? {
        // A settled one is about to leave.
        if !is_acknowledged && seq > meta::acked(&view)? {
            return Ok(Fate::Waiting);
        }
        return answers::of(&view, seal, seq);
    }
    if seq > rows::last_seq(&view)? || seq < meta::known_from(&view)? {
        return Ok(Fate::Unknown);
    }
    if is_acknowledged {
        // Whatever took the row later took nothing from the gateway.
        return answers::of(&view, seal, seq);
    }
    match ledger::reason(&view, seq)? {
        Some(LossReason::Dropped) => Ok(Fate::Dropped),
        Some(LossReason::Damaged) => Ok(Fate::Damaged),
        None => answers::of(&view, seal, seq),
    }
}

/// Whether the row of the transaction is there, or a pack with it.
fn is_there(connection: &Connection, seq: i64) -> Result<bool> {
    let first = connection
        .prepare_cached("SELECT coalesce(first, seq) FROM tx WHERE seq >= ?1 ORDER BY seq LIMIT 1")?
        .query_row([seq], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(first.is_some_and(|first| first <= seq))
}

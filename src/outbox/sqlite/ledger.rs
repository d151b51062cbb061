//! The statements on `loss`: the record of rows that were taken away without having been settled
//! (invariant 7).
//!
//! An entry is written in the transaction that takes the rows away. Rows dropped one after the other
//! lengthen one entry, which then counts as new: its `id` is the greatest at the time of its last
//! change.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::meta;
use super::rows::{MAX_SEQ, not_as_written};
use crate::outbox::{Loss, LossMark, LossReason};

/// Entries kept. Beyond it the two oldest become one, so that a wait may be told of more than was lost,
/// never of less. So many gaps within one wait take a full outbox that is drained and refilled as often.
const KEEP: i64 = 256;

/// The number of a reason in the file. Numbers are never reused.
fn reason_number(reason: LossReason) -> i64 {
    match reason {
        LossReason::Dropped => 0,
        LossReason::Damaged => 1,
    }
}

fn reason_of(number: i64) -> LossReason {
    match number {
        0 => LossReason::Dropped,
        _ => LossReason::Damaged,
    }
}

/// Notes a loss under an id over `above`, and over all that are there.
pub(super) fn add(connection: &Connection, loss: &Loss, above: i64) -> Result<()> {
    let lengthened = connection
        .prepare_cached(
            "UPDATE loss SET id = max(id, ?4) + 1, last = ?2
             WHERE id = (SELECT max(id) FROM loss) AND last = ?1 - 1 AND reason = ?3 AND reason = 0",
        )?
        .execute(params![loss.first, loss.last, reason_number(loss.reason), above])?;
    if lengthened == 0 {
        connection
            .prepare_cached(
                "INSERT INTO loss VALUES (max(coalesce((SELECT max(id) FROM loss), 0), ?4) + 1, ?1, ?2, ?3)",
            )?
            .execute(params![loss.first, loss.last, reason_number(loss.reason), above])?;
        merge_oldest(connection)?;
    }
    Ok(())
}

fn merge_oldest(connection: &Connection) -> Result<()> {
    let entries: i64 = connection.query_row("SELECT count(*) FROM loss", [], |row| row.get(0))?;
    if entries <= KEEP {
        return Ok(());
    }
    let (id, loss) = connection.query_row(
        "SELECT first, last, reason, id FROM loss ORDER BY id LIMIT 1",
        [],
        |row| Ok((row.get::<_, i64>(3)?, entry(row)?)),
    )?;
    connection.execute("DELETE FROM loss WHERE id = ?1", [id])?;
    let next: i64 =
        connection.query_row("SELECT last FROM loss ORDER BY id LIMIT 1", [], |row| row.get(0))?;
    // From here on the entry says of more than was lost that it was. Without an end it says nothing of a number.
    for last in [loss.last, next] {
        if last < i64::MAX {
            meta::raise_known_from(connection, last + 1)?;
        }
    }
    connection
        .execute(
            "UPDATE loss SET first = min(first, ?1), last = max(last, ?2), reason = max(reason, ?3)
             WHERE id = (SELECT min(id) FROM loss)",
            params![loss.first, loss.last, reason_number(loss.reason)],
        )
        .map(|_| ())
}

/// The highest number of a row that was lost, 0 if there is none. One that was dropped at once has left no other trace,
/// and must not be given out again; its entry may have become one with that of damage.
pub(super) fn last_lost(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(max(last), 0) FROM loss WHERE last BETWEEN 1 AND ?1")?
        .query_row([MAX_SEQ], |row| row.get(0))
}

pub(super) fn mark(connection: &Connection) -> Result<LossMark> {
    connection
        .prepare_cached(
            "SELECT coalesce((SELECT max(id) FROM loss), 0),
                    coalesce((SELECT coalesce(first, seq) FROM tx ORDER BY seq LIMIT 1),
                             (SELECT high_seq + 1 FROM meta))",
        )?
        .query_row([], |row| {
            Ok(LossMark {
                entry: row.get(0)?,
                oldest: row.get(1)?,
            })
        })
}

/// What was taken away since the mark, of the rows from the oldest at the mark to `through`.
pub(super) fn since(connection: &Connection, mark: LossMark, through: i64) -> Result<Vec<Loss>> {
    connection
        .prepare_cached(
            "SELECT max(first, ?2) AS first, min(last, ?3), reason FROM loss
             WHERE id > ?1 AND last >= ?2 AND loss.first <= ?3 AND ?2 <= ?3 ORDER BY first",
        )?
        .query_map(params![mark.entry, mark.oldest, through], entry)?
        .collect()
}

/// What took the transaction away. An entry without an end is of numbers that were given another mark since
/// (`epochs.rs`), and so not of this one.
pub(super) fn reason(connection: &Connection, seq: i64) -> Result<Option<LossReason>> {
    connection
        .prepare_cached(
            "SELECT reason FROM loss WHERE first <= ?1 AND last >= ?1 AND last < ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([seq, i64::MAX], |row| row.get(0).map(reason_of))
        .optional()
}

/// Whether all of these numbers are on record.
pub(super) fn has(connection: &Connection, first: i64, last: i64) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last, reason FROM loss WHERE last >= ?1 AND first <= ?2 ORDER BY first",
    )?;
    let mut found = statement.query([first, last])?;
    let mut next = first;
    while let Some(row) = found.next()? {
        let loss = entry(row)?;
        if loss.first > next {
            break;
        }
        next = next.max(loss.last.saturating_add(1));
    }
    Ok(next > last)
}

/// All entries with their ids, for another file.
pub(super) fn entries(connection: &Connection) -> Result<Vec<(i64, Loss)>> {
    let entries: Vec<(i64, Loss)> = connection
        .prepare("SELECT first, last, reason, id FROM loss ORDER BY id")?
        .query_map([], |row| Ok((row.get(3)?, entry(row)?)))?
        .collect::<Result<_>>()?;
    if !entries.is_sorted_by(|(before, _), (next, _)| before < next) {
        return Err(not_as_written("the record of losses"));
    }
    Ok(entries)
}

/// Stores an entry of another file under the id it had there.
pub(super) fn adopt(connection: &Connection, id: i64, loss: &Loss) -> Result<()> {
    connection
        .execute(
            "INSERT INTO loss VALUES (?1, ?2, ?3, ?4)",
            params![id, loss.first, loss.last, reason_number(loss.reason)],
        )
        .map(|_| ())
}

/// From the columns first, last, reason.
fn entry(row: &rusqlite::Row<'_>) -> Result<Loss> {
    Ok(Loss {
        first: row.get(0)?,
        last: row.get(1)?,
        reason: reason_of(row.get(2)?),
    })
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::outbox::sqlite::schema;

    #[test]
    fn a_record_that_grows_long_becomes_coarser_and_forgets_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create_tables(&connection).unwrap();
        let lost = |seq, reason| Loss {
            first: seq,
            last: seq,
            reason,
        };
        let mark = LossMark { entry: 0, oldest: 1 };
        for number in 0..3 * KEEP {
            let reason = if number % 5 == 0 {
                LossReason::Damaged
            } else {
                LossReason::Dropped
            };
            add(&connection, &lost(1 + 2 * number, reason), 0).unwrap();
        }
        let told = since(&connection, mark, i64::MAX).unwrap();
        assert_eq!(told.len(), KEEP as usize);
        for number in 0..3 * KEEP {
            let seq = 1 + 2 * number;
            let covered = told.iter().filter(|loss| (loss.first..=loss.last).contains(&seq));
            assert_eq!(covered.count(), 1, "row {seq}");
        }
        assert_eq!(
            told.last().unwrap().first,
            6 * KEEP - 1,
            "the newest are as they were"
        );
        let recent = LossMark {
            entry: 3 * KEEP - 2,
            oldest: 1,
        };
        assert_eq!(since(&connection, recent, i64::MAX).unwrap().len(), 2);
    }
}

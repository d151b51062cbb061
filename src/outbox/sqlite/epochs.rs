//! The statements on `epoch`: from which sequence number on transactions were given numbers with another mark, because
//! the same sequence numbers may have been given out before (invariant 9). `meta.mark` is the mark of now, for who
//! appends; 0 without an entry.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::meta;
use super::rows::not_as_written;
use crate::outbox::Number;
use crate::outbox::number::MAX_MARK;

/// Entries kept: a file that was restored or damaged more often has no short history. What the oldest entry told apart
/// counts as unknown then.
const KEEP: i64 = 64;

/// Where a number leads in this file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To the transaction that has this sequence number here.
    Here,
    /// To one that was lost with the end of a damaged file.
    Lost,
    /// To none that this file knows.
    Elsewhere,
}

/// From `first` on numbers get another mark. `damaged`: what had such a number before was lost with a damaged file.
pub(super) fn begin(connection: &Connection, first: i64, damaged: bool) -> Result<()> {
    // Of what was to come behind an earlier change of the mark at the same place it cannot be said that it was lost.
    let alone = "SELECT NOT EXISTS (SELECT 1 FROM epoch WHERE first >= ?1)";
    let damaged = damaged && connection.query_row(alone, [first], |row| row.get::<_, bool>(0))?;
    connection.execute("DELETE FROM epoch WHERE first >= ?1", [first])?;
    let mark = new_mark(connection)?;
    connection.execute(
        "INSERT INTO epoch VALUES (?1, ?2, ?3)",
        params![first, mark, damaged],
    )?;
    connection.execute("UPDATE meta SET mark = ?1", [mark])?;
    let entries: i64 = connection.query_row("SELECT count(*) FROM epoch", [], |row| row.get(0))?;
    if entries > KEEP {
        connection.execute(
            "DELETE FROM epoch WHERE first = (SELECT min(first) FROM epoch)",
            [],
        )?;
        let oldest = connection.query_row("SELECT min(first) FROM epoch", [], |row| row.get(0))?;
        meta::raise_known_from(connection, oldest)?;
    }
    Ok(())
}

/// A mark that no number of this file has.
fn new_mark(connection: &Connection) -> Result<u16> {
    loop {
        let (drawn, _) = uuid::Uuid::new_v4().as_u64_pair();
        let mark = drawn as u16 & MAX_MARK;
        let is_used = "SELECT EXISTS (SELECT 1 FROM epoch WHERE mark = ?1)";
        if mark != 0 && !connection.query_row(is_used, [mark], |row| row.get::<_, bool>(0))? {
            return Ok(mark);
        }
    }
}

/// Where the number leads.
pub(super) fn place(connection: &Connection, number: Number) -> Result<Place> {
    let (seq, mark) = (number.seq(), number.mark());
    let here = connection
        .prepare_cached("SELECT mark FROM epoch WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?
        .query_row([seq], |row| row.get::<_, u16>(0))
        .optional()?;
    if here.unwrap_or_default() == mark {
        return Ok(Place::Here);
    }
    let began = match mark {
        0 => Some(0),
        _ => connection
            .query_row("SELECT first FROM epoch WHERE mark = ?1", [mark], |row| {
                row.get::<_, i64>(0)
            })
            .optional()?,
    };
    let Some(began) = began else {
        return Ok(Place::Elsewhere);
    };
    let next = connection
        .query_row(
            "SELECT first, damaged FROM epoch WHERE first > ?1 ORDER BY first LIMIT 1",
            [began],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
        )
        .optional()?;
    Ok(match next {
        Some((first, true)) if first <= seq => Place::Lost,
        _ => Place::Elsewhere,
    })
}

/// One entry, for another file.
pub(super) struct Epoch {
    first: i64,
    mark: u16,
    damaged: bool,
}

pub(super) fn entries(connection: &Connection) -> Result<Vec<Epoch>> {
    let entries: Vec<Epoch> = connection
        .prepare("SELECT first, mark, damaged FROM epoch ORDER BY first")?
        .query_map([], |row| {
            Ok(Epoch {
                first: row.get(0)?,
                mark: row.get(1)?,
                damaged: row.get(2)?,
            })
        })?
        .collect::<Result<_>>()?;
    if !entries.is_sorted_by(|before, next| before.first < next.first) {
        return Err(not_as_written("the record of marks"));
    }
    Ok(entries)
}

/// Takes over the entries of another file, oldest first.
pub(super) fn adopt(connection: &Connection, entries: &[Epoch]) -> Result<()> {
    for Epoch { first, mark, damaged } in entries {
        connection.execute(
            "INSERT INTO epoch VALUES (?1, ?2, ?3)",
            params![first, mark, damaged],
        )?;
        connection.execute("UPDATE meta SET mark = ?1", [mark])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::outbox::sqlite::schema;

    fn file() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        schema::create_tables(&connection).unwrap();
        connection
            .execute_batch(
                "INSERT INTO meta (id, identity, stamp, high_seq, relaxed, dropped_transactions, dropped_objects,
                                   dropped_bytes, lineage, acked)
                 VALUES (1, '', '', 0, 0, 0, 0, 0, '', 0)",
            )
            .unwrap();
        connection
    }

    fn mark(connection: &Connection) -> u16 {
        connection
            .query_row("SELECT mark FROM meta", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn numbers_from_before_and_after_lead_to_what_they_were_given_for() {
        let file = file();
        let at = |mark, seq| place(&file, Number::new(mark, seq)).unwrap();
        assert_eq!(at(0, 7), Place::Here);
        begin(&file, 5, true).unwrap();
        let second = mark(&file);
        assert_eq!(
            (at(0, 4), at(0, 5), at(second, 5)),
            (Place::Here, Place::Lost, Place::Here)
        );
        assert_eq!(at(second, 4), Place::Elsewhere);
        begin(&file, 9, false).unwrap();
        let third = mark(&file);
        assert_eq!((at(second, 8), at(second, 9)), (Place::Here, Place::Elsewhere));
        assert_eq!((at(third, 9), at(third, 8)), (Place::Here, Place::Elsewhere));
        assert_eq!(at(0, 9), Place::Lost, "it was before the second change already");
    }

    #[test]
    fn what_two_changes_at_one_place_leave_open_is_not_said_to_be_lost() {
        let file = file();
        begin(&file, 5, false).unwrap();
        let former = mark(&file);
        begin(&file, 5, true).unwrap();
        let at = |mark, seq| place(&file, Number::new(mark, seq)).unwrap();
        assert_eq!((at(0, 6), at(former, 6)), (Place::Elsewhere, Place::Elsewhere));
        assert_eq!(at(mark(&file), 6), Place::Here);
    }

    #[test]
    fn changes_that_are_too_many_are_given_up_from_the_oldest_on() {
        let file = file();
        for change in 1..=3 * KEEP {
            begin(&file, 10 * change, true).unwrap();
        }
        assert_eq!(entries(&file).unwrap().len(), KEEP as usize);
        let known_from: i64 = file
            .query_row("SELECT known_from FROM meta", [], |row| row.get(0))
            .unwrap();
        assert_eq!(known_from, 10 * (2 * KEEP + 1));
    }
}

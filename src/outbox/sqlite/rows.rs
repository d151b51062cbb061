//! The statements on the rows. All of them take the same time whatever the backlog.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow, ffi, params};

use super::content::{self, Content, Place};
use super::found::{self, Kept};
use super::meta::{numbering, raise_high_seq};
use super::pack::Prepared;
use super::{ledger, packs};
use crate::outbox::seal::Seal;
use crate::outbox::{Number, Pending};

/// No transaction has a higher number: what says so is damaged. Sums with numbers up to here, and of so many bytes or
/// objects, do not overflow.
pub(super) const MAX_SEQ: i64 = 1 << 61;

/// Whether a transaction can have this number.
pub(super) fn is_seq(seq: i64) -> bool {
    (1..=MAX_SEQ).contains(&seq)
}

/// The newest row, as far as the next one depends on it.
pub(super) struct Tail {
    seq: i64,
    /// Of the numbers that are given out now.
    mark: u16,
    objects_through: i64,
    bytes_through: i64,
}

impl Tail {
    /// What is given out for this sequence number.
    pub(super) fn number(&self, seq: i64) -> Number {
        Number::new(self.mark, seq)
    }
}

pub(super) fn tail(connection: &Connection) -> Result<Tail> {
    let newest = connection
        .prepare_cached("SELECT seq, objects_through, bytes_through FROM tx ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Tail {
                seq: row.get(0)?,
                mark: 0,
                objects_through: row.get(1)?,
                bytes_through: row.get(2)?,
            })
        })
        .optional()?;
    let (high_seq, mark) = numbering(connection)?;
    let mut tail = newest.unwrap_or(Tail {
        seq: 0,
        mark,
        objects_through: 0,
        bytes_through: 0,
    });
    // Higher than the newest row's where damage took those behind it, or where they were dropped at once.
    tail.seq = tail.seq.max(high_seq).max(ledger::last_lost(connection)?);
    tail.mark = mark;
    let sane = [tail.seq, tail.objects_through, tail.bytes_through]
        .iter()
        .all(|number| (0..MAX_SEQ).contains(number));
    if sane { Ok(tail) } else { Err(damaged(tail.seq)) }
}

/// The next number, for a row that is not stored.
pub(super) fn pass_over(tail: &mut Tail, row: &Prepared<'_>) -> i64 {
    tail.seq += row.transactions;
    tail.seq
}

/// Milliseconds since 1970, as rows have them.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as i64)
}

/// Stores a row behind the newest one.
pub(super) fn append(
    connection: &Connection,
    seal: &Seal,
    tail: &mut Tail,
    row: &Prepared<'_>,
) -> Result<Number> {
    let seq = insert(connection, seal, tail, now(), row)?;
    Ok(tail.number(seq))
}

/// Stores a row that was number `seq` of another file, behind the newest one of this file.
pub(super) fn adopt(
    connection: &Connection,
    seal: &Seal,
    tail: &mut Tail,
    seq: i64,
    created: i64,
    row: &Prepared<'_>,
) -> Result<()> {
    tail.seq = seq - row.transactions;
    insert(connection, seal, tail, created, row).map(|_| ())
}

fn insert(
    connection: &Connection,
    seal: &Seal,
    tail: &mut Tail,
    created: i64,
    row: &Prepared<'_>,
) -> Result<i64> {
    let next = Tail {
        seq: tail.seq + row.transactions,
        mark: tail.mark,
        objects_through: tail.objects_through + row.objects as i64,
        bytes_through: tail.bytes_through + row.bytes as i64,
    };
    let place = Place::of(row, next.seq, created);
    let Content { runs, sum, payload } = content::stored(row, &place, seal)?;
    connection
        .prepare_cached("INSERT INTO tx VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")?
        .execute(params![
            place.seq,
            place.created,
            place.objects,
            place.bytes,
            next.objects_through,
            next.bytes_through,
            place.schema.0,
            place.codec,
            runs.as_ref(),
            sum,
            payload.as_ref(),
            place.first,
        ])?;
    *tail = next;
    Ok(tail.seq)
}

/// Puts `row` in the place of row `seq`; both end with the same transaction.
pub(super) fn exchange(
    connection: &Connection,
    seal: &Seal,
    seq: i64,
    created: i64,
    row: &Prepared<'_>,
) -> Result<()> {
    let place = Place::of(row, seq, created);
    let Content { runs, sum, payload } = content::stored(row, &place, seal)?;
    connection
        .prepare_cached(
            "UPDATE tx SET created = ?2, objects = ?3, bytes = ?4, schema = ?5, codec = ?6, runs = ?7,
             checksum = ?8, payload = ?9, first = ?10 WHERE seq = ?1",
        )?
        .execute(params![
            place.seq,
            place.created,
            place.objects,
            place.bytes,
            place.schema.0,
            place.codec,
            runs.as_ref(),
            sum,
            payload.as_ref(),
            place.first,
        ])
        .map(|_| ())
}

/// The numbers of the oldest and the newest transaction.
pub(super) fn ends(connection: &Connection) -> Result<Option<(i64, i64)>> {
    // Two subqueries: SQLite answers each by one look at an end of the table.
    connection
        .prepare_cached(
            "SELECT (SELECT coalesce(first, seq) FROM tx ORDER BY seq LIMIT 1), (SELECT max(seq) FROM tx)",
        )?
        .query_row([], |row| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?)))
        .and_then(|ends: Option<(i64, i64)>| match ends {
            Some((oldest, newest)) if !is_seq(oldest) || !is_seq(newest) => Err(damaged(newest)),
            ends => Ok(ends),
        })
}

/// The number of the oldest transaction that waits.
pub(super) fn oldest_waiting(connection: &Connection) -> Result<Option<i64>> {
    ends(connection).map(|ends| ends.map(|(oldest, _)| oldest))
}

pub(super) fn last_seq(connection: &Connection) -> Result<i64> {
    let last: i64 = connection
        .prepare_cached("SELECT max(coalesce((SELECT max(seq) FROM tx), 0), high_seq) FROM meta")?
        .query_row([], |row| row.get(0))?;
    Ok(last.max(ledger::last_lost(connection)?))
}

pub(super) fn pending(connection: &Connection) -> Result<Pending> {
    let pending = connection
        .prepare_cached(
            "SELECT newest.seq - coalesce(oldest.first, oldest.seq) + 1,
                    newest.objects_through - oldest.objects_through + oldest.objects,
                    newest.bytes_through - oldest.bytes_through + oldest.bytes
             FROM (SELECT seq, objects, bytes, objects_through, bytes_through, first
                   FROM tx ORDER BY seq LIMIT 1) AS oldest,
                  (SELECT seq, objects_through, bytes_through
                   FROM tx ORDER BY seq DESC LIMIT 1) AS newest",
        )?
        .query_row([], counts)
        .optional()?;
    Ok(pending.unwrap_or_default())
}

/// When the oldest row was written.
pub(super) fn waiting_since(connection: &Connection) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT created FROM tx ORDER BY seq LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// From the first three columns.
pub(super) fn counts(row: &SqlRow<'_>) -> Result<Pending> {
    let count = |column| {
        row.get::<_, i64>(column)
            .map(|count| count.clamp(0, MAX_SEQ) as u64)
    };
    Ok(Pending {
        transactions: count(0)?,
        objects: count(1)?,
        bytes: count(2)?,
    })
}

/// Removes the transactions up to `through`, also those at the beginning of a pack.
pub(super) fn remove_through(connection: &Connection, seal: &Seal, through: i64) -> Result<()> {
    if let Some((_, newest)) = ends(connection)?
        && through >= newest
    {
        raise_high_seq(connection, newest)?;
    }
    connection
        .prepare_cached("DELETE FROM tx WHERE seq <= ?1")?
        .execute([through])?;
    let divided = connection
        .prepare_cached("SELECT seq, first FROM tx ORDER BY seq LIMIT 1")?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let Some((seq, Some(first))) = divided else {
        return Ok(());
    };
    if first > through {
        return Ok(());
    }
    let members = match found::read(connection, seal, seq)? {
        Some(Some(Kept { row: pack, seat })) => {
            packs::decode(&pack.payload, pack.transactions, seat.created())
                .map(|mut members| (pack.schema, members.split_off((through - first + 1) as usize)))
        }
        _ => None,
    };
    let rest =
        members.and_then(|(schema, left)| Some((left.first()?.created, packs::encode(schema, &left)?)));
    let (created, row) = rest.ok_or_else(|| damaged(seq))?;
    exchange(connection, seal, seq, created, &row)
}

/// Removes the oldest row of the file; what it was, and its number.
pub(super) fn remove_oldest(connection: &Connection) -> Result<Option<(Pending, i64)>> {
    connection
        .prepare_cached(
            "DELETE FROM tx WHERE seq = (SELECT min(seq) FROM tx)
             RETURNING seq - coalesce(first, seq) + 1, objects, bytes, seq",
        )?
        .query_row([], |row| Ok((counts(row)?, row.get(3)?)))
        .optional()
}

pub(super) fn damaged(seq: i64) -> rusqlite::Error {
    not_as_written(&format!("row {seq}"))
}

/// What a statement fails with that meets something that is not as it was stored.
pub(super) fn not_as_written(what: &str) -> rusqlite::Error {
    let reason = format!("{what} is not what was written");
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(reason))
}

/// Changes with every commit of another connection.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

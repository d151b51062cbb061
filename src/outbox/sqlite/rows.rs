//! The statements on the rows. All of them take the same time whatever the backlog.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow, Statement, ffi, params};

use super::content::{self, Content, Place};
use super::meta::{numbering, raise_high_seq};
use super::pack::{Prepared, Stored, checksum, decode_runs, stored_of};
use super::{ledger, packs};
use crate::outbox::seal::Seal;
use crate::outbox::{MAX_TRANSACTION_BYTES, Number, Pending, SchemaId};

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
    tail.seq = tail.seq.max(high_seq).max(ledger::last_dropped(connection)?);
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
    let Content {
        runs,
        checksum,
        payload,
    } = content::stored(row, &place, seal)?;
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
            checksum,
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
    let Content {
        runs,
        checksum,
        payload,
    } = content::stored(row, &place, seal)?;
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
            checksum,
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
    Ok(last.max(ledger::last_dropped(connection)?))
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
    let members = match read(connection, seal, seq)? {
        Some(Some((created, pack))) => packs::decode(&pack.payload, pack.transactions, created)
            .map(|mut members| (pack.schema, members.split_off((through - first + 1) as usize))),
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

/// A row of the file that is as it was written, but that nobody has looked into its runs and its payload.
pub(super) struct Found<'a> {
    pub(super) place: Place,
    pub(super) stored: Stored,
    pub(super) transactions: i64,
    pub(super) runs: Cow<'a, [u8]>,
    pub(super) payload: Cow<'a, [u8]>,
    checksum: u32,
}

/// From the columns seq, schema, objects, bytes, codec, runs, checksum, payload, created, first; `None` when they are
/// not as they were written.
pub(super) fn found<'a>(columns: &'a SqlRow<'_>, seal: &Seal) -> Result<Option<Found<'a>>> {
    let place = Place {
        seq: columns.get(0)?,
        schema: SchemaId(columns.get(1)?),
        objects: columns.get(2)?,
        bytes: columns.get(3)?,
        codec: columns.get(4)?,
        created: columns.get(8)?,
        first: columns.get(9)?,
    };
    let Some(stored) = stored_of(place.codec) else {
        return Ok(None);
    };
    let (runs, payload) = if seal.is_none() {
        (blob(columns, 5)?.into(), blob(columns, 7)?.into())
    } else {
        match content::unsealed(columns.get(7)?, &place, seal) {
            Some((runs, payload)) => (Cow::Owned(runs), Cow::Owned(payload)),
            None => return Ok(None),
        }
    };
    let Place { seq, first, .. } = place;
    let transactions = seq.saturating_sub(first.unwrap_or(seq)).saturating_add(1);
    let (objects, bytes) = (place.objects.max(0) as u64, place.bytes.max(0) as u64);
    let fits = match stored {
        Stored::Row(_) => transactions == 1,
        Stored::Pack => transactions > 1,
    };
    // No document is empty.
    let sane = objects <= bytes && bytes <= MAX_TRANSACTION_BYTES;
    let placed = is_seq(seq) && is_seq(first.unwrap_or(seq));
    let checksum = checksum(place.schema, objects, bytes, stored, &runs, &payload);
    let summed = !seal.is_none() || i64::from(checksum) == columns.get::<_, i64>(6)?;
    Ok((fits && sane && placed && summed).then_some(Found {
        place,
        stored,
        transactions,
        runs,
        payload,
        checksum,
    }))
}

fn blob<'a>(columns: &'a SqlRow<'_>, column: usize) -> Result<&'a [u8]> {
    let value = columns.get_ref(column)?;
    value.as_blob().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error))
    })
}

/// From the columns of [`found`]: the row, and when it was created; `None` when they are not as they were written.
pub(super) fn stored(columns: &SqlRow<'_>, seal: &Seal) -> Result<Option<(i64, Prepared<'static>)>> {
    let Some(found) = found(columns, seal)? else {
        return Ok(None);
    };
    if matches!(found.stored, Stored::Row(_)) && decode_runs(&found.runs).is_none() {
        return Ok(None);
    }
    let Place {
        schema,
        created,
        objects,
        bytes,
        ..
    } = found.place;
    let row = Prepared {
        schema,
        transactions: found.transactions,
        objects: objects.max(0) as u64,
        bytes: bytes.max(0) as u64,
        stored: found.stored,
        runs: found.runs.into_owned(),
        payload: Cow::Owned(found.payload.into_owned()),
        checksum: found.checksum,
    };
    Ok(Some((created, row)))
}

/// All rows in order, in the columns of [`stored`].
pub(super) fn all(connection: &Connection) -> Result<Statement<'_>> {
    connection.prepare(
        "SELECT seq, schema, objects, bytes, codec, runs, checksum, payload, created, first FROM tx ORDER BY seq",
    )
}

/// One row of the file, with the time of its creation; `None` when there is none of that number, and none
/// in it when it is not as it was written.
pub(super) fn read(
    connection: &Connection,
    seal: &Seal,
    seq: i64,
) -> Result<Option<Option<(i64, Prepared<'static>)>>> {
    connection
        .prepare_cached(
            "SELECT seq, schema, objects, bytes, codec, runs, checksum, payload, created, first
             FROM tx WHERE seq = ?1",
        )?
        .query_row([seq], |row| stored(row, seal))
        .optional()
}

/// The number of the oldest transaction. No checksum covers `first`, so it is believed within reason alone.
pub(super) fn oldest(connection: &Connection) -> Result<Option<i64>> {
    connection
        .query_row(
            "SELECT max(1, min(coalesce(first, seq), seq)) FROM tx WHERE seq BETWEEN 1 AND ?1 ORDER BY seq LIMIT 1",
            [MAX_SEQ],
            |row| row.get(0),
        )
        .optional()
}

/// The number of the first row from that number on.
pub(super) fn at_or_after(connection: &Connection, seq: i64) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT min(seq) FROM tx WHERE seq BETWEEN max(1, ?1) AND ?2")?
        .query_row([seq, MAX_SEQ], |row| row.get(0))
}

/// The number of the last row up to that number.
pub(super) fn at_or_before(connection: &Connection, seq: i64) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT max(seq) FROM tx WHERE seq BETWEEN 1 AND ?1")?
        .query_row([seq], |row| row.get(0))
}

/// The number of the newest row.
pub(super) fn newest(connection: &Connection) -> Result<Option<i64>> {
    at_or_before(connection, MAX_SEQ)
}

/// Changes with every commit of another connection.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

/// How the file's pages are used.
pub(super) struct Usage {
    pub(super) pages: u64,
    free_pages: u64,
    page_bytes: u64,
}

impl Usage {
    pub(super) fn used_pages(&self) -> u64 {
        self.pages.saturating_sub(self.free_pages)
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.free_pages * self.page_bytes
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_pages() * self.page_bytes
    }
}

pub(super) fn usage(connection: &Connection) -> Result<Usage> {
    let pragma = |sql| {
        let value = connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>(value.max(0) as u64)
    };
    Ok(Usage {
        pages: pragma("PRAGMA page_count")?,
        free_pages: pragma("PRAGMA freelist_count")?,
        page_bytes: pragma("PRAGMA page_size")?,
    })
}

/// About how many bytes of the file are in use whatever waits: the first page of each table, and what is large.
pub(super) fn bytes_without_rows(connection: &Connection) -> Result<u64> {
    // Beside those in the list the list itself, and the map of pages.
    let (tables, texts): (i64, i64) = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM sqlite_schema WHERE rootpage > 0) + 2,
                    (SELECT coalesce(sum(octet_length(json)), 0) FROM schema)
                    + (SELECT coalesce(sum(octet_length(told)), 0) FROM refusal)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(tables.max(0) as u64 * usage(connection)?.page_bytes + texts.max(0) as u64)
}

/// Takes up to `pages` unused pages out of the file.
pub(super) fn give_back(connection: &Connection, pages: u64) -> Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    // A page a step.
    while rows.next()?.is_some() {}
    Ok(())
}

/// Writes what is in use to a new copy of the file, which becomes the file.
pub(super) fn copy_to_fit(connection: &Connection) -> Result<()> {
    connection.execute_batch("VACUUM")
}

/// Moves the whole log into the database and cuts it to nothing; false, with nothing cut, when
/// somebody is reading or writing.
pub(super) fn cut_log(connection: &Connection) -> Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get(0).map(|busy: bool| !busy)
    })
}

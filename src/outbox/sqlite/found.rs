//! Rows as they are read: whether they are as they were written, and at the place that they were written to.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow, Statement};

use super::content::{self, Place};
use super::pack::{Prepared, Stored, checksum, decode_runs, stored_of};
use super::rows::{MAX_SEQ, is_seq};
use crate::outbox::seal::Seal;
use crate::outbox::{MAX_TRANSACTION_BYTES, SchemaId};

/// Where a row is, and what tells whether it was written there.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    place: Place,
    content: u32,
    /// As [`content::tie`]; 0 where nothing tells.
    tie: i64,
}

impl Seat {
    pub(super) fn created(&self) -> i64 {
        self.place.created
    }

    /// Whether it is where it was written. A bit that changed in its number puts it among other rows, and those up to
    /// there must not leave with it.
    pub(super) fn is_its_own(&self) -> bool {
        self.belongs_at(self.place.seq)
    }

    /// The number that it was written as: its own, or one of which a single bit has changed since.
    fn written_as(&self) -> Option<i64> {
        let own = self.place.seq;
        let others = (0..i64::BITS - 1).map(|bit| own ^ 1 << bit);
        std::iter::once(own)
            .chain(others.filter(|seq| is_seq(*seq)))
            .find(|seq| self.belongs_at(*seq))
    }

    /// Whether it was written as the row of this number.
    fn belongs_at(&self, seq: i64) -> bool {
        match self.tie {
            0 => seq == self.place.seq,
            tie => tie == content::tie(self.content, &Place { seq, ..self.place }),
        }
    }
}

/// A row that was read, apart from its place.
pub(super) struct Kept {
    pub(super) row: Prepared<'static>,
    pub(super) seat: Seat,
}

/// A row of the file that is as it was written, but that nobody has looked into its runs and its payload.
pub(super) struct Found<'a> {
    pub(super) place: Place,
    pub(super) stored: Stored,
    pub(super) transactions: i64,
    pub(super) runs: Cow<'a, [u8]>,
    pub(super) payload: Cow<'a, [u8]>,
    pub(super) seat: Seat,
}

impl Kept {
    /// As it was before a bit of its number changed; as it is where nothing tells of that.
    pub(super) fn set_right(mut self) -> Kept {
        if let Some(seq) = self.seat.written_as().filter(|seq| *seq != self.seq()) {
            self.seat.place.seq = seq;
            self.row.transactions = seq - self.first() + 1;
        }
        self
    }

    pub(super) fn seq(&self) -> i64 {
        self.seat.place.seq
    }

    /// The number of its first transaction.
    pub(super) fn first(&self) -> i64 {
        self.seat.place.first.unwrap_or(self.seat.place.seq)
    }
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
    let content = checksum(place.schema, objects, bytes, stored, &runs, &payload);
    let (summed, tie) = match seal.is_none() {
        true => content::untied(columns.get(6)?),
        // What was sealed opens at its place alone.
        false => (content, 0),
    };
    Ok((fits && sane && placed && summed == content).then_some(Found {
        place,
        stored,
        transactions,
        runs,
        payload,
        seat: Seat { place, content, tie },
    }))
}

fn blob<'a>(columns: &'a SqlRow<'_>, column: usize) -> Result<&'a [u8]> {
    let value = columns.get_ref(column)?;
    value.as_blob().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error))
    })
}

/// From the columns of [`found`]; `None` when they are not as they were written.
pub(super) fn stored(columns: &SqlRow<'_>, seal: &Seal) -> Result<Option<Kept>> {
    let Some(found) = found(columns, seal)? else {
        return Ok(None);
    };
    if matches!(found.stored, Stored::Row(_)) && decode_runs(&found.runs).is_none() {
        return Ok(None);
    }
    let Place {
        schema,
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
        checksum: found.seat.content,
    };
    let seat = found.seat;
    Ok(Some(Kept { row, seat }))
}

/// All rows in order, in the columns of [`stored`].
pub(super) fn all(connection: &Connection) -> Result<Statement<'_>> {
    connection.prepare(
        "SELECT seq, schema, objects, bytes, codec, runs, checksum, payload, created, first FROM tx ORDER BY seq",
    )
}

/// One row of the file; `None` when there is none of that number, and none in it when it is not as it was written.
pub(super) fn read(connection: &Connection, seal: &Seal, seq: i64) -> Result<Option<Option<Kept>>> {
    connection
        .prepare_cached(
            "SELECT seq, schema, objects, bytes, codec, runs, checksum, payload, created, first
             FROM tx WHERE seq = ?1",
        )?
        .query_row([seq], |row| stored(row, seal))
        .optional()
}

/// The last row of the file, as [`read`].
pub(super) fn last_row(connection: &Connection, seal: &Seal) -> Result<Option<Option<Kept>>> {
    connection
        .prepare_cached(
            "SELECT seq, schema, objects, bytes, codec, runs, checksum, payload, created, first
             FROM tx ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([], |row| stored(row, seal))
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

//! Giving rows out. What they have in common they share in memory: a device that was offline for long sends many that are
//! small and alike.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow};

use super::content::Place;
use super::found::{self, Found};
use super::pack::{Stored, decode_runs};
use super::rows::{self, damaged};
use super::{ledger, meta, packs};
use crate::outbox::seal::Seal;
use crate::outbox::{Codec, MAX_LEASE_ROWS, Row, Run, SchemaId, objects};

/// Payloads are kept in pieces of so many bytes, a larger one by itself.
const PIECE: usize = 64 * 1024;

/// What [`lease`] reads.
pub(super) struct Leased {
    pub(super) rows: Vec<Row>,
    /// Power loss may still undo them.
    pub(super) unsynced: bool,
}

/// The oldest transactions after `after`, up to `max_bytes`. Reads nothing of a row that no longer fits.
pub(super) fn lease(connection: &mut Connection, seal: &Seal, after: i64, max_bytes: u64) -> Result<Leased> {
    // One view of the file for all statements.
    let transaction = connection.transaction()?;
    let (relaxed, high_seq): (bool, i64) = transaction
        .prepare_cached("SELECT relaxed, high_seq FROM meta")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let after = after.max(meta::acked(&transaction)?);
    let begin = transaction
        .prepare_cached(
            "SELECT seq, CASE WHEN first IS NULL THEN bytes_through - bytes ELSE bytes_through END
             FROM tx WHERE seq > ?1 ORDER BY seq LIMIT 1",
        )?
        .query_row([after], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let max = i64::try_from(max_bytes).unwrap_or(i64::MAX);
    let mut taken = Taken::new(after, max);
    if let Some((begin, from)) = begin {
        let mut statement = transaction.prepare_cached(
            "SELECT seq, schema, objects, bytes, codec, runs, checksum,
                    CASE WHEN bytes_through <= ?2 OR seq = ?1 OR first < seq AND bytes_through - bytes < ?2
                         THEN payload END,
                    created, first
             FROM tx WHERE seq > ?3 ORDER BY seq",
        )?;
        // Of a pack at the beginning any part may be given out already.
        let limit = from.saturating_add(max);
        let mut found = statement.query([begin, limit, after])?;
        let is_end = loop {
            match found.next()? {
                None => break true,
                Some(columns) => {
                    if columns.get_ref(7)? == ValueRef::Null || !taken.take(columns, seal)? {
                        break false;
                    }
                }
            }
        };
        drop(found);
        check_order(&transaction, &taken, is_end)?;
    }
    let rows = taken.rows;
    let newest = rows.last().map_or(0, |row| row.seq);
    Ok(Leased {
        rows,
        unsynced: relaxed && newest > high_seq,
    })
}

/// Rows leave by their numbers, also those that nobody has read. Where the disk changed a number rows are hidden from who
/// looks for theirs, and would leave unsent with those behind them: so what is not there has to be on record as lost.
fn check_order(connection: &Connection, taken: &Taken, is_end: bool) -> Result<()> {
    for (first, last) in &taken.gaps {
        if !ledger::has(connection, *first, *last)? {
            return Err(damaged(*first));
        }
    }
    let last = taken.rows.last().map(|row| row.seq);
    if is_end && last != rows::ends(connection)?.map(|(_, newest)| newest) {
        return Err(damaged(last.unwrap_or_default()));
    }
    Ok(())
}

/// What is taken for a lease.
struct Taken {
    rows: Vec<Row>,
    after: i64,
    /// The number up to which all are accounted for; none before the first.
    through: Option<i64>,
    /// Numbers that no row has.
    gaps: Vec<(i64, i64)>,
    /// Bytes that still fit.
    left: i64,
    runs: SharedRuns,
    piece: BytesMut,
}

impl Taken {
    fn new(after: i64, max: i64) -> Taken {
        Taken {
            rows: Vec::new(),
            after,
            // Where nothing was settled under this identity nobody knows what was before.
            through: (after > 0).then_some(after),
            gaps: Vec::new(),
            left: max,
            runs: SharedRuns::default(),
            piece: BytesMut::new(),
        }
    }

    /// Adds the transactions of a row that fit; false if one did not, or there are enough. The first one of all fits.
    fn take(&mut self, columns: &SqlRow<'_>, seal: &Seal) -> Result<bool> {
        let seq: i64 = columns.get(0)?;
        let found = found::found(columns, seal)?;
        let found = found
            .filter(|found| found.seat.is_its_own())
            .ok_or_else(|| damaged(seq))?;
        let first = seq - found.transactions + 1;
        let follows = self.rows.last().is_none_or(|before| before.seq < first);
        if !follows {
            return Err(damaged(seq));
        }
        if let Some(through) = self.through.filter(|through| first > through + 1) {
            self.gaps.push((through + 1, first - 1));
        }
        self.through = Some(seq);
        match found.stored {
            Stored::Row(codec) => {
                let row = self.row(&found, codec).ok_or_else(|| damaged(seq))?;
                Ok(self.add(row))
            }
            Stored::Pack => {
                let Place { schema, created, .. } = found.place;
                let members = pack(
                    seq,
                    found.transactions,
                    created,
                    &found.payload,
                    schema,
                    self.after,
                );
                let members = members.ok_or_else(|| damaged(seq))?;
                Ok(members.into_iter().all(|row| self.add(row)))
            }
        }
    }

    fn row(&mut self, found: &Found<'_>, codec: Codec) -> Option<Row> {
        Some(Row {
            seq: found.place.seq,
            schema: found.place.schema,
            runs: self.runs.read(&found.runs)?,
            objects: found.place.objects.max(0) as u64,
            bytes: found.place.bytes.max(0) as u64,
            codec,
            payload: self.keep(&found.payload),
        })
    }

    fn keep(&mut self, payload: &[u8]) -> Bytes {
        if payload.len() >= PIECE {
            return Bytes::copy_from_slice(payload);
        }
        if self.piece.capacity() < payload.len() {
            self.piece = BytesMut::with_capacity(PIECE);
        }
        self.piece.extend_from_slice(payload);
        self.piece.split().freeze()
    }

    fn add(&mut self, row: Row) -> bool {
        self.left = self
            .left
            .saturating_sub(i64::try_from(row.bytes).unwrap_or(i64::MAX));
        let fits = self.rows.is_empty() || (self.left >= 0 && self.rows.len() < MAX_LEASE_ROWS);
        if fits {
            self.rows.push(row);
        }
        fits
    }
}

/// The transactions over `after` of a pack that is row `seq`; `None` when they cannot be read.
pub(super) fn pack(
    seq: i64,
    transactions: i64,
    created: i64,
    payload: &[u8],
    schema: SchemaId,
    after: i64,
) -> Option<Vec<Row>> {
    let members = packs::decode(payload, transactions, created)?;
    let mut shared = SharedRuns::default();
    let numbered = (seq - transactions + 1..).zip(members);
    let rows = numbered.filter(|(seq, _)| *seq > after).map(|(seq, member)| {
        let runs = shared.read(&member.runs)?;
        Some(Row {
            seq,
            schema,
            objects: objects(&runs),
            runs,
            bytes: member.payload.len() as u64,
            codec: Codec::Identity,
            payload: member.payload,
        })
    });
    rows.collect()
}

/// Reads the runs of rows, of which one mostly has the same as the one before.
#[derive(Default)]
struct SharedRuns {
    encoded: Vec<u8>,
    runs: Arc<[Run]>,
}

impl SharedRuns {
    fn read(&mut self, encoded: &[u8]) -> Option<Arc<[Run]>> {
        if self.encoded != encoded {
            self.runs = decode_runs(encoded)?.into();
            self.encoded.clear();
            self.encoded.extend_from_slice(encoded);
        }
        Some(Arc::clone(&self.runs))
    }
}

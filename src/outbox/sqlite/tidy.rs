//! Packing of small rows that have waited for a while (`packs.rs`), a step at a time.

use rusqlite::{Connection, params};

use super::found::{self, Kept};
use super::pack::{Prepared, Stored};
use super::packs::{self, Member};
use super::writing::Writing;
use super::{Drain, SqliteOutbox, meta, rows, schema};
use crate::outbox::seal::Seal;
use crate::outbox::{Codec, Durability, Result, SchemaId};

/// The newest rows stay as they are: most outboxes never hold more, and what is sent soon is not worth
/// packing.
const KEEP: i64 = 256;

/// Rows of a pack: as many as repeat each other's names and values enough, and as few as one does not
/// mind to read for one of them, or to lose when one is damaged or dropped.
const PACK_ROWS: usize = 256;

/// A pack stops growing at this size before compression, for the same reasons.
const PACK_BYTES: usize = 64 * 1024;

/// Fewer rows than this are not worth a pack.
const LEAST_ROWS: usize = 16;

/// Larger rows are left alone: they are compressed already, and share no page with others.
const LARGEST_ROW: i64 = 2 * 1024;

/// Rows that could be packed.
struct Run {
    first: i64,
    schema: SchemaId,
    members: Vec<Member>,
    /// More rows would have fit, but there are none that are old enough.
    may_grow: bool,
    /// What was looked at, up to here.
    through: i64,
}

impl SqliteOutbox {
    pub(super) fn tidy_step(&self) -> Result<bool> {
        // Read and compressed outside of a turn, so that writers wait for a short commit alone.
        let found = {
            let drain = self.drain();
            find(&drain.connection, &drain.seal).map_err(|source| self.failed(source))?
        };
        let Some(run) = found else { return Ok(false) };
        let worth = run.members.len() >= LEAST_ROWS;
        if run.may_grow && run.members.len() < PACK_ROWS {
            return Ok(false);
        }
        let packed = worth.then(|| packs::encode(run.schema, &run.members)).flatten();
        let apart: u64 = run.members.iter().map(Member::stored_bytes).sum();
        // What cannot be compressed still shares what a row takes beside it.
        let packed = packed.filter(|packed| packed.stored_bytes() < apart / 4 * 3);
        self.turns.alone(|| {
            let mut drain = self.drain();
            let Drain { connection, seal } = &mut *drain;
            // If power loss undoes it, the rows are still there as they were.
            schema::sync_commits(connection, Durability::Relaxed)
                .and_then(|()| {
                    let transaction = Writing::begin(connection)?;
                    if let Some(packed) = &packed {
                        replace(&transaction, seal, &run, packed)?;
                    }
                    meta::set_tidied(&transaction, run.through)?;
                    transaction.commit()
                })
                .map_err(|source| self.failed(source))
                .inspect_err(|error| self.writer().log.doubt_after(error, connection))?;
            let mut writer = self.writer();
            // What this says is met by the next write.
            let _ = writer.log.empty_if_due(connection, 0);
            Ok(true)
        })
    }
}

/// The oldest rows that were not looked at yet and are old enough.
fn find(connection: &Connection, seal: &Seal) -> rusqlite::Result<Option<Run>> {
    let tidied = meta::tidied(connection)?;
    let Some((oldest, newest)) = rows::ends(connection)? else {
        return Ok(None);
    };
    let from = tidied.max(oldest - 1);
    let last = newest - KEEP;
    if last - from < PACK_ROWS as i64 {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT seq, schema, objects, bytes, codec, runs, checksum, CASE WHEN bytes < ?3 THEN payload END,
                created, first
         FROM tx WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
    )?;
    let mut found = statement.query(params![from, last, LARGEST_ROW])?;
    let mut run: Option<Run> = None;
    let mut bytes = 0;
    let mut skipped = 0;
    while let Some(columns) = found.next()? {
        let seq: i64 = columns.get(0)?;
        let small = columns.get::<_, Option<Vec<u8>>>(7)?.is_some();
        let member = if small {
            found::stored(columns, seal)?
        } else {
            None
        };
        let member =
            member.filter(|kept| kept.row.stored == Stored::Row(Codec::Identity) && kept.seat.is_its_own());
        match (member, &mut run) {
            (Some(Kept { row, seat }), run) => {
                let next = run
                    .as_ref()
                    .map_or(seq, |run| run.first + run.members.len() as i64);
                let run = run.get_or_insert_with(|| Run {
                    first: seq,
                    schema: row.schema,
                    members: Vec::new(),
                    may_grow: true,
                    through: from,
                });
                bytes += row.payload.len();
                let full = run.members.len() == PACK_ROWS || bytes > PACK_BYTES;
                if full || seq != next || row.schema != run.schema {
                    run.may_grow = false;
                    break;
                }
                run.members.push(Member {
                    created: seat.created(),
                    runs: row.runs.into(),
                    payload: row.payload.into_owned().into(),
                });
                run.through = seq;
            }
            (None, Some(run)) => {
                run.may_grow = false;
                break;
            }
            (None, None) => {
                // A row of another kind: nothing to do about it, now or later.
                skipped += 1;
                if skipped == PACK_ROWS {
                    return Ok(Some(Run {
                        first: seq,
                        schema: SchemaId(0),
                        members: Vec::new(),
                        may_grow: false,
                        through: seq,
                    }));
                }
            }
        }
    }
    Ok(run)
}

/// Puts the pack in the place of its rows, unless some of them have left.
fn replace(connection: &Connection, seal: &Seal, run: &Run, packed: &Prepared<'_>) -> rusqlite::Result<()> {
    let last = run.first + packed.transactions - 1;
    let there: i64 = connection
        .prepare_cached("SELECT count(*) FROM tx WHERE seq BETWEEN ?1 AND ?2 AND first IS NULL")?
        .query_row([run.first, last], |row| row.get(0))?;
    if there != packed.transactions {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM tx WHERE seq >= ?1 AND seq < ?2")?
        .execute([run.first, last])?;
    let created = run.members.first().map_or(0, |member| member.created);
    rows::exchange(connection, seal, last, created, packed)
}

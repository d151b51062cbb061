//! Carries what can be read of a damaged file over to a new one (invariant 6). The damaged file is
//! only read.
//!
//! Rows keep their numbers; those that cannot be read leave a gap. The new file has an identity of
//! its own: how far the numbers of the old one went may be among what cannot be read (invariant 4).
//! What was sent already and not settled is sent once more, which the gateway recognises by `_id`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::pack::Prepared;
use super::recover::beside;
use super::rows;
use super::schema;
use crate::outbox::{Durability, Error, Result, Salvaged, SchemaId};

/// So many numbers without a readable row are taken for the end, where the end cannot be read. A
/// page high up in the tree stands for some ten thousand small rows.
const GIVE_UP_AFTER: i64 = 100_000;

/// Bytes committed at once.
const STEP_BYTES: u64 = 8 * 1024 * 1024;

/// What was carried over, and into which file.
pub(super) struct Saved {
    pub(super) file: PathBuf,
    pub(super) salvaged: Salvaged,
}

/// Makes the new file, beside `path`, from the damaged one there. `None` when nothing of that one can
/// be read.
///
/// # Errors
/// The new file could not be written; what it has is deleted.
pub(super) fn salvage(damaged: &Connection, path: &Path, lock_wait: Duration) -> Result<Option<Saved>> {
    let Some(range) = Range::of(damaged) else {
        return Ok(None);
    };
    let target = beside(path, ".salvaged");
    delete(&target);
    let copied = copy(damaged, &range, &target, lock_wait);
    if copied.is_err() {
        delete(&target);
    }
    let file = target;
    copied.map(|salvaged| Some(Saved { file, salvaged }))
}

fn delete(target: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // What is left of an earlier attempt, if there was one.
        let _ = fs::remove_file(beside(target, suffix));
    }
}

/// Where to look for rows.
struct Range {
    first: i64,
    /// `None`: unreadable.
    last: Option<i64>,
    /// Rows whose numbers are unreadable, at an end, at the least.
    unread: u64,
}

impl Range {
    fn of(damaged: &Connection) -> Option<Range> {
        let (first, last, unread) = match (rows::oldest(damaged), rows::newest(damaged)) {
            (Ok(oldest), Ok(newest)) => (oldest.unwrap_or(1), Some(newest.unwrap_or(0)), 0),
            (Ok(oldest), Err(_)) => (oldest?, None, 1),
            (Err(_), Ok(newest)) => (lowest_readable(damaged, newest?), newest, 1),
            (Err(_), Err(_)) => return None,
        };
        Some(Range { first, last, unread })
    }

    /// Whether to go on with `seq` when `found` was the last that could be read.
    fn goes_on(&self, seq: i64, found: i64) -> bool {
        seq <= self.last.unwrap_or(i64::MAX) && seq - found <= GIVE_UP_AFTER
    }
}

fn lowest_readable(damaged: &Connection, newest: i64) -> i64 {
    let mut lowest = newest;
    let mut seq = newest;
    while seq > 1 && lowest - seq < GIVE_UP_AFTER {
        seq -= 1;
        if let Ok(Some(Some(_))) = rows::read(damaged, seq) {
            lowest = seq;
        }
    }
    lowest
}

fn copy(damaged: &Connection, range: &Range, target: &Path, lock_wait: Duration) -> Result<Salvaged> {
    let failed = |source| Error::sqlite(target, source);
    let opened = schema::open_writer(target, Durability::Full, lock_wait);
    let mut connection = opened.map_err(|refused| refused.into_error(target))?;
    let schemas = copy_schemas(damaged, &connection).map_err(failed)?;
    if let Ok(counters) = rows::counters(damaged) {
        rows::adopt_counters(&connection, &counters).map_err(failed)?;
    }
    let mut salvaged = Salvaged {
        kept: 0,
        lost: range.unread,
    };
    let mut unread = 0;
    let mut seq = range.first;
    let mut found = seq - 1;
    while range.goes_on(seq, found) {
        let step = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut tail = rows::tail(&step).map_err(failed)?;
        let mut bytes = 0;
        while bytes < STEP_BYTES && range.goes_on(seq, found) {
            match rows::read(damaged, seq) {
                Ok(Some(Some((created, row)))) if schemas.contains(&row.schema) => {
                    let row = Prepared::of_row(row);
                    rows::adopt(&step, &mut tail, seq, created, &row).map_err(failed)?;
                    bytes += row.stored_bytes();
                    salvaged.kept += 1;
                    salvaged.lost += unread;
                    unread = 0;
                    found = seq;
                }
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => unread += 1,
            }
            seq += 1;
        }
        // Numbers that were given out, whether or not their rows can be read.
        rows::raise_high_seq(&step, range.last.unwrap_or(found)).map_err(failed)?;
        step.commit().map_err(failed)?;
        rows::cut_log(&connection).map_err(failed)?;
    }
    // Behind an unreadable end a number that cannot be read need not have had a row.
    if range.last.is_some() {
        salvaged.lost += unread;
    }
    // All of it is in the file itself when the last connection closes without an error.
    connection.close().map_err(|(_, source)| failed(source))?;
    Ok(salvaged)
}

/// The schemas that can be read; the rows of others could never be sent.
fn copy_schemas(damaged: &Connection, to: &Connection) -> rusqlite::Result<Vec<SchemaId>> {
    let mut copied = Vec::new();
    for id in rows::schema_ids(damaged).unwrap_or_default() {
        if let Ok(schema) = rows::schema(damaged, id) {
            rows::adopt_schema(to, id, &schema)?;
            copied.push(id);
        }
    }
    Ok(copied)
}

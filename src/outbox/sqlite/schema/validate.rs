//! What must hold for a file to be used, and what an error says of it.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::Refused;
use crate::outbox::Error;
use crate::outbox::number::MAX_MARK;
use crate::outbox::sqlite::meta;
use crate::outbox::sqlite::rows::{MAX_SEQ, is_seq};

/// What is counted in `meta`: sums with these do not overflow.
const COUNTERS: &str =
    "high_seq, acked, syncs, dropped_transactions, dropped_objects, dropped_bytes, tidied, known_from,
    damaged, refused_objects, sent_objects, sent_bytes, round_from, drained_at";

/// What else it has.
const OTHERS: &str = "app, user, principal, stamp, relaxed, owner_mark, guarded, acknowledged";

/// What must hold for the file to be used. Reads a handful of pages, whatever the backlog.
pub(super) fn validate(connection: &Connection, path: &Path) -> std::result::Result<(), Refused> {
    let check = || -> rusqlite::Result<Option<&'static str>> {
        let (least, most, mark): (i64, i64, i64) = connection.query_row(
            &format!("SELECT min({COUNTERS}), max({COUNTERS}), mark, {OTHERS} FROM meta WHERE id = 1"),
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let origin = meta::origin(connection)?;
        for name in [origin.identity, origin.lineage] {
            if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Ok(Some("its identity is malformed"));
            }
        }
        if least < 0 || most > MAX_SEQ || !(0..=i64::from(MAX_MARK)).contains(&mark) {
            return Ok(Some("its numbering is malformed"));
        }
        for end in ["ASC", "DESC"] {
            let sql = format!(
                "SELECT seq, created, objects, bytes, objects_through, bytes_through, schema, codec, runs, checksum,
                        first
                 FROM tx ORDER BY seq {end} LIMIT 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()?
                && !(is_seq(row.get(0)?) && row.get::<_, Option<i64>>(10)?.is_none_or(is_seq))
            {
                return Ok(Some("its numbering is malformed"));
            }
        }
        connection.prepare("SELECT id, fingerprint, json FROM schema")?;
        connection.prepare("SELECT id, first, last, reason FROM loss")?;
        connection.prepare("SELECT first, mark, damaged FROM epoch")?;
        connection.prepare("SELECT first, last, doubt FROM refused")?;
        connection.prepare("SELECT seq, position, told FROM refusal")?;
        connection.prepare("SELECT id, label, former_sdk, reason, kept, lost, reported FROM recovery")?;
        Ok(None)
    };
    match check() {
        Ok(None) => Ok(()),
        Ok(Some(finding)) => Err(Refused::Damaged(finding.to_owned())),
        Err(error) => Err(refused(path, error)),
    }
}

/// What an error of the statements that every good file knows says of the file.
pub(super) fn refused(path: &Path, error: rusqlite::Error) -> Refused {
    if is_damage(&error) {
        Refused::Damaged(error.to_string())
    } else {
        Refused::Error(Error::sqlite(path, error))
    }
}

/// Whether a statement that every good file knows failed for what is in the file. Anything else may pass.
pub(in crate::outbox::sqlite) fn is_damage(error: &rusqlite::Error) -> bool {
    // Tables or columns that are not there: SQLite has no code of its own for these.
    matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(ErrorCode::Unknown)
        || Error::is_damage(error)
}

//! Connections, and their pragmas with the reasons.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::WAL_BYTES;
use crate::ffi::sqlite::spare_memory;
use crate::outbox::Durability;
use crate::outbox::sqlite::recover::beside;

/// What a connection remembers of the file. Rows are written and read once, in order, so that more would be of no use, and
/// a process may have thousands of outboxes with two connections each.
const CACHE_KIB: i64 = 256;

pub(in crate::outbox::sqlite) fn open(path: &Path, lock_wait: Duration) -> rusqlite::Result<Connection> {
    // Each connection is used under a mutex of ours, so SQLite's own would be a second one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    spare_memory();
    let mut connection = Connection::open_with_flags(path, flags)?;
    // Without it SQLite plans most statements anew whenever they get other values: ten times what it takes to run one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        // Where a file cannot be opened for writing SQLite settles for reading, also if it was for want of descriptors
        // and passes: nothing could be written as long as the connection is open.
        let cannot_open = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        let reason = "it cannot be opened for writing".to_owned();
        return Err(rusqlite::Error::SqliteFailure(cannot_open, Some(reason)));
    }
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        // About the length of a commit, then longer: the lock is gone soon or not for a while.
        let pause = Duration::from_micros(200 * (1 + tries.clamp(0, 24) as u64));
        std::thread::sleep(pause);
        since.elapsed() < lock_wait
    }))?;
    Ok(connection)
}

/// How much commits of `connection` survive.
pub(in crate::outbox::sqlite) fn sync_commits(
    connection: &Connection,
    durability: Durability,
) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

pub(in crate::outbox::sqlite) fn keep_log_on_close(
    connection: &Connection,
    keep: bool,
) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(|_| ())
}

/// Closing will change nothing in the folder: a log stays, and the empty one that opening made goes.
pub(in crate::outbox::sqlite) fn leave_as_found(
    connection: &Connection,
    path: &Path,
) -> rusqlite::Result<()> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0);
    keep_log_on_close(connection, has_log)
}

pub(in crate::outbox::sqlite) fn format(connection: &Connection) -> rusqlite::Result<i64> {
    pragma(connection, "user_version")
}

pub(super) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

pub(in crate::outbox::sqlite) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

pub(super) fn use_log(connection: &Connection, lock_wait: Duration) -> rusqlite::Result<()> {
    let since = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            // Changing the mode does not call the busy handler.
            Err(error) if is_busy(&error) && since.elapsed() < lock_wait => {
                std::thread::sleep(Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

/// Moves the whole log into the file, which has none from then on.
pub(in crate::outbox::sqlite) fn leave_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

/// For use, after [`open`].
pub(super) fn configure(connection: &Connection, lock_wait: Duration) -> rusqlite::Result<()> {
    use_log(connection, lock_wait)?;
    // The log is emptied by `SqliteOutbox`, which knows when nobody waits for it.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES as i64, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // No stray files elsewhere: a full or read-only temporary folder is not the outbox's business.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Damage is better found when a page is read than believed; the file is not trusted either.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

//! Opening a file for each of its uses, whatever state it is in.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{configure, format, keep_log_on_close, leave_as_found, open, pragma, sync_commits};
use super::create::create;
use super::identity::settle_identity;
use super::upgrade::upgrade;
use super::validate::{refused, validate};
use super::{APPLICATION_ID, DAMAGED_ID, FORMAT, Refused};
use crate::ffi::sqlite::has_moved;
use crate::outbox::seal::Seal;
use crate::outbox::sqlite::readings::Readings;
use crate::outbox::sqlite::seals;
use crate::outbox::{Durability, Error, Key, Result};

/// Earlier releases can lose a WAL that is reset while another connection checkpoints it.
const OLDEST_SQLITE: i32 = 3_051_003;
const OLDEST_SQLITE_TEXT: &str = "3.51.3";

/// Statements that the writers' connection keeps prepared: all that a write under a cap that drops may run, which are more
/// than rusqlite keeps by itself. (The uploader's has one round for many rows, and need not keep all of its.)
const STATEMENTS: usize = 32;

/// What is said of an outbox in which damage was found.
const DAMAGED: &str = "rows of it cannot be read";

pub(in crate::outbox::sqlite) fn check_sqlite_version() -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::SqliteTooOld {
            found: rusqlite::version().to_owned(),
            required: OLDEST_SQLITE_TEXT,
        });
    }
    Ok(())
}

/// The writers' connection, on a file that is an outbox from here on, and what opens its values.
pub(in crate::outbox::sqlite) fn open_writer(
    path: &Path,
    key: Option<&Key>,
    durability: Durability,
    lock_wait: Duration,
) -> std::result::Result<(Connection, Seal), Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let mut connection = open(path, lock_wait).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A file that turns out to be damaged is kept as it was found: closing must not write to it.
    keep_log_on_close(&connection, true).map_err(failed)?;
    match prepare(&mut connection, path, key, durability, lock_wait) {
        Err(_) if has_moved(&connection) => {
            // What has the log's name is the other file's.
            keep_log_on_close(&connection, true).map_err(failed)?;
            Err(Refused::Exchanged)
        }
        prepared => prepared.map(|seal| (connection, seal)),
    }
}

/// Makes the file an outbox that can be used.
fn prepare(
    connection: &mut Connection,
    path: &Path,
    key: Option<&Key>,
    durability: Durability,
    lock_wait: Duration,
) -> std::result::Result<Seal, Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let application_id = pragma(connection, "application_id").map_err(failed)?;
    let format = format(connection).map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    match application_id {
        APPLICATION_ID if format > FORMAT => {
            let path = path.to_owned();
            return Err(Refused::Error(Error::NewerFormat {
                path,
                found: format,
                supported: FORMAT,
            }));
        }
        APPLICATION_ID | DAMAGED_ID => {}
        0 if tables == 0 => create(connection, path, key, lock_wait).map_err(failed)?,
        _ => return Err(Refused::Damaged("it is another program's database".to_owned())),
    }
    // First of all, as with another key nothing must be done to the file, whatever state it is in.
    let seal = match seals::unlock(connection, path, key) {
        Err(Refused::Error(error)) => {
            leave_as_found(connection, path).map_err(failed)?;
            return Err(Refused::Error(error));
        }
        unlocked => unlocked?,
    };
    if application_id == DAMAGED_ID {
        return Err(Refused::Damaged(DAMAGED.to_owned()));
    }
    configure(connection, lock_wait).map_err(failed)?;
    // The first look may have waited for somebody who took the file from the path. From here on nobody does: with a log it
    // is locked for as long as the connection is open. What was written to it now would go to the log of the other file,
    // which has that name.
    if has_moved(connection) {
        return Err(Refused::Exchanged);
    }
    sync_commits(connection, Durability::Full).map_err(failed)?;
    upgrade(connection).map_err(|source| refused(path, source))?;
    validate(connection, path)?;
    sync_commits(connection, durability).map_err(failed)?;
    settle_identity(connection, path, durability)?;
    keep_log_on_close(connection, false).map_err(failed)?;
    Ok(seal)
}

/// Whether the key is the one of the outbox at the path, of which this file is a part.
///
/// # Errors
/// It is not, or the file cannot be read for now. A file that is damaged is not refused.
pub(in crate::outbox::sqlite) fn check_key(file: &Path, path: &Path, key: Option<&Key>) -> Result<()> {
    let opened = open(file, Duration::ZERO)
        .and_then(|connection| leave_as_found(&connection, file).map(|()| connection));
    let connection = opened.map_err(|source| Error::sqlite(file, source))?;
    match seals::unlock(&connection, path, key) {
        Err(Refused::Error(error)) => Err(error),
        Ok(_) | Err(Refused::Damaged(_) | Refused::Exchanged) => Ok(()),
    }
}

/// A damaged outbox, to read what can be read of it; `None` if the file is none. Nobody else can use it
/// meanwhile, and it is not written to.
///
/// # Errors
/// [`Error::Locked`] while anybody else has it open, or it cannot be read for now.
pub(in crate::outbox::sqlite) fn open_damaged(
    path: &Path,
    lock_wait: Duration,
    readings: &Readings,
) -> Result<Option<Connection>> {
    // SQLite would delete the log of a database without content.
    if fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(None);
    }
    let opened = || -> rusqlite::Result<Option<Connection>> {
        let connection = open(path, lock_wait)?;
        keep_log_on_close(&connection, true)?;
        // Before the file is read for the first time: then its lock is for this connection alone, and
        // the index of its log is kept in memory.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        connection.pragma_update(None, "cell_size_check", true)?;
        let application_id = pragma(&connection, "application_id")?;
        let is_ours = [APPLICATION_ID, DAMAGED_ID].contains(&application_id);
        let format = format(&connection)?;
        if is_ours && format < FORMAT {
            // Its rows, with the columns of now.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.execute_batch("CREATE TEMP VIEW tx AS SELECT *, NULL AS first FROM main.tx")?;
        }
        Ok((is_ours && format <= FORMAT).then_some(connection))
    };
    let opened = readings
        .of(opened())
        .map_err(|source| Error::sqlite(path, source))?;
    Ok(opened.flatten())
}

/// The uploader's connection, on a file that [`open_writer`] has opened.
pub(in crate::outbox::sqlite) fn open_uploader(path: &Path, lock_wait: Duration) -> Result<Connection> {
    let failed = |source| Error::sqlite(path, source);
    let connection = open(path, lock_wait).map_err(failed)?;
    configure(&connection, lock_wait).map_err(failed)?;
    // Removing rows touches each of their pages several times. What does not fit in the cache would be written to the log
    // each time rather than once; a lease bounds how much that is.
    connection
        .pragma_update(None, "cache_spill", false)
        .map_err(failed)?;
    Ok(connection)
}

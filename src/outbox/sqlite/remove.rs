//! Finding outboxes among other files, telling whether they were written to, and deleting them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::readings::Readings;
use super::recover::{beside, recovered_file};
use super::schema;
use crate::outbox::{Error, Result};

/// All that belongs to an outbox. What is left of an interrupted deletion is an outbox still, if an older one: the file
/// itself goes last but for its locks. What was moved aside as damaged is not part of it.
const FILES: [&str; 15] = [
    "-wal",
    "-shm",
    ".salvaged",
    ".salvaged-wal",
    ".salvaged-shm",
    ".salvaged-journal",
    ".rekeyed",
    ".rekeyed-wal",
    ".rekeyed-shm",
    ".rekeyed-journal",
    ".recovered",
    ".reserve",
    "",
    ".uploader",
    ".recovery.lock",
];

/// The path of the outbox that a file may be: its own, but for one that an interrupted exchange left.
pub(crate) fn path_of(file: PathBuf) -> PathBuf {
    match file.extension() {
        Some(ending) if ending == "recovered" => file.with_extension(""),
        _ => file,
    }
}

/// Whether the file is an outbox, also a damaged one that still says so, or one is to take its place.
///
/// # Errors
/// It could not be asked, so it may be one.
pub(crate) fn is_outbox(path: &Path) -> Result<bool> {
    // First what is good, as the other may be damaged.
    Ok(says_so(&recovered_file(path))? || says_so(path)?)
}

/// Asks SQLite, because a file that this process has open must not be opened and closed by anybody else.
fn says_so(file: &Path) -> Result<bool> {
    match fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("find", file, error)),
    }
    let asked = || {
        let connection = connect(file)?;
        schema::keep_log_on_close(&connection, true)?;
        application_id(&connection)
    };
    match asked() {
        Ok(id) => Ok([schema::APPLICATION_ID, schema::DAMAGED_ID].contains(&id)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(false),
        Err(error) => Err(Error::sqlite(file, error)),
    }
}

/// Whether the file is an outbox that was closed in order with nothing in it. Costs less than opening it.
pub(crate) fn is_drained(path: &Path) -> bool {
    // With a log, rows may be in that, and others may be writing. What an interrupted exchange left holds all rows.
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    if [beside(path, "-wal"), recovered_file(path)].iter().any(is_there) {
        return false;
    }
    let asked = || {
        let connection = connect(path)?;
        let is_empty = "SELECT NOT EXISTS (SELECT 1 FROM tx)";
        let is_empty = connection.query_row(is_empty, [], |row| row.get::<_, bool>(0))?;
        Ok::<_, rusqlite::Error>(is_empty && application_id(&connection)? == schema::APPLICATION_ID)
    };
    asked().unwrap_or(false)
}

/// What tells whether anything was written to an outbox since: size and time of each file that may hold rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footprint([Option<(u64, Option<SystemTime>)>; 3]);

/// Opens nothing, so it shows nobody that it was asked for.
pub(crate) fn footprint(path: &Path) -> Footprint {
    let of = |path: &Path| {
        // An empty log is there while somebody looks, and says no more than none.
        let metadata = fs::metadata(path).ok().filter(|metadata| metadata.len() > 0)?;
        Some((metadata.len(), metadata.modified().ok()))
    };
    Footprint([of(path), of(&beside(path, "-wal")), of(&recovered_file(path))])
}

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// Deletes an outbox with everything in it.
///
/// # Errors
/// [`Error::Locked`] while anybody has it open, also in another process; [`Error::Corrupt`] where the file is no outbox.
/// It is there still, perhaps without its newest rows.
pub(crate) fn delete(path: &Path) -> Result<()> {
    let alone = schema::open_damaged(path, Duration::ZERO, &Readings::default())?;
    if alone.is_none() {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            reason: "it is not an outbox".to_owned(),
        });
    }
    for suffix in FILES {
        let name = beside(path, suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("delete", &name, error));
            }
            _ => {}
        }
    }
    drop(alone);
    realm_ingest_durable::sync_parent(path).map_err(|source| Error::io("sync the folder of", path, source))
}

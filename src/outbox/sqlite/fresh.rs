//! A complete new file beside an outbox, which is to take its place.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;

use super::recover::beside;
use super::schema;
use crate::outbox::{Error, Result};

/// Bytes of rows that are committed to it at once.
pub(super) const STEP_BYTES: u64 = 8 * 1024 * 1024;

/// Deletes what is left of an earlier attempt.
pub(super) fn delete(target: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        // If there is anything.
        let _ = fs::remove_file(beside(target, suffix));
    }
}

/// Closes it with all that was written to it in the file itself, which then needs no log to be read, and on the disk.
pub(super) fn complete(connection: Connection, target: &Path) -> Result<()> {
    let failed = |source| Error::sqlite(target, source);
    schema::leave_log(&connection).map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))?;
    let synced = File::open(target).and_then(|file| file.sync_all());
    synced.map_err(|source| Error::io("sync", target, source))
}

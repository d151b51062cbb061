//! Whether a file is the one it was made in, or a copy.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Refused;
use crate::ffi::os::file_id;
use crate::outbox::sqlite::meta;
use crate::outbox::{Durability, Error, new_identity};

/// Gives the outbox a new identity if its file is not the one it was made in: then it is a copy,
/// most likely an older one, and its numbers may have been used (invariant 4). Notes relaxed
/// durability, so that an uploader in another process knows of it.
pub(super) fn settle_identity(
    connection: &mut Connection,
    path: &Path,
    durability: Durability,
) -> std::result::Result<(), Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let stamp = stamp(path);
    let relaxed = durability == Durability::Relaxed;
    let current = "SELECT stamp = ?1 AND relaxed >= ?2 FROM meta";
    if connection
        .query_row(current, params![stamp, relaxed], |row| row.get(0))
        .map_err(failed)?
    {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let renewed = transaction
        .execute("UPDATE meta SET stamp = ?1 WHERE stamp <> ?1", [&stamp])
        .map_err(failed)?;
    if renewed > 0 {
        meta::set_identity(&transaction, &new_identity()).map_err(failed)?;
    }
    transaction
        .execute("UPDATE meta SET relaxed = max(relaxed, ?1)", params![relaxed])
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// What tells a file from its copies: its inode and when that was made. An inode's number alone is
/// often given to the copy that replaces the file, and a device's number changes between starts on
/// some systems, so the device only counts where the file system keeps no time of creation.
pub(super) fn stamp(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else {
        return String::new();
    };
    let made = metadata
        .created()
        .ok()
        .and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let (device, inode) = file_id::of(&metadata);
    match made {
        Some(made) => format!("{inode}@{}", made.as_nanos()),
        None => format!("{inode}@{device}"),
    }
}

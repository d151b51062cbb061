//! What a new file has.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::connection::{pragma, sync_commits, use_log};
use super::identity::stamp;
use super::{APPLICATION_ID, FORMAT, PAGE_BYTES};
use crate::outbox::sqlite::{meta, seals};
use crate::outbox::{Durability, Key, Origin, new_identity};

/// The tables that every format has, as this one has them.
const TABLES: &str = "
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        identity TEXT NOT NULL,
        stamp TEXT NOT NULL,
        high_seq INTEGER NOT NULL,
        relaxed INTEGER NOT NULL,
        dropped_transactions INTEGER NOT NULL,
        dropped_objects INTEGER NOT NULL,
        dropped_bytes INTEGER NOT NULL,
        lineage TEXT NOT NULL,
        acked INTEGER NOT NULL,
        app TEXT,
        user TEXT,
        principal TEXT,
        tidied INTEGER NOT NULL DEFAULT 0,
        syncs INTEGER NOT NULL DEFAULT 0,
        salt BLOB,
        proof BLOB,
        salt_checksum INTEGER,
        owner_mark TEXT,
        guarded INTEGER NOT NULL DEFAULT 0,
        mark INTEGER NOT NULL DEFAULT 0,
        known_from INTEGER NOT NULL DEFAULT 1,
        damaged INTEGER NOT NULL DEFAULT 0,
        refused_objects INTEGER NOT NULL DEFAULT 0,
        sent_objects INTEGER NOT NULL DEFAULT 0,
        sent_bytes INTEGER NOT NULL DEFAULT 0,
        acknowledged INTEGER NOT NULL DEFAULT 0,
        round_from INTEGER NOT NULL DEFAULT 0,
        drained_at INTEGER NOT NULL DEFAULT 0,
        origin_sum INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE schema (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tx (
        seq INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        objects INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        objects_through INTEGER NOT NULL,
        bytes_through INTEGER NOT NULL,
        schema INTEGER NOT NULL,
        codec INTEGER NOT NULL,
        runs BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        payload BLOB NOT NULL,
        first INTEGER
    ) STRICT;
";

/// The tables that format 1 had not.
pub(super) const SINCE_2: &str = "
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        salt BLOB NOT NULL,
        proof BLOB NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE epoch (
        first INTEGER PRIMARY KEY,
        mark INTEGER NOT NULL,
        damaged INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refused (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        doubt INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refusal (
        seq INTEGER NOT NULL,
        position INTEGER NOT NULL,
        told BLOB NOT NULL,
        PRIMARY KEY (seq, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE loss (
        id INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        reason INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE recovery (
        id INTEGER PRIMARY KEY,
        label TEXT NOT NULL,
        former_sdk INTEGER NOT NULL,
        reason TEXT NOT NULL,
        kept INTEGER,
        lost INTEGER,
        reported INTEGER NOT NULL
    ) STRICT;
";

/// What a new file has, of an empty one.
pub(in crate::outbox::sqlite) fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch(SINCE_2)
}

/// Makes an empty file an outbox. Another process may be doing the same.
pub(super) fn create(
    connection: &mut Connection,
    path: &Path,
    key: Option<&Key>,
    lock_wait: Duration,
) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Incremental: pages can be given back to the file system when it suits, without a copy of
    // the file. It can only be chosen while the file is empty.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    use_log(connection, lock_wait)?;
    sync_commits(connection, Durability::Full)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if pragma(&transaction, "application_id")? != APPLICATION_ID {
        create_tables(&transaction)?;
        transaction.execute(
            "INSERT INTO meta (id, identity, stamp, high_seq, relaxed, dropped_transactions, dropped_objects,
                               dropped_bytes, lineage, acked)
             VALUES (1, '', ?1, 0, 0, 0, 0, 0, '', 0)",
            [stamp(path)],
        )?;
        let origin = Origin {
            identity: new_identity(),
            lineage: new_identity(),
            acked: 0,
        };
        meta::set_origin(&transaction, &origin)?;
        seals::make(&transaction, key)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

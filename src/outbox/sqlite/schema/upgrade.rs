//! Files of earlier formats.

use rusqlite::{Connection, TransactionBehavior};

use super::FORMAT;
use super::connection::format;

/// What format 2 has and format 1 had not. What was settled of a file of format 1 is not known; 0 says
/// too little rather than too much.
const FROM_1: &str = "
    ALTER TABLE meta ADD COLUMN lineage TEXT NOT NULL DEFAULT '';
    ALTER TABLE meta ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN app TEXT;
    ALTER TABLE meta ADD COLUMN user TEXT;
    ALTER TABLE meta ADD COLUMN principal TEXT;
    ALTER TABLE meta ADD COLUMN tidied INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN syncs INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN salt BLOB;
    ALTER TABLE meta ADD COLUMN proof BLOB;
    ALTER TABLE meta ADD COLUMN salt_checksum INTEGER;
    ALTER TABLE meta ADD COLUMN owner_mark TEXT;
    ALTER TABLE meta ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN known_from INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE meta ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN refused_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN sent_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN sent_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN round_from INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN drained_at INTEGER NOT NULL DEFAULT 0;
    UPDATE meta SET known_from = coalesce((SELECT min(seq) FROM tx), high_seq + 1);
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
    ALTER TABLE tx ADD COLUMN first INTEGER;
    UPDATE meta SET lineage = lower(hex(randomblob(16)));
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        salt BLOB NOT NULL,
        proof BLOB NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
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

/// Makes a file of an earlier format one of this format, all at once. Another process may be doing the
/// same.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    if format(connection)? >= FORMAT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if format(&transaction)? < 2 {
        transaction.execute_batch(FROM_1)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

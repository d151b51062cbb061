//! Files of earlier formats.

use rusqlite::{Connection, TransactionBehavior};

use super::FORMAT;
use super::connection::format;
use super::create::SINCE_2;
use crate::outbox::sqlite::meta;
use crate::outbox::{Origin, new_identity};

/// What the tables of format 1 lack; [`SINCE_2`] has those that it had not. What was settled of a file of format 1 is not known; 0 says
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
    ALTER TABLE meta ADD COLUMN origin_sum INTEGER NOT NULL DEFAULT 0;
    UPDATE meta SET known_from = coalesce((SELECT min(seq) FROM tx), high_seq + 1);
    ALTER TABLE tx ADD COLUMN first INTEGER;
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
        transaction.execute_batch(SINCE_2)?;
        let origin = Origin {
            identity: transaction.query_row("SELECT identity FROM meta", [], |row| row.get(0))?,
            lineage: new_identity(),
            acked: 0,
        };
        meta::set_origin(&transaction, &origin)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

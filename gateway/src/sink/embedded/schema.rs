//! The file of the embedded sink.

use rusqlite::Connection;

/// Name of the file in the data directory.
pub(crate) const FILE: &str = "documents.sqlite";

/// Format of the file, in `user_version`.
pub(crate) const FORMAT: i32 = 2;

/// What leads from each format to the next, from an empty file on.
pub(super) const STEPS: &[&str] = &[FORMAT_1, FORMAT_2];

/// `id` is the BSON type byte and the value's bytes, with 32-bit integers widened: what MongoDB takes for
/// the same `_id` is the same here. `ingest/id.rs` has it as it is since format 2. `document` is the BSON as it was made on the device.
const FORMAT_1: &str = "
    CREATE TABLE collections (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        documents INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE documents (
        seq INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collections,
        id BLOB NOT NULL, document BLOB NOT NULL
    );
    CREATE UNIQUE INDEX documents_id ON documents (collection, id);
    CREATE TABLE dead_letters (
        number INTEGER PRIMARY KEY, outbox TEXT NOT NULL, seq INTEGER NOT NULL, position INTEGER NOT NULL,
        collection TEXT NOT NULL, user TEXT NOT NULL, time INTEGER NOT NULL,
        code TEXT NOT NULL, reason TEXT NOT NULL, document BLOB NOT NULL
    );
    CREATE INDEX dead_letters_place ON dead_letters (outbox, seq, position);
    CREATE TABLE positions (outbox TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE probe (id INTEGER PRIMARY KEY, time INTEGER NOT NULL);
";

/// Documents are divided into blocks of so many numbers. Which collections have documents in a block is noted, so that a rare
/// collection is found without an index over every document: that would cost storing a fifth more.
pub(super) const BLOCK: i64 = 1_024;

/// `lineage`, `first` and `digest` are of what was taken last, see `ingest/order.rs`; null in what was written before, as
/// are app and user. `heard` is when the outbox last sent, `device` what its device last said of itself, as JSON, both also
/// of what was not taken. `schema` is the fingerprint that something was written under. A setback is a batch whose outbox was
/// acknowledged more than `position` says; `set_back` is when the last one came. Different dead letters can have one place
/// if they were kept in format 1. `letter_counts` has the dead letters of each user, and of everybody under the empty name.
/// `blocks` says which collections have documents in which block, see [`BLOCK`]. An integer as `id` has its highest byte first
/// and its sign turned, so that ascending ones are side by side in the index.
const FORMAT_2: &str = "
    -- What one integer was may be what another becomes, so nothing is unique meanwhile.
    DROP INDEX documents_id;
    UPDATE documents SET id = unhex('12'
        || substr('89ABCDEF01234567', instr('0123456789ABCDEF', substr(hex(id), 17, 1)), 1) || substr(hex(id), 18, 1)
        || substr(hex(id), 15, 2) || substr(hex(id), 13, 2) || substr(hex(id), 11, 2) || substr(hex(id), 9, 2)
        || substr(hex(id), 7, 2) || substr(hex(id), 5, 2) || substr(hex(id), 3, 2)
    ) WHERE substr(id, 1, 1) = x'12';
    CREATE UNIQUE INDEX documents_id ON documents (collection, id);
    CREATE TABLE blocks (
        collection INTEGER NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (collection, block)
    ) WITHOUT ROWID;
    INSERT INTO blocks SELECT DISTINCT collection, seq / 1024 FROM documents;
    CREATE TABLE outboxes (
        app TEXT NOT NULL, user TEXT NOT NULL, outbox TEXT NOT NULL, position INTEGER NOT NULL,
        lineage TEXT, first INTEGER, digest BLOB, heard INTEGER, schema TEXT, device TEXT,
        setbacks INTEGER NOT NULL DEFAULT 0, set_back INTEGER,
        PRIMARY KEY (outbox, user, app)
    ) WITHOUT ROWID;
    INSERT INTO outboxes (app, user, outbox, position) SELECT '', '', outbox, seq FROM positions;
    DROP TABLE positions;
    ALTER TABLE dead_letters ADD COLUMN app TEXT NOT NULL DEFAULT '';
    ALTER TABLE dead_letters ADD COLUMN schema TEXT;
    DROP INDEX dead_letters_place;
    CREATE INDEX dead_letters_place ON dead_letters (outbox, user, app, seq, position);
    CREATE TABLE letter_counts (
        user TEXT PRIMARY KEY, letters INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO letter_counts SELECT user, count(*), sum(length(document)) FROM dead_letters GROUP BY user;
    INSERT INTO letter_counts SELECT '', count(*), coalesce(sum(length(document)), 0) FROM dead_letters;
    CREATE TRIGGER letter_kept AFTER INSERT ON dead_letters BEGIN
        INSERT INTO letter_counts VALUES ('', 1, length(new.document)), (new.user, 1, length(new.document))
            ON CONFLICT (user) DO UPDATE SET letters = letters + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER letter_gone AFTER DELETE ON dead_letters BEGIN
        UPDATE letter_counts SET letters = letters - 1, bytes = bytes - length(old.document)
            WHERE user IN ('', old.user);
        DELETE FROM letter_counts WHERE user = old.user AND letters = 0;
    END;
";

/// Settings of the writing connection.
pub(super) fn tune(connection: &Connection) -> rusqlite::Result<()> {
    // 64 MiB keep the upper levels of the index of many millions of documents at hand.
    connection.pragma_update(None, "cache_size", -65_536)?;
    // 16 MiB of log between checkpoints: each page of the index is then copied back once for many batches.
    connection.pragma_update(None, "wal_autocheckpoint", 4_096)?;
    // After a burst the log gives its space back.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::{Document, doc};
    use rusqlite::params;

    use super::*;
    use crate::ingest::id;
    use crate::sink::embedded::testing::{batch_with, opened};
    use crate::sink::embedded::writer::store;
    use crate::sink::{Outcome, Quota};
    use crate::sqlite::open_writer;

    /// An `_id` as format 1 kept it.
    fn kept(document: &Document) -> Vec<u8> {
        match document.get("_id").unwrap() {
            bson::Bson::Int64(id) => [&[0x12], &id.to_le_bytes()[..]].concat(),
            bson::Bson::Int32(id) => [&[0x12], &i64::from(*id).to_le_bytes()[..]].concat(),
            bson::Bson::ObjectId(id) => [&[0x07], &id.bytes()[..]].concat(),
            other => unreachable!("{other}"),
        }
    }

    #[test]
    fn documents_of_format_1_are_known_again_by_their_ids() {
        let data = tempfile::tempdir().unwrap();
        let object_id = bson::oid::ObjectId::from_bytes([0x12; 12]);
        // In format 1 the key of 128 was what that of 0 becomes.
        let integers = [i64::MIN, -2, -1, 0, 1, 128, 255, 256, 1 << 40, i64::MAX];
        let documents = integers.map(|id| doc! {"_id": id}).into_iter();
        let documents = documents.chain([doc! {"_id": -77_i32}, doc! {"_id": object_id}]);
        let documents: Vec<_> = documents.collect();
        {
            let before = open_writer(&data.path().join(FILE), 1, &STEPS[..1]).unwrap();
            let collection = "INSERT INTO collections (id, name) VALUES (1, 'Note')";
            before.execute(collection, []).unwrap();
            for document in &documents {
                let values = params![kept(document), document.to_vec().unwrap()];
                let insert = "INSERT INTO documents (collection, id, document) VALUES (1, ?1, ?2)";
                before.execute(insert, values).unwrap();
            }
        }
        let mut after = opened(&data);
        let others = [doc! {"_id": 0_i64, "other": true}, doc! {"_id": 2_i64}];
        let sent = documents.iter().chain(&others).cloned();
        let batch = batch_with(1, 0, sent, &[]);
        let outcomes = store(&mut after, Quota::default(), &[&batch], false).unwrap();
        let [Ok(Outcome::Stored { found, .. })] = &outcomes[..] else {
            unreachable!("{outcomes:?}");
        };
        let differs: Vec<_> = found.as_slice().iter().map(|one| one.index as usize).collect();
        assert_eq!(
            (found.equal(), differs),
            (documents.len() as u64, vec![documents.len()])
        );
        let mut statement = after.prepare("SELECT id, document FROM documents").unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let rows: Vec<(Vec<u8>, Vec<u8>)> = rows.map(Result::unwrap).collect();
        assert_eq!(rows.len(), documents.len() + 1);
        for (id, document) in rows {
            let mut expected = Vec::new();
            id::key(&document).unwrap().write(&mut expected);
            assert_eq!(id, expected);
        }
    }
}

//! Reads the document file, also while a server writes it.
//!
//! Every answer is a small read of its own: a long one would hold up the server's checkpoints.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, Rows, params};

use super::schema::{BLOCK, FILE, FORMAT};
use super::which;
use crate::sink::{DeadLetter, Which};
use crate::sqlite::{OpenError, open_reader};

/// A stored document.
#[derive(Debug)]
pub struct Arrival {
    /// Its number in the order of arrival.
    pub seq: i64,
    /// Collection it is in.
    pub collection: i64,
    /// The BSON as it was made on the device.
    pub document: Vec<u8>,
}

/// One collection and its size.
#[derive(Debug)]
pub struct CollectionStats {
    /// Number of the collection.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of BSON in it.
    pub bytes: u64,
}

/// Bytes of documents after which an answer ends: each of them may have as many.
const BYTES: usize = 16 * 1024 * 1024;

/// Documents of one collection or of all.
const IN_ORDER: &str = "SELECT seq, collection, document FROM documents
    WHERE seq > ?1 AND seq <= ?2 AND (?3 IS NULL OR collection = ?3) ORDER BY seq LIMIT ?4";

/// Documents of one collection, looked for by their numbers in the blocks where it has some. Each comes as it is found: the
/// index would give them by `_id`, to be sorted.
const OF_COLLECTION: &str = "SELECT seq, documents.collection, document
    FROM blocks CROSS JOIN documents NOT INDEXED
      ON seq BETWEEN max(block * ?5, ?1 + 1) AND min(block * ?5 + ?5 - 1, ?2)
    WHERE blocks.collection = ?3 AND block BETWEEN ?1 / ?5 AND ?2 / ?5 AND documents.collection = ?3
    ORDER BY block, seq LIMIT ?4";

/// A connection for reading.
pub struct Reader {
    pub(super) connection: Connection,
    /// Of the file: a server of an earlier release may be writing it.
    pub(super) format: i32,
    pub(super) file_bytes: u64,
}

impl Reader {
    /// Opens the file in the directory `data`.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let path = data.join(FILE);
        let (connection, format) = open_reader(&path, FORMAT)?;
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        let file_bytes = size(&path) + size(&path.with_extension("sqlite-wal"));
        Ok(Self {
            connection,
            format,
            file_bytes,
        })
    }

    /// Every collection, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn collections(&self) -> rusqlite::Result<Vec<CollectionStats>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, name, documents, bytes FROM collections ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            Ok(CollectionStats {
                id: row.get(0)?,
                name: row.get(1)?,
                documents: count(row, 2)?,
                bytes: count(row, 3)?,
            })
        })?;
        rows.collect()
    }

    /// Number of the newest document, 0 if there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn newest(&self) -> rusqlite::Result<i64> {
        let newest = self
            .connection
            .query_one("SELECT max(seq) FROM documents", [], |row| row.get(0));
        Ok(newest.optional()?.flatten().unwrap_or(0))
    }

    /// Documents with a number above `after` and up to `until`, of one collection or of all: at most `limit` of them, and no
    /// more once they have 16 MiB.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn documents(
        &self,
        collection: Option<i64>,
        after: i64,
        until: i64,
        limit: u32,
    ) -> rusqlite::Result<Vec<Arrival>> {
        if collection.is_some() && self.format > 1 {
            let mut statement = self.connection.prepare_cached(OF_COLLECTION)?;
            return arrivals(statement.query(params![after, until, collection, limit, BLOCK])?);
        }
        let mut statement = self.connection.prepare_cached(IN_ORDER)?;
        arrivals(statement.query(params![after, until, collection, limit])?)
    }

    /// Shows each dead letter that there is now and is meant, in the order of arrival, until `visit` breaks.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` fails with.
    pub fn each_dead_letter<E: From<rusqlite::Error>>(
        &self,
        which: &Which,
        mut visit: impl FnMut(DeadLetter) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let until = which::newest(&self.connection)?;
        let mut after = 0;
        while let Some(found) = which.next(&self.connection, after, until)? {
            for number in found.numbers {
                let letter = letter(&self.connection, number, self.format)?;
                if let Some(letter) = letter
                    && visit(letter)?.is_break()
                {
                    return Ok(());
                }
            }
            after = found.until;
        }
        Ok(())
    }
}

fn arrivals(mut rows: Rows<'_>) -> rusqlite::Result<Vec<Arrival>> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < BYTES
        && let Some(row) = rows.next()?
    {
        let arrival = Arrival {
            seq: row.get(0)?,
            collection: row.get(1)?,
            document: row.get(2)?,
        };
        bytes += arrival.document.len();
        found.push(arrival);
    }
    Ok(found)
}

/// The dead letter of this number in a file of this format, none when it has left.
pub(super) fn letter(
    connection: &Connection,
    number: i64,
    format: i32,
) -> rusqlite::Result<Option<DeadLetter>> {
    let mut find = connection.prepare_cached("SELECT * FROM dead_letters WHERE number = ?1")?;
    find.query_one([number], |row| dead_letter(row, format))
        .optional()
}

/// A dead letter from a row of a file of this format.
fn dead_letter(row: &Row<'_>, format: i32) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        number: row.get("number")?,
        app: if format == 1 {
            String::new()
        } else {
            row.get("app")?
        },
        outbox: row.get("outbox")?,
        seq: row.get("seq")?,
        index: row.get("position")?,
        collection: row.get("collection")?,
        user: row.get("user")?,
        time: row.get("time")?,
        code: row.get("code")?,
        reason: row.get("reason")?,
        schema: if format == 1 { None } else { row.get("schema")? },
        document: row.get("document")?,
    })
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use rusqlite::StatementStatus;

    use super::super::schema::STEPS;
    use super::super::writer::Writer;
    use super::*;
    use crate::ingest::Place;
    use crate::sqlite::open_writer;

    /// A reader of so many documents; `class` says what each is.
    fn reader_of(data: &Path, count: i64, class: impl Fn(i64) -> &'static str) -> Reader {
        let mut connection = open_writer(&data.join(FILE), FORMAT, STEPS).unwrap();
        let transaction = connection.transaction().unwrap();
        let mut writer = Writer::new(&transaction).unwrap();
        for id in 1..=count {
            let document = bson::doc! {"_id": id}.to_vec().unwrap();
            let place = Place {
                class: class(id),
                seq: id,
                index: 0,
                document: &document,
            };
            assert_eq!(writer.insert(&place).unwrap(), Some(id));
        }
        writer.finish().unwrap();
        transaction.commit().unwrap();
        Reader::open(data).unwrap()
    }

    fn id_of(reader: &Reader, name: &str) -> i64 {
        let all = reader.collections().unwrap();
        all.iter().find(|one| one.name == name).unwrap().id
    }

    #[test]
    fn documents_of_a_collection_come_in_order_from_every_block_it_is_in() {
        let data = tempfile::tempdir().unwrap();
        let class = |id| match id {
            id if id % 700 == 0 => "Rare",
            id if id / 100 % 2 == 0 => "Even",
            _ => "Odd",
        };
        let reader = reader_of(data.path(), 5_000, class);
        for name in ["Rare", "Even", "Odd"] {
            let collection = id_of(&reader, name);
            for (after, until, limit) in [
                (0, i64::MAX, u32::MAX),
                (1_023, 1_024, 10),
                (1_400, 4_100, 10),
                (1_399, 1_400, 10),
                (4_200, 4_200, 10),
                (5_000, 9_000, 10),
            ] {
                let wanted = (after + 1..=until.min(5_000)).filter(|id| class(*id) == name);
                let wanted: Vec<_> = wanted.take(usize::try_from(limit).unwrap()).collect();
                let found = reader.documents(Some(collection), after, until, limit).unwrap();
                assert!(found.iter().all(|one| one.collection == collection));
                let found: Vec<_> = found.iter().map(|one| one.seq).collect();
                assert_eq!(found, wanted, "{name} {after} {until} {limit}");
            }
        }
    }

    #[test]
    fn an_answer_ends_when_it_is_large() {
        let data = tempfile::tempdir().unwrap();
        let reader = reader_of(data.path(), 3, |_| "Large");
        let file = Connection::open(data.path().join(FILE)).unwrap();
        let grow = format!("UPDATE documents SET document = zeroblob({})", BYTES / 2 + 1);
        file.execute_batch(&grow).unwrap();
        for collection in [None, Some(id_of(&reader, "Large"))] {
            let of = |after| reader.documents(collection, after, i64::MAX, 10).unwrap().len();
            assert_eq!((of(0), of(2), of(3)), (2, 1, 0));
        }
    }

    #[test]
    fn a_rare_collection_is_found_without_looking_at_every_document() {
        let data = tempfile::tempdir().unwrap();
        let class = |id| if id % 10_000 == 0 { "Rare" } else { "Usual" };
        let reader = reader_of(data.path(), 20_000, class);
        let rare = id_of(&reader, "Rare");
        assert_eq!(reader.documents(Some(rare), 0, i64::MAX, 10).unwrap().len(), 2);
        let statement = reader.connection.prepare_cached(OF_COLLECTION).unwrap();
        let steps = statement.get_status(StatementStatus::VmStep);
        // A step or more for each document of two blocks.
        assert!((2..20_000).contains(&(steps / 2)), "{steps}");
        assert_eq!(statement.get_status(StatementStatus::Sort), 0);
    }
}

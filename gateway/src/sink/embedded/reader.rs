//! Reads the document file, also while a server writes it.
//!
//! Every answer is a small read of its own: a long one would hold up the server's checkpoints.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::{FILE, FORMAT};
use super::which::{self, Which};
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

/// A document that was refused for good.
#[derive(Debug)]
pub struct DeadLetter {
    /// Its number in the order of arrival.
    pub number: i64,
    /// Outbox it came from.
    pub outbox: String,
    /// Transaction it belonged to.
    pub seq: i64,
    /// Its index in the transaction.
    pub index: u32,
    /// Class it was sent for.
    pub collection: String,
    /// User who sent it.
    pub user: String,
    /// Milliseconds since 1970.
    pub time: i64,
    /// Name of the refusal's code.
    pub code: String,
    /// What is wrong with it.
    pub reason: String,
    /// Fingerprint of the schema it was written under, none in what came before that was kept.
    pub schema: Option<String>,
    /// The bytes that were sent.
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

/// What the file holds.
#[derive(Debug)]
pub struct Stats {
    /// Every collection.
    pub collections: Vec<CollectionStats>,
    /// Dead letters.
    pub dead_letters: u64,
    /// Outboxes that have sent something.
    pub outboxes: u64,
    /// Times an outbox turned out to have been acknowledged more than is known here.
    pub setbacks: u64,
    /// Bytes of the file and its log.
    pub file_bytes: u64,
}

/// A connection for reading.
pub struct Reader {
    connection: Connection,
    /// Of the file: a server of an earlier release may be writing it.
    format: i32,
    file_bytes: u64,
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

    /// Documents with a number above `after` and up to `until`, at most `limit` of them; of one collection
    /// or of all.
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
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, collection, document FROM documents
             WHERE seq > ?1 AND seq <= ?2 AND (?3 IS NULL OR collection = ?3) ORDER BY seq LIMIT ?4",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Arrival {
                seq: row.get(0)?,
                collection: row.get(1)?,
                document: row.get(2)?,
            })
        };
        statement
            .query_map(params![after, until, collection, limit], read)?
            .collect()
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

    /// What the file holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stats(&self) -> rusqlite::Result<Stats> {
        let number = |query: &str| self.connection.query_one(query, [], |row| count(row, 0));
        Ok(Stats {
            collections: self.collections()?,
            dead_letters: number("SELECT count(*) FROM dead_letters")?,
            outboxes: number(match self.format {
                1 => "SELECT count(*) FROM positions",
                _ => "SELECT count(*) FROM outboxes",
            })?,
            setbacks: match self.format {
                1 => 0,
                _ => number("SELECT count(*) FROM setbacks")?,
            },
            file_bytes: self.file_bytes,
        })
    }
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

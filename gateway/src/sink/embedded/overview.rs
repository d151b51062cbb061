//! What the file holds, in numbers. Like all reading, a little at a time.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Row, params};

use super::reader::{CollectionStats, Reader, count};

/// Rows read at a time.
const CHUNK: u32 = 2_000;

/// What the file holds.
#[derive(Debug)]
pub struct Stats {
    /// Every collection.
    pub collections: Vec<CollectionStats>,
    /// Dead letters.
    pub dead_letters: u64,
    /// The same by class and code, the most numerous first.
    pub letters: Vec<LetterStats>,
    /// Outboxes that have sent something.
    pub outboxes: u64,
    /// Times an outbox turned out to have been acknowledged more than is known here.
    pub setbacks: u64,
    /// Outboxes that it happened to.
    pub set_back_outboxes: u64,
    /// When it happened last: milliseconds since 1970.
    pub last_setback: Option<i64>,
    /// Bytes of the file and its log.
    pub file_bytes: u64,
}

/// Dead letters of one class and code.
#[derive(Debug)]
pub struct LetterStats {
    /// The class they were sent for.
    pub class: String,
    /// Name of their code.
    pub code: String,
    /// How many.
    pub letters: u64,
    /// Bytes of their documents.
    pub bytes: u64,
}

/// One outbox of one user.
#[derive(Debug)]
pub struct OutboxStats {
    /// Internal id of the app, empty in what came before that was kept.
    pub app: String,
    /// The user, empty in what came before that was kept.
    pub user: String,
    /// Its name.
    pub outbox: String,
    /// Everything up to here is settled.
    pub position: i64,
    /// When it last sent: milliseconds since 1970.
    pub heard: Option<i64>,
    /// Fingerprint of the schema it last wrote under.
    pub schema: Option<String>,
    /// What its device last said of itself, as JSON.
    pub device: Option<String>,
    /// Times it turned out to have been acknowledged more than is known here.
    pub setbacks: u64,
}

/// Who writes under a schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaUse {
    /// Outboxes that last wrote under it.
    pub outboxes: u64,
    /// When one of them last sent: milliseconds since 1970.
    pub heard: Option<i64>,
}

impl Reader {
    /// What the file holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stats(&self) -> rusqlite::Result<Stats> {
        let letters = self.letter_stats()?;
        let outboxes = match self.format {
            1 => "SELECT count(*), 0, 0, NULL FROM positions",
            _ => {
                "SELECT count(*), coalesce(sum(setbacks), 0), count(*) FILTER (WHERE setbacks > 0), max(set_back)
                 FROM outboxes"
            }
        };
        self.connection.query_one(outboxes, [], |row| {
            Ok(Stats {
                collections: self.collections()?,
                dead_letters: letters.iter().map(|one| one.letters).sum(),
                letters,
                outboxes: count(row, 0)?,
                setbacks: count(row, 1)?,
                set_back_outboxes: count(row, 2)?,
                last_setback: row.get(3)?,
                file_bytes: self.file_bytes,
            })
        })
    }

    fn letter_stats(&self) -> rusqlite::Result<Vec<LetterStats>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, collection, code, length(document) FROM dead_letters
             WHERE number > ?1 ORDER BY number LIMIT ?2",
        )?;
        let mut found: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        let (mut after, mut more) = (0, true);
        while more {
            more = false;
            let mut rows = statement.query(params![after, CHUNK])?;
            while let Some(row) = rows.next()? {
                (after, more) = (row.get(0)?, true);
                let (letters, bytes) = found.entry((row.get(1)?, row.get(2)?)).or_default();
                *letters += 1;
                *bytes += count(row, 3)?;
            }
        }
        let mut found: Vec<_> = found
            .into_iter()
            .map(|((class, code), (letters, bytes))| LetterStats {
                class,
                code,
                letters,
                bytes,
            })
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.letters));
        Ok(found)
    }

    /// Shows each outbox, by name.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` fails with.
    pub fn each_outbox<E: From<rusqlite::Error>>(
        &self,
        mut visit: impl FnMut(&OutboxStats) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare_cached(match self.format {
            1 => {
                "SELECT '', '', outbox, seq, NULL, NULL, NULL, 0 FROM positions
                 WHERE (outbox, '', '') > (?1, ?2, ?3) ORDER BY outbox LIMIT ?4"
            }
            _ => {
                "SELECT app, user, outbox, position, heard, schema, device, setbacks
                 FROM outboxes WHERE (outbox, user, app) > (?1, ?2, ?3) ORDER BY outbox, user, app LIMIT ?4"
            }
        })?;
        let mut after = (String::new(), String::new(), String::new());
        loop {
            let values = params![after.0, after.1, after.2, CHUNK];
            let chunk = statement.query_map(values, read_outbox)?;
            let chunk = chunk.collect::<rusqlite::Result<Vec<_>>>()?;
            let Some(last) = chunk.last() else {
                return Ok(());
            };
            after = (last.outbox.clone(), last.user.clone(), last.app.clone());
            chunk.iter().try_for_each(&mut visit)?;
        }
    }

    /// Who writes under each schema, by its fingerprint.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn schema_uses(&self) -> rusqlite::Result<HashMap<String, SchemaUse>> {
        let mut uses: HashMap<String, SchemaUse> = HashMap::new();
        self.each_outbox(|outbox| {
            if let Some(schema) = &outbox.schema {
                let one = uses.entry(schema.clone()).or_default();
                one.outboxes += 1;
                one.heard = one.heard.max(outbox.heard);
            }
            Ok::<_, rusqlite::Error>(())
        })?;
        Ok(uses)
    }
}

fn read_outbox(row: &Row<'_>) -> rusqlite::Result<OutboxStats> {
    Ok(OutboxStats {
        app: row.get(0)?,
        user: row.get(1)?,
        outbox: row.get(2)?,
        position: row.get(3)?,
        heard: row.get(4)?,
        schema: row.get(5)?,
        device: row.get(6)?,
        setbacks: count(row, 7)?,
    })
}

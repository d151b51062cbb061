//! What the file holds, in numbers. Like all reading, a little at a time.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use rusqlite::{Row, params};

use super::reader::{Reader, count};
use crate::sink::operator::by_kind;
use crate::sink::{LetterStats, OutboxStats, SchemaUse, Stats};

/// Rows read at a time.
const CHUNK: u32 = 2_000;

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
                file_bytes: Some(self.file_bytes),
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
        Ok(by_kind(found))
    }

    /// Shows each outbox, by name, until `visit` breaks.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` fails with.
    pub fn each_outbox<E: From<rusqlite::Error>>(
        &self,
        mut visit: impl FnMut(&OutboxStats) -> Result<ControlFlow<()>, E>,
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
            for outbox in &chunk {
                if visit(outbox)?.is_break() {
                    return Ok(());
                }
            }
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
            Ok::<_, rusqlite::Error>(ControlFlow::Continue(()))
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

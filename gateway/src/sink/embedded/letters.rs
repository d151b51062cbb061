//! Keeps dead letters, within the quota. How many there are of each user is counted by triggers, so it is true whoever adds
//! and removes them.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tracing::warn;

use crate::ingest::{Batch, Letter};
use crate::sink::Unkept;
use crate::sink::quota::{Amount, Kept, Quota};

/// The user under whom all are counted; no real one has this name.
const EVERYBODY: &str = "";

/// The dead letters of one batch.
pub(super) struct Letters<'c> {
    /// Whether a letter is the same as one in its place. What was kept before apps were has none, and may be several.
    find: CachedStatement<'c>,
    bury: CachedStatement<'c>,
    quota: Quota,
    kept: Kept,
    added: Amount,
}

impl<'c> Letters<'c> {
    /// For a batch of this user.
    pub(super) fn new(connection: &'c Connection, quota: Quota, user: &str) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection.prepare_cached(
                "SELECT collection = ?6 AND document = ?7 FROM dead_letters
                 WHERE outbox = ?1 AND user = ?2 AND app IN (?3, '') AND seq = ?4 AND position = ?5
                 ORDER BY 1 DESC LIMIT 1",
            )?,
            bury: connection.prepare_cached(
                "INSERT INTO dead_letters
                   (app, outbox, seq, position, collection, user, time, code, reason, document, schema)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
            quota,
            kept: Kept {
                of_user: kept(connection, user)?,
                in_all: kept(connection, EVERYBODY)?,
            },
            added: Amount::default(),
        })
    }

    /// Keeps one; the answer is what is against that. One that is there already exceeds no quota.
    pub(super) fn bury(&mut self, batch: &Batch, letter: &Letter<'_>) -> rusqlite::Result<Option<Unkept>> {
        let Letter {
            refused,
            place,
            schema,
        } = letter;
        let context = &batch.context;
        let in_its_place = params![
            context.source.outbox,
            context.user,
            context.app,
            place.seq,
            place.index,
            place.class,
            place.document
        ];
        let same = self.find.query_one(in_its_place, |row| row.get(0)).optional()?;
        match same {
            Some(true) => return Ok(None),
            Some(false) => {
                warn!(
                    outbox = context.source.outbox,
                    seq = place.seq,
                    "a copy of an outbox sends under its name, which a dead letter tells; it is told to take another"
                );
                return Ok(Some(Unkept::Copied));
            }
            None => {}
        }
        self.bury.execute(params![
            context.app,
            context.source.outbox,
            place.seq,
            place.index,
            place.class,
            context.user,
            batch.received,
            refused.code.as_str(),
            &*refused.reason,
            place.document,
            schema
        ])?;
        self.added.letters += 1;
        self.added.bytes += place.document.len() as u64;
        let full = self.quota.exceeded(&self.kept, self.added);
        Ok(full.map(Unkept::Full))
    }
}

fn kept(connection: &Connection, user: &str) -> rusqlite::Result<Amount> {
    let mut find = connection.prepare_cached("SELECT letters, bytes FROM letter_counts WHERE user = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Amount {
            letters: super::reader::count(row, 0)?,
            bytes: super::reader::count(row, 1)?,
        })
    };
    Ok(find.query_one([user], read).optional()?.unwrap_or_default())
}

//! Keeps dead letters, within the quota. How many there are of each user is counted by triggers, so it is true whoever adds
//! and removes them.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::ingest::{Batch, Letter};
use crate::sink::quota::{Amount, Full, Kept, Quota};

/// The user under whom all are counted; no real one has this name.
const EVERYBODY: &str = "";

/// The dead letters of one batch.
pub(super) struct Letters<'c> {
    bury: CachedStatement<'c>,
    quota: Quota,
    kept: Kept,
    added: Amount,
}

impl<'c> Letters<'c> {
    /// For a batch of this user.
    pub(super) fn new(connection: &'c Connection, quota: Quota, user: &str) -> rusqlite::Result<Self> {
        Ok(Self {
            bury: connection.prepare_cached(
                "INSERT INTO dead_letters
                   (app, outbox, seq, position, collection, user, time, code, reason, document, schema)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (outbox, user, app, seq, position) DO NOTHING",
            )?,
            quota,
            kept: Kept {
                of_user: kept(connection, user)?,
                in_all: kept(connection, EVERYBODY)?,
            },
            added: Amount::default(),
        })
    }

    /// Keeps one; the answer is the part of the quota that it exceeds. One that is there already exceeds none.
    pub(super) fn bury(&mut self, batch: &Batch, letter: &Letter<'_>) -> rusqlite::Result<Option<Full>> {
        let Letter {
            refused,
            place,
            schema,
        } = letter;
        let added = self.bury.execute(params![
            batch.context.app,
            batch.context.source.outbox,
            place.seq,
            place.index,
            place.class,
            batch.context.user,
            batch.received,
            refused.code.as_str(),
            &*refused.reason,
            place.document,
            schema
        ])?;
        if added == 0 {
            return Ok(None);
        }
        self.added.letters += 1;
        self.added.bytes += place.document.len() as u64;
        Ok(self.quota.exceeded(&self.kept, self.added))
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

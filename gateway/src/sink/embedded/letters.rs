//! Keeps dead letters, within the quota. How many there are of each user is counted by triggers, so it is true whoever adds
//! and removes them.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tracing::warn;

use crate::ingest::{Batch, Letter, Refusals};
use crate::sink::quota::{Amount, Kept, Quota};
use crate::sink::{Full, Unkept};

/// The user under whom all are counted; no real one has this name.
const EVERYBODY: &str = "";

/// The dead letters of one batch.
pub(super) struct Letters<'c> {
    batch: &'c Batch,
    /// Whether a letter is the same as one in its place. What was kept before apps were has none, and may be several.
    find: CachedStatement<'c>,
    bury: CachedStatement<'c>,
    quota: Quota,
    kept: Kept,
}

/// Letters of one batch.
#[derive(Default)]
pub(super) struct Added {
    /// Those that are to be kept.
    new: Amount,
    /// Those that are kept already.
    same: Amount,
}

/// What is in the place of a letter.
enum Found {
    Nothing,
    TheSame,
    Another,
}

impl<'c> Letters<'c> {
    pub(super) fn new(connection: &'c Connection, quota: Quota, batch: &'c Batch) -> rusqlite::Result<Self> {
        Ok(Self {
            batch,
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
                of_user: kept(connection, &batch.context.user)?,
                in_all: kept(connection, EVERYBODY)?,
            },
        })
    }

    /// The part of the quota that the batch's would exceed, those that were `found` included; those that are there already exceed none. To be asked before
    /// anything is written, or who is refused could keep the writer busy with what is then undone.
    pub(super) fn exceed(&mut self, found: &Refusals) -> rusqlite::Result<Option<Full>> {
        let mut all = Amount::default();
        for letter in self.batch.letters(found) {
            all.add(&letter);
        }
        if self.quota.exceeded(&self.kept, all).is_none() {
            return Ok(None);
        }
        // Seldom so much comes: now it is worth looking which of it is new.
        let mut added = Amount::default();
        for letter in self.batch.letters(found) {
            if let Found::Nothing = self.in_place_of(&letter)? {
                added.add(&letter);
                if let Some(full) = self.quota.exceeded(&self.kept, added) {
                    return Ok(Some(full));
                }
            }
        }
        Ok(None)
    }

    /// Keeps the batch's, those that were `found` included; the answer is what is against that.
    pub(super) fn keep(&mut self, found: &Refusals) -> rusqlite::Result<Option<Unkept>> {
        if let Some(full) = self.exceed(found)? {
            return Ok(Some(Unkept::Full(full)));
        }
        for letter in self.batch.letters(found) {
            if let Some(unkept) = self.keep_one(&letter)? {
                return Ok(Some(unkept));
            }
        }
        Ok(None)
    }

    /// Keeps one, whatever the quota; the answer is what is against that.
    pub(super) fn keep_one(&mut self, letter: &Letter<'_>) -> rusqlite::Result<Option<Unkept>> {
        match self.in_place_of(letter)? {
            Found::Nothing => self.bury(letter)?,
            Found::TheSame => {}
            Found::Another => return Ok(Some(self.copied(letter))),
        }
        Ok(None)
    }

    /// Counts one; the answer is what is against keeping it.
    pub(super) fn add(&mut self, letter: &Letter<'_>, added: &mut Added) -> rusqlite::Result<Option<Unkept>> {
        match self.in_place_of(letter)? {
            Found::Nothing => added.new.add(letter),
            Found::TheSame => added.same.add(letter),
            Found::Another => return Ok(Some(self.copied(letter))),
        }
        Ok(None)
    }

    /// The part of the quota that all letters of the batch exceed. Those that are kept already, because a crash came between
    /// two slices, are not held against the others.
    pub(super) fn exceeded_by(&self, added: &Added) -> Option<Full> {
        let kept = Kept {
            of_user: self.kept.of_user.without(added.same),
            in_all: self.kept.in_all.without(added.same),
        };
        self.quota.exceeded(&kept, added.new)
    }

    fn copied(&self, letter: &Letter<'_>) -> Unkept {
        warn!(
            outbox = self.batch.context.source.outbox,
            seq = letter.place.seq,
            "a copy of an outbox sends under its name, which a dead letter tells; it is told to take another"
        );
        Unkept::Copied
    }

    fn in_place_of(&mut self, letter: &Letter<'_>) -> rusqlite::Result<Found> {
        let (context, place) = (&self.batch.context, &letter.place);
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
        Ok(match same {
            None => Found::Nothing,
            Some(true) => Found::TheSame,
            Some(false) => Found::Another,
        })
    }

    fn bury(&mut self, letter: &Letter<'_>) -> rusqlite::Result<()> {
        let Letter {
            refused,
            place,
            schema,
        } = letter;
        let context = &self.batch.context;
        self.bury.execute(params![
            context.app,
            context.source.outbox,
            place.seq,
            place.index,
            place.class,
            context.user,
            self.batch.received,
            refused.code.as_str(),
            &*refused.reason,
            place.document,
            schema
        ])?;
        Ok(())
    }
}

impl Amount {
    const fn add(&mut self, letter: &Letter<'_>) {
        self.letters += 1;
        self.bytes += letter.place.document.len() as u64;
    }

    const fn without(self, other: Self) -> Self {
        Self {
            letters: self.letters.saturating_sub(other.letters),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
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

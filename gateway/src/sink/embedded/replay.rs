//! Tries dead letters again, beside a running server or without one: those that pass go where they would have gone.

use std::path::Path;

use realm_ingest_protocol::{RefusalCode, Violation};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::reader::{DeadLetter, dead_letter};
use super::schema::{FILE, FORMAT};
use super::writer::{Place, Writer, taken};
use crate::storage::{OpenError, open_existing};

/// Letters tried in one SQLite transaction, and bytes of documents after which it ends: a server's batches wait for it.
const LETTERS: u32 = 200;
const BYTES: usize = 8 * 1024 * 1024;

/// Which letters are tried; what is none does not matter.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Those of this class.
    pub class: Option<String>,
    /// Those of this outbox.
    pub outbox: Option<String>,
    /// Those refused with this code.
    pub code: Option<String>,
}

/// What became of the letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Stored now.
    pub stored: u64,
    /// Taken away because the very document was stored already.
    pub already: u64,
    /// Still refused, for the reason they now have.
    pub left: u64,
}

/// A connection that tries letters.
pub struct Replay {
    connection: Connection,
}

impl Replay {
    /// Opens the file in the directory `data`, which must be there and have the format of this version.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let connection = open_existing(&data.join(FILE), FORMAT)?;
        Ok(Self { connection })
    }

    /// Tries every letter there is now, in the order of their arrival; `check` says whether one may be stored. Whatever
    /// happens, a letter is either stored or still there (invariant 4).
    ///
    /// # Errors
    /// When the file cannot be read or written. What was done before stands; running it again does the rest.
    pub fn run(
        &mut self,
        which: &Which,
        check: impl Fn(&DeadLetter) -> Result<(), Violation>,
    ) -> rusqlite::Result<Replayed> {
        let until: i64 =
            self.connection
                .query_one("SELECT coalesce(max(number), 0) FROM dead_letters", [], |row| {
                    row.get(0)
                })?;
        let (mut after, mut done) = (0, Replayed::default());
        while let Some(last) = self.some(which, after, until, &check, &mut done)? {
            after = last;
        }
        Ok(done)
    }

    /// Tries the next letters. The answer is the number of the last one that was tried, none when there was none.
    fn some(
        &mut self,
        which: &Which,
        after: i64,
        until: i64,
        check: impl Fn(&DeadLetter) -> Result<(), Violation>,
        done: &mut Replayed,
    ) -> rusqlite::Result<Option<i64>> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut last, mut counts) = (None, *done);
        {
            let mut numbers = transaction.prepare_cached(
                "SELECT number FROM dead_letters WHERE number > ?1 AND number <= ?2
                   AND (?3 IS NULL OR collection = ?3) AND (?4 IS NULL OR outbox = ?4) AND (?5 IS NULL OR code = ?5)
                 ORDER BY number LIMIT ?6",
            )?;
            let values = params![after, until, which.class, which.outbox, which.code, LETTERS];
            let numbers: Vec<i64> = numbers
                .query_map(values, |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut writer = Writer::new(&transaction)?;
            let mut bytes = 0;
            for number in numbers {
                let mut letter =
                    transaction.prepare_cached("SELECT * FROM dead_letters WHERE number = ?1")?;
                let letter = letter
                    .query_one([number], |row| dead_letter(row, FORMAT))
                    .optional()?;
                let Some(letter) = letter else { continue };
                bytes += letter.document.len();
                one(&transaction, &mut writer, &letter, check(&letter), &mut counts)?;
                last = Some(number);
                if bytes >= BYTES {
                    break;
                }
            }
            writer.finish()?;
        }
        transaction.commit()?;
        *done = counts;
        Ok(last)
    }
}

fn one(
    connection: &Connection,
    writer: &mut Writer<'_>,
    letter: &DeadLetter,
    checked: Result<(), Violation>,
    counts: &mut Replayed,
) -> rusqlite::Result<()> {
    let place = Place {
        class: &letter.collection,
        seq: letter.seq,
        index: letter.index,
        document: &letter.document,
    };
    let found = match checked {
        Err(violation) => Some((violation.code, violation.reason)),
        Ok(()) if writer.insert(&place)? => {
            counts.stored += 1;
            None
        }
        Ok(()) => {
            let (_, same, _) = writer.stored(&place)?;
            counts.already += u64::from(same);
            (!same).then(|| (RefusalCode::DuplicateId, taken(place.class)))
        }
    };
    match found {
        None => connection
            .prepare_cached("DELETE FROM dead_letters WHERE number = ?1")?
            .execute([letter.number])?,
        Some((code, reason)) => {
            counts.left += 1;
            connection
                .prepare_cached("UPDATE dead_letters SET code = ?2, reason = ?3 WHERE number = ?1")?
                .execute(params![letter.number, code.as_str(), reason])?
        }
    };
    Ok(())
}

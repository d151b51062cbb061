//! Tries dead letters again, beside a running server or without one: those that pass go where they would have gone.

use std::collections::HashSet;
use std::path::Path;

use realm_ingest_protocol::Violation;
use rusqlite::{Connection, TransactionBehavior, params};

use super::reader::letter;
use super::schema::{FILE, FORMAT};
use super::which;
use super::writer::Writer;
use crate::ingest::{Place, taken};
use crate::sink::{DeadLetter, OutboxKey, Replayed, Verdict, Which};
use crate::sqlite::{OpenError, open_existing};

/// A connection that tries letters.
pub struct Replay {
    connection: Connection,
}

/// The transaction of a device whose letters are being tried. They follow each other, and of two with one `_id` the
/// later stands, as when they came.
#[derive(Clone, Default)]
struct Current {
    outbox: OutboxKey,
    seq: i64,
    /// When its batch arrived: a copy of the outbox can have a transaction with this number too.
    time: i64,
    /// Documents that were stored out of it.
    stored: HashSet<i64>,
}

/// How far a run has come.
#[derive(Clone, Default)]
struct Progress {
    /// The letter that was looked at last.
    after: i64,
    current: Current,
    done: Replayed,
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
    /// happens, a letter is either stored or still there (invariant 4). `tell` is told what became of those tried by now.
    ///
    /// # Errors
    /// When the file cannot be read or written. What was done before stands; running it again does the rest.
    pub fn run(
        &mut self,
        which: &Which,
        check: impl Fn(&DeadLetter) -> Verdict,
        mut tell: impl FnMut(&Replayed),
    ) -> rusqlite::Result<Replayed> {
        let until = which::newest(&self.connection)?;
        let mut progress = Progress::default();
        while let Some(further) = self.some(which, &progress, until, &check)? {
            progress = further;
            tell(&progress.done);
        }
        Ok(progress.done)
    }

    /// Tries the next letters. The answer is how far that has come, none when there was no letter.
    fn some(
        &mut self,
        which: &Which,
        progress: &Progress,
        until: i64,
        check: impl Fn(&DeadLetter) -> Verdict,
    ) -> rusqlite::Result<Option<Progress>> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(found) = which.next(&transaction, progress.after, until)? else {
            return Ok(None);
        };
        let mut further = progress.clone();
        {
            let mut writer = Writer::new(&transaction)?;
            for number in found.numbers {
                if let Some(letter) = letter(&transaction, number, FORMAT)? {
                    one(&transaction, &mut writer, &letter, check(&letter), &mut further)?;
                }
            }
            writer.finish()?;
        }
        transaction.commit()?;
        further.after = found.until;
        Ok(Some(further))
    }
}

fn one(
    connection: &Connection,
    writer: &mut Writer<'_>,
    letter: &DeadLetter,
    verdict: Verdict,
    progress: &mut Progress,
) -> rusqlite::Result<()> {
    let Progress { current, done, .. } = progress;
    let outbox = OutboxKey {
        app: letter.app.clone(),
        user: letter.user.clone(),
        outbox: letter.outbox.clone(),
    };
    if (&current.outbox, current.seq, current.time) != (&outbox, letter.seq, letter.time) {
        *current = Current {
            outbox,
            seq: letter.seq,
            time: letter.time,
            stored: HashSet::new(),
        };
    }
    let left = match verdict {
        Ok(()) => store(writer, letter, current, done)?,
        Err(left) => {
            done.left += 1;
            let Some(left) = left else { return Ok(()) };
            Some(left)
        }
    };
    match left {
        None => connection
            .prepare_cached("DELETE FROM dead_letters WHERE number = ?1")?
            .execute([letter.number])?,
        Some(Violation { code, reason }) => connection
            .prepare_cached("UPDATE dead_letters SET code = ?2, reason = ?3 WHERE number = ?1")?
            .execute(params![letter.number, code.as_str(), reason])?,
    };
    Ok(())
}

/// Stores a document that passed. The answer is what keeps it from that.
fn store(
    writer: &mut Writer<'_>,
    letter: &DeadLetter,
    current: &mut Current,
    done: &mut Replayed,
) -> rusqlite::Result<Option<Violation>> {
    let place = Place {
        class: &letter.collection,
        seq: letter.seq,
        index: letter.index,
        document: &letter.document,
    };
    if let Some(seq) = writer.insert(&place)? {
        current.stored.insert(seq);
        done.stored += 1;
        return Ok(None);
    }
    let stored = writer.stored(&place)?;
    if stored.equal {
        done.already += 1;
        return Ok(None);
    }
    if current.stored.contains(&stored.seq) {
        writer.replace(&place, &stored)?;
        done.stored += 1;
        return Ok(None);
    }
    done.left += 1;
    Ok(Some(taken(place.class)))
}

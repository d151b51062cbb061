//! Dead letters, and how many there are of each user.

use rusqlite::params;

use super::CopyError;
use super::progress::stage;
use super::records::Records;
use super::source::Source;
use crate::sink::mongodb::copying::{COUNTS, LETTERS, PARTS, letter, letter_count};
use crate::sink::{DeadLetter, Which};
use crate::state::copying::Copied;

pub(super) fn copy(source: &Source, app: &str, records: &mut Records<'_>) -> Result<(), CopyError> {
    stage("copying dead letters");
    let mut large = Vec::new();
    source
        .reader
        .each_dead_letter::<CopyError>(&Which::default(), |one| {
            let (record, parts) = letter(app, &one, index(source, &one)?);
            if !parts.is_empty() {
                large.push(one.number);
            }
            records.push(Copied::of(LETTERS, record))?;
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
    for number in large {
        let mut find = source.documents.prepare_cached(
            "SELECT app, outbox, seq, position, collection, user, document FROM dead_letters WHERE number = ?1",
        )?;
        let one = find.query_one([number], |row| {
            Ok(DeadLetter {
                number,
                app: row.get(0)?,
                outbox: row.get(1)?,
                seq: row.get(2)?,
                index: row.get(3)?,
                collection: row.get(4)?,
                user: row.get(5)?,
                time: 0,
                code: String::new(),
                reason: String::new(),
                schema: None,
                document: row.get(6)?,
            })
        })?;
        for part in letter(app, &one, index(source, &one)?).1 {
            records.push(Copied::of(PARTS, part))?;
        }
    }
    let counts = "SELECT user, letters, bytes FROM letter_counts ORDER BY user";
    let mut counts = source.documents.prepare(counts)?;
    let mut rows = counts.query([])?;
    while let Some(row) = rows.next()? {
        let user: String = row.get(0)?;
        let record = letter_count(app, &user, row.get(1)?, row.get(2)?);
        records.push(Copied::of(COUNTS, record))?;
    }
    records.flush()
}

/// Where the document of a letter was in its transaction. In the database there is one letter in each place; release 0.1.0 kept
/// several, of which all but the first get places from the highest on, where no document has ever been.
fn index(source: &Source, letter: &DeadLetter) -> Result<u32, CopyError> {
    let mut before = source.documents.prepare_cached(
        "SELECT count(*) FROM dead_letters
         WHERE outbox = ?1 AND user = ?2 AND app IN (?3, '') AND seq = ?4 AND position = ?5 AND number < ?6",
    )?;
    let place = params![
        letter.outbox,
        letter.user,
        letter.app,
        letter.seq,
        letter.index,
        letter.number
    ];
    match before.query_one(place, |row| row.get::<_, u32>(0))? {
        0 => Ok(letter.index),
        before => Ok(u32::MAX - before + 1),
    }
}

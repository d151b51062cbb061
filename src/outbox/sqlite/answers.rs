//! The statements on `refused` and `refusal`: what the gateway has not stored of what was settled (invariant 9).
//!
//! `refused` has ranges of sequence numbers of transactions with refused objects, and what is in doubt about them;
//! `refusal` has the objects, as far as they are kept, what is told of each sealed. Both are written in the transaction in which the rows leave, or
//! before. An answer to rows that were sent again takes the place of the one before.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Result, params};

use super::meta;
use super::pack::{push_number, take_number};
use super::rows::not_as_written;
use super::schema::PAGE_BYTES;
use crate::outbox::seal::Seal;
use crate::outbox::{Cap, Doubt, Fate, KEPT_REFUSED, Refusals, RefusedObject, Settlement};

/// Bytes of `refusal` in the file: some thousand refusals as they usually are.
const KEPT_BYTES: i64 = 1024 * 1024;

/// Of a cap by bytes the record takes up to one part in so many: it does not leave with the rows, and must never be what
/// keeps others out.
const PARTS_OF_CAP: u64 = 8;

/// What an entry takes beside its text.
const ENTRY_BYTES: i64 = 32;

/// SQLite keeps the end of a larger entry on pages of its own; of pages of 4 KiB this is about a quarter.
const WHOLE_ENTRY: i64 = 1000;

/// The largest text of one entry. A reason is a sentence, and a key that is larger than this is data.
const ENTRY_TEXT: usize = 16 * 1024;

/// Ranges in `refused`: 64 KiB of them. So many take a device of which every second transaction is refused for long.
const KEPT_RANGES: i64 = 4096;

/// Names the texts of a refused object to the seal.
const PURPOSE: &str = "refusal";

/// All refused objects are in `refusal`. Numbers are never reused.
const LISTED: i64 = 0;

fn number_of(doubt: Doubt) -> i64 {
    match doubt {
        Doubt::Unlisted => 1,
        Doubt::Unsure => 2,
    }
}

/// How many bytes the record has under the cap.
fn kept_bytes(cap: &Cap) -> i64 {
    cap.max_bytes
        .map_or(KEPT_BYTES, |limit| KEPT_BYTES.min((limit / PARTS_OF_CAP) as i64))
}

/// Notes what the settlement says of its rows, in place of what was noted of them before.
pub(super) fn note(connection: &Connection, seal: &Seal, settlement: &Settlement, cap: &Cap) -> Result<()> {
    forget(connection, settlement.first, settlement.through)?;
    if settlement.refused.is_empty() && settlement.doubts.is_empty() {
        return Ok(());
    }
    let mut doubts: BTreeMap<i64, i64> = settlement.refused.iter().map(|(seq, _)| (*seq, LISTED)).collect();
    doubts.extend(
        settlement
            .doubts
            .iter()
            .map(|(seq, doubt)| (*seq, number_of(*doubt))),
    );
    for seq in list(connection, seal, &settlement.refused, kept_bytes(cap))? {
        doubts.insert(seq, number_of(Doubt::Unlisted));
    }
    for (seq, doubt) in doubts {
        add(connection, seq, doubt)?;
    }
    fit(connection, cap)?;
    give_up_ranges(connection)
}

/// Takes away what is noted of these transactions.
fn forget(connection: &Connection, first: i64, last: i64) -> Result<()> {
    let noted: Vec<(i64, i64, i64)> = connection
        .prepare_cached(
            "SELECT first, last, doubt FROM refused
             WHERE first BETWEEN coalesce((SELECT max(first) FROM refused WHERE first <= ?1), ?1) AND ?2
               AND last >= ?1",
        )?
        .query_map([first, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    for (from, to, doubt) in noted {
        connection.execute("DELETE FROM refused WHERE first = ?1", [from])?;
        for (from, to) in [(from, first - 1), (last + 1, to)] {
            if from <= to {
                connection.execute("INSERT INTO refused VALUES (?1, ?2, ?3)", [from, to, doubt])?;
            }
        }
        connection.execute("DELETE FROM refusal WHERE seq BETWEEN ?1 AND ?2", [first, last])?;
    }
    Ok(())
}

/// What an entry with so many bytes of text takes in the file.
fn taken_by(text: i64) -> i64 {
    let entry = text + ENTRY_BYTES;
    match entry {
        ..=WHOLE_ENTRY => entry,
        _ => WHOLE_ENTRY / 2 + (entry + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES,
    }
}

/// Stores the objects that are kept, in so many bytes; returns the transactions of which some are not.
fn list(
    connection: &Connection,
    seal: &Seal,
    refused: &[(i64, RefusedObject)],
    mut left: i64,
) -> Result<BTreeSet<i64>> {
    let mut incomplete = BTreeSet::new();
    for (count, (seq, object)) in refused.iter().enumerate() {
        let text = object.class.len() + object.primary_key.len() + object.reason.len();
        left -= taken_by(text as i64);
        if text > ENTRY_TEXT || left < 0 || count >= KEPT_REFUSED {
            incomplete.insert(*seq);
            continue;
        }
        let told = stored(seal, *seq, object)?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO refusal VALUES (?1, ?2, ?3)")?
            .execute(params![seq, object.index, told])?;
    }
    Ok(incomplete)
}

fn add(connection: &Connection, seq: i64, doubt: i64) -> Result<()> {
    let lengthened = connection
        .prepare_cached(
            "UPDATE refused SET last = ?1
             WHERE first = (SELECT max(first) FROM refused WHERE first < ?1) AND last = ?1 - 1 AND doubt = ?2",
        )?
        .execute([seq, doubt])?;
    if lengthened == 0 {
        connection
            .prepare_cached("INSERT INTO refused VALUES (?1, ?1, ?2)")?
            .execute([seq, doubt])?;
    }
    Ok(())
}

/// Removes the objects of the oldest transactions beyond the limits; the cap may have been another one before.
pub(super) fn fit(connection: &Connection, cap: &Cap) -> Result<()> {
    let kept_bytes = kept_bytes(cap);
    let mut statement =
        connection.prepare_cached("SELECT seq, length(told) FROM refusal ORDER BY seq DESC")?;
    let mut newest_first = statement.query([])?;
    let (mut count, mut bytes) = (0, 0);
    while let Some(row) = newest_first.next()? {
        count += 1;
        bytes += taken_by(row.get(1)?);
        if count > KEPT_REFUSED || bytes > kept_bytes {
            let through: i64 = row.get(0)?;
            connection.execute("DELETE FROM refusal WHERE seq <= ?1", [through])?;
            return mark_unlisted(connection, through);
        }
    }
    Ok(())
}

/// The objects of the transactions up to this one are not all in `refusal` any more.
fn mark_unlisted(connection: &Connection, through: i64) -> Result<()> {
    connection.execute(
        "INSERT INTO refused SELECT ?1 + 1, last, doubt FROM refused WHERE first <= ?1 AND last > ?1 AND doubt = ?2",
        [through, LISTED],
    )?;
    connection.execute(
        "UPDATE refused SET doubt = ?2, last = min(last, ?1) WHERE first <= ?1 AND doubt = ?3",
        [through, number_of(Doubt::Unlisted), LISTED],
    )?;
    join(connection, through)
}

/// Makes one range of those up to there that follow each other and are the same.
fn join(connection: &Connection, through: i64) -> Result<()> {
    let ranges: Vec<(i64, i64, i64)> = connection
        .prepare_cached("SELECT first, last, doubt FROM refused WHERE first <= ?1 ORDER BY first")?
        .query_map([through], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    let mut joined: Option<(i64, i64, i64)> = None;
    for range in ranges {
        let (first, last, doubt) = range;
        joined = match joined {
            Some((begins, ends, same)) if ends == first - 1 && same == doubt => {
                connection.execute("DELETE FROM refused WHERE first = ?1", [first])?;
                connection.execute("UPDATE refused SET last = ?2 WHERE first = ?1", [begins, last])?;
                Some((begins, last, doubt))
            }
            _ => Some(range),
        };
    }
    Ok(())
}

/// Removes the oldest ranges beyond the limit: nothing is known of them from here on.
fn give_up_ranges(connection: &Connection) -> Result<()> {
    let ranges: i64 = connection.query_row("SELECT count(*) FROM refused", [], |row| row.get(0))?;
    if ranges <= KEPT_RANGES {
        return Ok(());
    }
    let through: i64 = connection.query_row(
        "SELECT last FROM refused ORDER BY first LIMIT 1 OFFSET ?1",
        [ranges - KEPT_RANGES - 1],
        |row| row.get(0),
    )?;
    connection.execute("DELETE FROM refused WHERE last <= ?1", [through])?;
    connection.execute("DELETE FROM refusal WHERE seq <= ?1", [through])?;
    meta::raise_known_from(connection, through + 1)
}

/// What the gateway answered for a transaction that it has answered for.
pub(super) fn of(connection: &Connection, seal: &Seal, seq: i64) -> Result<Fate> {
    let mut statement = connection
        .prepare_cached("SELECT last, doubt FROM refused WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?;
    let mut found = statement.query([seq])?;
    let doubt = match found.next()? {
        Some(row) if row.get::<_, i64>(0)? >= seq => row.get::<_, i64>(1)?,
        _ => return Ok(Fate::Persisted),
    };
    if doubt == number_of(Doubt::Unsure) {
        return Ok(Fate::Unknown);
    }
    let stored: Vec<(u32, Vec<u8>)> = connection
        .prepare_cached("SELECT position, told FROM refusal WHERE seq = ?1 ORDER BY position")?
        .query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let objects = stored
        .into_iter()
        .map(|(index, told)| opened(seal, seq, index, told));
    let objects = objects.collect::<Result<_>>()?;
    Ok(Fate::Refused(Refusals {
        objects,
        complete: doubt == LISTED,
    }))
}

/// All that is noted, for another file.
pub(super) struct Answers {
    ranges: Vec<(i64, i64, i64)>,
    objects: Vec<(i64, RefusedObject)>,
}

pub(super) fn all(connection: &Connection, seal: &Seal) -> Result<Answers> {
    let ranges: Vec<(i64, i64, i64)> = connection
        .prepare("SELECT first, last, doubt FROM refused")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    // A page that is there twice is not found by SQLite.
    if !ranges.is_sorted_by(|before, next| before.1 < next.0) {
        return Err(not_as_written("the record of what was refused"));
    }
    let stored: Vec<(i64, u32, Vec<u8>)> = connection
        .prepare("SELECT seq, position, told FROM refusal ORDER BY seq, position")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    let opened = |(seq, index, told)| Ok((seq, opened(seal, seq, index, told)?));
    let objects = stored.into_iter().map(opened).collect::<Result<_>>()?;
    Ok(Answers { ranges, objects })
}

/// Takes over what is noted in another file.
pub(super) fn adopt(connection: &Connection, seal: &Seal, answers: &Answers) -> Result<()> {
    for (first, last, doubt) in &answers.ranges {
        connection.execute(
            "INSERT INTO refused VALUES (?1, ?2, ?3)",
            params![first, last, doubt],
        )?;
    }
    list(connection, seal, &answers.objects, KEPT_BYTES).map(|_| ())
}

/// The texts of a refused object as one value, which opens at no other place.
fn stored(seal: &Seal, seq: i64, object: &RefusedObject) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for text in [&object.class, &object.primary_key, &object.reason] {
        push_number(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(text.as_bytes());
    }
    Ok(seal.seal(PURPOSE, &[seq, i64::from(object.index)], &[&bytes])?)
}

fn opened(seal: &Seal, seq: i64, index: u32, told: Vec<u8>) -> Result<RefusedObject> {
    let open = || {
        let bytes = seal.open(PURPOSE, &[seq, i64::from(index)], told)?;
        let mut rest = &bytes[..];
        let mut text = || {
            let length = usize::try_from(take_number(&mut rest)?).ok()?;
            let (text, behind) = rest.split_at_checked(length)?;
            rest = behind;
            String::from_utf8(text.to_vec()).ok()
        };
        Some(RefusedObject {
            index,
            class: text()?,
            primary_key: text()?,
            reason: text()?,
        })
    };
    open().ok_or_else(|| not_as_written(&format!("a refusal of transaction {seq}")))
}

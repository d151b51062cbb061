//! Counts for monitoring, beside everything else: outboxes are read in pieces, between which others have the connection.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row};

use super::reader::count;
use crate::backend::BackendError;
use crate::sink::{Amount, Census};

/// Outboxes that are read at once: some milliseconds.
const AT_ONCE: i64 = 5_000;

const NEXT: &str = "SELECT outbox, user, app, heard FROM outboxes WHERE (outbox, user, app) > (?1, ?2, ?3)
    ORDER BY outbox, user, app LIMIT ?4";

/// Counts what is kept; takes its time.
pub(super) fn census(reader: &Arc<Mutex<Connection>>, now: i64) -> Result<Census, BackendError> {
    let lock = || reader.lock().unwrap_or_else(PoisonError::into_inner);
    let mut census = Census::default();
    let mut after = Some([String::new(), String::new(), String::new()]);
    while let Some(from) = after {
        after = piece(&lock(), &from, now, &mut census)?;
    }
    census.dead_letters = letters(&lock())?;
    Ok(census)
}

/// Counts the outboxes behind this one. The answer is the last of them, none when there are no more.
fn piece(
    reader: &Connection,
    [outbox, user, app]: &[String; 3],
    now: i64,
    census: &mut Census,
) -> rusqlite::Result<Option<[String; 3]>> {
    let mut next = reader.prepare_cached(NEXT)?;
    let mut rows = next.query((outbox, user, app, AT_ONCE))?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        census.add(row.get(3)?, now);
        read += 1;
        if read == AT_ONCE {
            return name(row).map(Some);
        }
    }
    Ok(None)
}

fn name(row: &Row<'_>) -> rusqlite::Result<[String; 3]> {
    Ok([row.get(0)?, row.get(1)?, row.get(2)?])
}

fn letters(reader: &Connection) -> rusqlite::Result<Amount> {
    let mut find = reader.prepare_cached("SELECT letters, bytes FROM letter_counts WHERE user = ''")?;
    let found = find.query_one([], |row| {
        Ok(Amount {
            letters: count(row, 0)?,
            bytes: count(row, 1)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::doc;

    use super::*;
    use crate::sink::Quota;
    use crate::sink::embedded::testing::{batch_with, opened};
    use crate::sink::embedded::writer::store;

    #[test]
    fn every_outbox_and_dead_letter_is_counted_once() {
        let data = tempfile::tempdir().unwrap();
        let mut connection = opened(&data);
        let number = AT_ONCE + 2;
        for outbox in 1..=3 {
            let documents = [doc! {"_id": outbox}, doc! {"_id": "refused"}];
            let batch = batch_with(outbox, 0, documents.into_iter(), &[1]);
            store(&mut connection, Quota::default(), &[&batch], false).unwrap();
        }
        let many = "WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO outboxes (app, user, outbox, position, heard) SELECT 'app', 'user', i, 1, -100000000 FROM n";
        connection.execute(many, [number]).unwrap();
        let heard: i64 = connection
            .query_one("SELECT max(heard) FROM outboxes", [], |row| row.get(0))
            .unwrap();
        let census = census(&Arc::new(Mutex::new(connection)), heard).unwrap();
        let long_ago = u64::try_from(number).unwrap() - 3;
        assert_eq!(census.outboxes, [3, 0, 0, long_ago]);
        assert_eq!(census.dead_letters.letters, 3);
        assert!(census.dead_letters.bytes > 0);
    }
}

//! A write transaction. As rusqlite's, but what begins and ends it is prepared once: parsed anew it would be a good part of
//! what a small write costs.

use std::ops::Deref;

use rusqlite::{Connection, Result};

/// Rolled back when it is dropped, unless it was committed.
pub(super) struct Writing<'c>(&'c Connection);

impl Writing<'_> {
    /// Takes the file's lock at once, so that it cannot fail for it later.
    pub(super) fn begin(connection: &mut Connection) -> Result<Writing<'_>> {
        let writing = Writing(connection);
        // A thread that panicked may have left one open.
        writing.roll_back()?;
        run(&writing, "BEGIN IMMEDIATE")?;
        Ok(writing)
    }

    pub(super) fn commit(self) -> Result<()> {
        run(&self, "COMMIT")
    }

    fn roll_back(&self) -> Result<()> {
        if self.is_autocommit() {
            return Ok(());
        }
        run(self, "ROLLBACK")
    }
}

impl Deref for Writing<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // If it fails it is tried again before the next one begins.
        let _ = self.roll_back();
    }
}

fn run(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE number (number INTEGER NOT NULL)")
            .unwrap();
        connection
    }

    fn write(connection: &Connection) {
        connection.execute("INSERT INTO number VALUES (1)", []).unwrap();
    }

    fn count(connection: &Connection) -> i64 {
        let sql = "SELECT count(*) FROM number";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_committed_stays_and_what_is_dropped_goes() {
        let mut connection = table();
        let writing = Writing::begin(&mut connection).unwrap();
        write(&writing);
        writing.commit().unwrap();
        let writing = Writing::begin(&mut connection).unwrap();
        write(&writing);
        drop(writing);
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection), 1);
    }

    #[test]
    fn one_that_was_left_open_is_rolled_back_by_the_next() {
        let mut connection = table();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        write(&connection);
        Writing::begin(&mut connection).unwrap().commit().unwrap();
        assert_eq!(count(&connection), 0);
    }

    #[test]
    fn a_commit_that_fails_leaves_nothing() {
        let mut connection = table();
        connection.commit_hook(Some(|| true)).unwrap();
        let writing = Writing::begin(&mut connection).unwrap();
        write(&writing);
        writing.commit().unwrap_err();
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection), 0);
    }
}

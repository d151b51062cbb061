//! Which dead letters an operator means, and how they are found a few at a time.

use rusqlite::{Connection, named_params};

use crate::sink::Which;

/// Letters looked at in one go, whether they are meant or not: a server's batches may have to wait for it.
const LOOKED_AT: u32 = 2_000;

/// Letters found in one go, and bytes of documents after which it ends.
const LETTERS: usize = 200;
const BYTES: u64 = 8 * 1024 * 1024;

/// Some of the letters.
pub(super) struct Found {
    /// The numbers of those that are meant, in the order of arrival.
    pub(super) numbers: Vec<i64>,
    /// None that is meant lies between the last of them and this.
    pub(super) until: i64,
}

/// Number of the newest letter, 0 if there is none.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let mut newest = connection.prepare_cached("SELECT coalesce(max(number), 0) FROM dead_letters")?;
    newest.query_one([], |row| row.get(0))
}

impl Which {
    /// The next letters with a number above `after` and up to `until`; none when there are no more, meant or not.
    pub(super) fn next(
        &self,
        connection: &Connection,
        after: i64,
        until: i64,
    ) -> rusqlite::Result<Option<Found>> {
        let mut statement = connection.prepare_cached(
            "SELECT number, length(document),
               (:class IS NULL OR collection = :class) AND (:outbox IS NULL OR outbox = :outbox)
               AND (:user IS NULL OR user = :user) AND (:code IS NULL OR code = :code)
               AND (:before IS NULL OR time < :before)
             FROM dead_letters WHERE number > :after AND number <= :until ORDER BY number LIMIT :looked_at",
        )?;
        let mut rows = statement.query(named_params! {
            ":class": self.class, ":outbox": self.outbox, ":user": self.user, ":code": self.code,
            ":before": self.before, ":after": after, ":until": until, ":looked_at": LOOKED_AT,
        })?;
        let (mut numbers, mut bytes, mut last) = (Vec::new(), 0, None);
        while numbers.len() < LETTERS
            && bytes < BYTES
            && let Some(row) = rows.next()?
        {
            let number = row.get(0)?;
            last = Some(number);
            if row.get(2)? {
                numbers.push(number);
                bytes += super::reader::count(row, 1)?;
            }
        }
        Ok(last.map(|until| Found { numbers, until }))
    }
}

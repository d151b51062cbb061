//! The cap: whether a write fits under it, and what is dropped for it. Looked at with each write, inside the write's
//! transaction, in a time that does not grow with the backlog. Where more is to be dropped than a step, it goes in
//! several commits before the write's: then neither memory nor the log grows with it, others get the file in between,
//! and what was dropped stays so if the process ends. What is merely too old is dropped a step with each write, which
//! does not wait for the rest.

use rusqlite::{Connection, Result};

use super::meta::{count_dropped, raise_high_seq};
use super::pack::Prepared;
use super::pages::{bytes_without_rows, usage};
use super::rows::{self, MAX_SEQ, Tail};
use super::{answers, ledger, settle};
use crate::outbox::seal::Seal;
use crate::outbox::{Cap, CapLimit, Loss, LossReason, Pending, Policy};

/// Rows that a step drops at most: some milliseconds, in which others wait for the file.
const STEP_ROWS: usize = 1024;

/// A step ends at so many bytes of documents: a row of many bytes is on as many pages, which the log gets.
const STEP_BYTES: u64 = 8 * 1024 * 1024;

/// What a write transaction drops.
#[derive(Default)]
pub(super) struct Dropped {
    pub(super) counts: Pending,
    /// How many rows of the file it was.
    rows: usize,
    /// Their numbers.
    ranges: Vec<Loss>,
}

impl Dropped {
    /// `seq` is the last number of what is dropped.
    fn add(&mut self, counts: Pending, seq: i64) {
        let first = seq - counts.transactions as i64 + 1;
        let add = |sum: &mut u64, more| *sum = sum.saturating_add(more).min(MAX_SEQ as u64);
        add(&mut self.counts.transactions, counts.transactions);
        add(&mut self.counts.objects, counts.objects);
        add(&mut self.counts.bytes, counts.bytes);
        match self.ranges.last_mut() {
            Some(range) if range.last == first - 1 => range.last = seq,
            _ => self.ranges.push(Loss {
                first,
                last: seq,
                reason: LossReason::Dropped,
            }),
        }
    }

    fn is_step(&self) -> bool {
        self.rows >= STEP_ROWS || self.counts.bytes >= STEP_BYTES
    }

    /// Counts it, and puts it on record.
    pub(super) fn note(&self, connection: &Connection) -> Result<()> {
        if self.ranges.is_empty() {
            return Ok(());
        }
        count_dropped(connection, &self.counts)?;
        for loss in &self.ranges {
            ledger::add(connection, loss, 0)?;
        }
        Ok(())
    }
}

/// What becomes of a write.
pub(super) enum Verdict {
    Fits,
    Refused(CapLimit),
    /// It goes by this number, and is not stored.
    Dropped(i64),
}

/// Makes room for those rows of a group that can fit: the record of refused objects gives way first, then, where the
/// policy says so, a step of the oldest rows. Whether that was all there was to drop; otherwise it is to be committed, and
/// called again.
pub(super) fn make_room(
    connection: &Connection,
    seal: &Seal,
    group: &[Prepared<'_>],
    cap: &Cap,
    dropped: &mut Dropped,
) -> Result<bool> {
    let now = rows::now();
    let mut limit = passed(connection, cap, Added::by(group))?;
    if limit.is_some() || is_too_old(connection, cap, now)? {
        // Nothing is dropped that was acknowledged.
        settle::settled_go(connection, seal)?;
        limit = passed(connection, cap, Added::by(group))?;
    }
    if let Some(CapLimit::Bytes(_)) = limit {
        answers::fit(connection, cap)?;
    }
    if cap.policy != Policy::DropOldest || (limit.is_none() && !is_too_old(connection, cap, now)?) {
        return Ok(true);
    }
    let limits = Limits::of(connection, cap)?;
    let fitting = Added::by(group.iter().filter(|row| limits.let_in(row)));
    if fitting == Added::default() {
        return Ok(true);
    }
    while !dropped.is_step() && is_too_old(connection, cap, now)? {
        drop_oldest(connection, dropped)?;
    }
    while passed(connection, cap, fitting)?.is_some() {
        if dropped.is_step() {
            return Ok(false);
        }
        if !drop_oldest(connection, dropped)? {
            break;
        }
    }
    Ok(true)
}

/// Whether the row fits under the cap, after older ones were dropped for it where the policy says so: then rows are only
/// dropped if that helps. To be called after [`make_room`], which leaves little to drop here.
pub(super) fn admit(
    connection: &Connection,
    row: &Prepared<'_>,
    cap: &Cap,
    tail: &mut Tail,
    dropped: &mut Dropped,
) -> Result<Verdict> {
    let mut limit = passed(connection, cap, Added::by([row]))?;
    if cap.policy != Policy::DropOldest
        && let Some(age) = cap.max_age
        && is_too_old(connection, cap, rows::now())?
    {
        limit = limit.or(Some(CapLimit::Age(age)));
    }
    let Some(limit) = limit else {
        return Ok(Verdict::Fits);
    };
    Ok(match cap.policy {
        Policy::Fail => Verdict::Refused(limit),
        Policy::DropOldest => {
            let can_fit = Limits::of(connection, cap)?.let_in(row);
            let mut limit = Some(limit);
            while limit.is_some() && can_fit && drop_oldest(connection, dropped)? {
                limit = passed(connection, cap, Added::by([row]))?;
            }
            limit.map_or(Verdict::Fits, Verdict::Refused)
        }
        Policy::DropNewest => {
            let seq = rows::pass_over(tail, row);
            let counts = Pending {
                transactions: row.transactions as u64,
                objects: row.objects,
                bytes: row.bytes,
            };
            dropped.add(counts, seq);
            Verdict::Dropped(seq)
        }
    })
}

/// What rows add to the file.
#[derive(Clone, Copy, Default, PartialEq)]
struct Added {
    bytes: u64,
    objects: u64,
}

impl Added {
    fn by<'r, 'p: 'r>(rows: impl IntoIterator<Item = &'r Prepared<'p>>) -> Added {
        rows.into_iter().fold(Added::default(), |sum, row| Added {
            bytes: sum.bytes + row.stored_bytes(),
            objects: sum.objects + row.objects,
        })
    }
}

/// What a file in which no row waits has room for.
struct Limits {
    bytes: u64,
    objects: u64,
}

impl Limits {
    fn of(connection: &Connection, cap: &Cap) -> Result<Limits> {
        let bytes = match cap.max_bytes {
            Some(limit) => limit.saturating_sub(bytes_without_rows(connection)?),
            None => u64::MAX,
        };
        Ok(Limits {
            bytes,
            objects: cap.max_objects.unwrap_or(u64::MAX),
        })
    }

    fn let_in(&self, row: &Prepared<'_>) -> bool {
        row.stored_bytes() <= self.bytes && row.objects <= self.objects
    }
}

/// The first limit of what waits that would be passed with more.
fn passed(connection: &Connection, cap: &Cap, added: Added) -> Result<Option<CapLimit>> {
    if let Some(limit) = cap.max_bytes
        && usage(connection)?.used_bytes() + added.bytes > limit
    {
        return Ok(Some(CapLimit::Bytes(limit)));
    }
    if let Some(limit) = cap.max_objects
        && rows::pending(connection)?.objects + added.objects > limit
    {
        return Ok(Some(CapLimit::Objects(limit)));
    }
    Ok(None)
}

/// Whether the oldest row has passed the limit of age.
fn is_too_old(connection: &Connection, cap: &Cap, now: i64) -> Result<bool> {
    let Some(limit) = cap.max_age else {
        return Ok(false);
    };
    let limit = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    let oldest = rows::waiting_since(connection)?;
    Ok(oldest.is_some_and(|oldest| now.saturating_sub(oldest) > limit))
}

/// Drops the oldest row; false if there is none.
fn drop_oldest(connection: &Connection, dropped: &mut Dropped) -> Result<bool> {
    let Some((counts, seq)) = rows::remove_oldest(connection)? else {
        return Ok(false);
    };
    // Cheaper than to find out whether it was the newest; the number is only used if it was.
    raise_high_seq(connection, seq)?;
    dropped.rows += 1;
    dropped.add(counts, seq);
    Ok(true)
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use std::borrow::Cow;

    use super::*;
    use crate::outbox::sqlite::pack::Stored;
    use crate::outbox::sqlite::{meta, schema};
    use crate::outbox::{Codec, Origin, SchemaId};

    /// A file in which so many rows of one object wait.
    fn file(rows: usize, bytes: u64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        schema::create_tables(&connection).unwrap();
        connection
            .execute_batch(&format!(
                "INSERT INTO meta (id, identity, stamp, high_seq, relaxed, dropped_transactions, dropped_objects,
                                   dropped_bytes, lineage, acked)
                 VALUES (1, '', '', 0, 0, 0, 0, 0, '', 0);
                 WITH RECURSIVE number(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM number WHERE seq < {rows})
                 INSERT INTO tx SELECT seq, 0, 1, {bytes}, seq, seq * {bytes}, 1, 0, x'', 0, x'', NULL FROM number"
            ))
            .unwrap();
        meta::set_origin(&connection, &Origin::default()).unwrap();
        connection
    }

    /// How many rows go in each step for one more row where 10 may wait.
    fn steps(connection: &Connection) -> Vec<usize> {
        let cap = Cap {
            max_objects: Some(10),
            policy: Policy::DropOldest,
            ..Cap::default()
        };
        let payload = Cow::Borrowed(&b"document"[..]);
        let stored = Stored::Row(Codec::Identity);
        let row = Prepared::new(SchemaId(1), 1, 1, 8, stored, Vec::new(), payload);
        let mut steps = Vec::new();
        loop {
            let mut dropped = Dropped::default();
            let is_all = make_room(
                connection,
                &Seal::none(),
                std::slice::from_ref(&row),
                &cap,
                &mut dropped,
            )
            .unwrap();
            dropped.note(connection).unwrap();
            steps.push(dropped.rows);
            if is_all {
                return steps;
            }
        }
    }

    #[test]
    fn a_backlog_goes_in_steps_of_so_many_rows_or_bytes() {
        let many = file(3 * STEP_ROWS, 100);
        assert_eq!(steps(&many), [STEP_ROWS, STEP_ROWS, STEP_ROWS - 9]);
        let large = file(20, STEP_BYTES / 4);
        assert_eq!(steps(&large), [4, 4, 3]);
        let few = file(9, 100);
        assert_eq!(steps(&few), [0]);
    }
}

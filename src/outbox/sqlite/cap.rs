//! The cap: whether a write fits under it, and what is dropped for it. Looked at with each write, inside the write's
//! transaction, in a time that does not grow with the backlog.

use rusqlite::{Connection, OptionalExtension, Result};

use super::ledger;
use super::meta::{count_dropped, raise_high_seq};
use super::pack::Prepared;
use super::rows::{self, MAX_SEQ, Tail, counts, usage};
use crate::outbox::{Cap, CapLimit, Loss, LossReason, Pending, Policy};

/// What a write transaction drops.
#[derive(Clone, Default)]
pub(super) struct Dropped {
    pub(super) counts: Pending,
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

/// Whether the row fits under the cap, after older ones were dropped for it where the policy says so: then rows are only
/// dropped if that helps.
pub(super) fn admit(
    connection: &Connection,
    row: &Prepared<'_>,
    cap: &Cap,
    tail: &mut Tail,
    dropped: &mut Dropped,
) -> Result<Verdict> {
    let now = rows::now();
    let Some(limit) = met(connection, row, cap, now)? else {
        return Ok(Verdict::Fits);
    };
    Ok(match cap.policy {
        Policy::Fail => Verdict::Refused(limit),
        Policy::DropOldest => match make_fit(connection, row, cap, now, dropped)? {
            None => Verdict::Fits,
            Some(limit) => Verdict::Refused(limit),
        },
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

/// The first limit that the row would pass, or that the oldest row has passed.
fn met(connection: &Connection, row: &Prepared<'_>, cap: &Cap, now: i64) -> Result<Option<CapLimit>> {
    if let Some(limit) = cap.max_bytes
        && usage(connection)?.used_bytes() + row.stored_bytes() > limit
    {
        return Ok(Some(CapLimit::Bytes(limit)));
    }
    if let Some(limit) = cap.max_objects
        && rows::pending(connection)?.objects + row.objects > limit
    {
        return Ok(Some(CapLimit::Objects(limit)));
    }
    if let Some(limit) = cap.max_age
        && let Some(oldest) = rows::waiting_since(connection)?
        && now.saturating_sub(oldest) > i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)
    {
        return Ok(Some(CapLimit::Age(limit)));
    }
    Ok(None)
}

/// Drops the oldest rows until the row meets no limit; the limit that it meets all the same, with nothing dropped.
fn make_fit(
    connection: &Connection,
    row: &Prepared<'_>,
    cap: &Cap,
    now: i64,
    dropped: &mut Dropped,
) -> Result<Option<CapLimit>> {
    connection.execute_batch("SAVEPOINT fit")?;
    let mut gone = dropped.clone();
    let mut limit = met(connection, row, cap, now)?;
    while limit.is_some() {
        let oldest = connection
            .prepare_cached(
                "DELETE FROM tx WHERE seq = (SELECT min(seq) FROM tx)
                 RETURNING seq - coalesce(first, seq) + 1, objects, bytes, seq",
            )?
            .query_row([], |row| Ok((counts(row)?, row.get(3)?)))
            .optional()?;
        let Some((counts, seq)) = oldest else { break };
        // Cheaper than to find out whether it was the newest; the number is only used if it was.
        raise_high_seq(connection, seq)?;
        gone.add(counts, seq);
        limit = met(connection, row, cap, now)?;
    }
    if limit.is_none() {
        *dropped = gone;
    } else {
        connection.execute_batch("ROLLBACK TO fit")?;
    }
    connection.execute_batch("RELEASE fit")?;
    Ok(limit)
}

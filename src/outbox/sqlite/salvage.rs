//! Carries what can be read of a damaged file over to a new one (invariant 6). The damaged file is
//! only read. Where that fails for anything but damage, it may go well later: nothing is carried over then.
//!
//! Rows keep their numbers; those that cannot be read leave a gap, which is noted as a loss. The new
//! file has an identity of its own: how far the numbers of the old one went may be among what cannot be
//! read (invariant 4). What was sent already and not settled is sent once more, which the gateway
//! recognises by `_id`. An encrypted file is opened with its key, and the new one sealed with the same key under
//! a salt of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::fresh::{self, STEP_BYTES};
use super::heal::Known;
use super::pack::Prepared;
use super::readings::Readings;
use super::recover::beside;
use super::reports::{self, Report};
use super::{answers, epochs, ledger, meta, packs, rows, schema, schemas};
use crate::outbox::seal::Seal;
use crate::outbox::{Durability, Error, Key, Loss, LossReason, Result, Salvaged, StoredSchema};

/// Beyond so many numbers without a readable row, rows are looked for in strides: a page high up in the
/// tree stands for as many small rows.
const STEPS: i64 = 100_000;

/// The strides, and how many of them are tried before what was found is taken for the end.
const STRIDE: i64 = 16_384;
const STRIDES: i64 = 1024;

/// A damaged file, and what opens its values.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) connection: &'a Connection,
    pub(super) seal: &'a Seal,
    pub(super) readings: &'a Readings,
}

impl Source<'_> {
    /// As [`rows::read`].
    fn row(&self, seq: i64) -> rusqlite::Result<Option<Option<(i64, Prepared<'static>)>>> {
        rows::read(self.connection, self.seal, seq)
    }

    /// As [`Readings::of`].
    fn readable<T>(&self, read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
        self.readings.of(read)
    }
}

/// Makes the new file, beside `path`, from the damaged one there; complete, in one file, on the disk. `None` stands
/// for a file of which nothing can be read.
///
/// # Errors
/// The new file could not be written, or the damaged one not be read for now; what the new one has is deleted.
pub(super) fn salvage(
    damaged: Option<Source<'_>>,
    path: &Path,
    key: Option<&Key>,
    report: Report,
    known: &Known,
) -> Result<PathBuf> {
    let target = beside(path, ".salvaged");
    fresh::delete(&target);
    let made = make(damaged, &target, key, &report, known);
    if made.is_err() {
        fresh::delete(&target);
    }
    made.map(|()| target)
}

fn make(
    damaged: Option<Source<'_>>,
    target: &Path,
    key: Option<&Key>,
    report: &Report,
    known: &Known,
) -> Result<()> {
    let failed = |source| Error::sqlite(target, source);
    // Nobody else knows the file.
    let opened = schema::open_writer(target, key, Durability::Full, Duration::ZERO);
    let (mut connection, seal) = opened.map_err(|refused| refused.into_error(target))?;
    let losses = damaged.map(|damaged| damaged.readable(ledger::entries(damaged.connection)));
    let losses = losses.transpose().map_err(failed)?;
    let mut copy = Copy {
        remembers: losses.as_ref().is_none_or(Option::is_some),
        losses: Losses {
            of: losses.flatten().unwrap_or_default(),
            found: Vec::new(),
        },
        salvaged: Salvaged::default(),
        seal,
    };
    copy.facts(damaged, &connection, known).map_err(failed)?;
    let range = damaged.map(Range::of).transpose().map_err(failed)?.flatten();
    let salvaged = match damaged.zip(range) {
        Some((damaged, range)) => {
            copy.rows(damaged, &range, &mut connection).map_err(failed)?;
            Some(copy.salvaged)
        }
        None => {
            if !report.former_sdk {
                copy.losses.note(1, i64::MAX);
                epochs::begin(&connection, 1, false).map_err(failed)?;
            }
            None
        }
    };
    if !copy.remembers {
        let next = rows::last_seq(&connection).map_err(failed)? + 1;
        meta::raise_known_from(&connection, next).map_err(failed)?;
        // How far the numbers went may be among what cannot be read.
        epochs::begin(&connection, next, false).map_err(failed)?;
    }
    let lost = salvaged.map_or(0, |salvaged| salvaged.lost);
    meta::count_damaged(&connection, lost).map_err(failed)?;
    for loss in &copy.losses.found {
        ledger::add(&connection, loss, known.mark).map_err(failed)?;
    }
    reports::add(&connection, report, salvaged).map_err(failed)?;
    fresh::complete(connection, target)
}

/// Where to look for rows.
struct Range {
    first: i64,
    /// `None`: unreadable.
    last: Option<i64>,
    /// The numbers before `first` are unreadable: at least one row.
    begins_unread: bool,
}

impl Range {
    fn of(damaged: Source<'_>) -> rusqlite::Result<Option<Range>> {
        let connection = damaged.connection;
        let (oldest, newest) = (
            damaged.readable(rows::oldest(connection))?,
            damaged.readable(rows::newest(connection))?,
        );
        let (first, last, begins_unread) = match (oldest, newest) {
            (Some(oldest), Some(newest)) => (oldest.unwrap_or(1), Some(newest.unwrap_or(0)), false),
            (Some(Some(oldest)), None) => (oldest, None, false),
            (None, Some(Some(newest))) => (lowest_readable(damaged, newest)?, Some(newest), true),
            (None | Some(None), None) | (None, Some(None)) => return Ok(None),
        };
        Ok(Some(Range {
            first,
            last,
            begins_unread,
        }))
    }
}

/// A row at or beyond one of the numbers that follow `from` in strides.
fn beyond(
    damaged: Source<'_>,
    from: i64,
    stride: i64,
    row_at: impl Fn(i64) -> rusqlite::Result<Option<i64>>,
) -> rusqlite::Result<Option<i64>> {
    for count in 1..=STRIDES {
        if let Some(Some(row)) = damaged.readable(row_at(from.saturating_add(count * stride)))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn lowest_readable(damaged: Source<'_>, newest: i64) -> rusqlite::Result<i64> {
    let mut lowest = newest;
    let mut seq = newest;
    let mut until = newest - STEPS;
    while seq > 1 {
        seq -= 1;
        match damaged.readable(damaged.row(seq))? {
            Some(Some(Some((created, row)))) if packs::is_whole(&row, created) => {
                lowest = seq - row.transactions + 1;
                until = until.min(lowest - STEPS);
            }
            Some(None) => {
                if let Some(Some(row)) = damaged.readable(rows::at_or_before(damaged.connection, seq))? {
                    seq = row + 1;
                }
            }
            Some(Some(_)) | None => {}
        }
        if seq <= until {
            match beyond(damaged, until, -STRIDE, |seq| {
                rows::at_or_before(damaged.connection, seq)
            })? {
                Some(row) => until = row - 1,
                None => break,
            }
        }
    }
    Ok(lowest)
}

/// The losses that the damaged file has on record, and those that are found now.
struct Losses {
    of: Vec<(i64, Loss)>,
    found: Vec<Loss>,
}

impl Losses {
    /// The parts of a range that are not on record. Of an end that could not be read the record does not say
    /// where it was, so it says nothing of the rows that came after.
    fn not_known(&self, first: i64, last: i64) -> Vec<(i64, i64)> {
        let mut known: Vec<_> = self
            .of
            .iter()
            .map(|(_, loss)| (loss.first.max(first), loss.last))
            .filter(|(from, to)| from <= to && *from <= last && *to < i64::MAX)
            .collect();
        known.sort_unstable();
        let mut parts = Vec::new();
        let mut next = first;
        for (from, to) in known {
            if next < from {
                parts.push((next, from - 1));
            }
            next = next.max(to + 1);
        }
        if next <= last {
            parts.push((next, last));
        }
        parts
    }

    fn note(&mut self, first: i64, last: i64) {
        match self.found.last_mut() {
            Some(loss) if loss.last == first - 1 => loss.last = last,
            _ => self.found.push(Loss {
                first,
                last,
                reason: LossReason::Damaged,
            }),
        }
    }
}

/// What became of transactions and how they were numbered; false where some of that cannot be read.
fn history(damaged: Source<'_>, to: &Connection, seal: &Seal) -> rusqlite::Result<bool> {
    let known_from = damaged.readable(meta::known_from(damaged.connection))?;
    let epochs = damaged.readable(epochs::entries(damaged.connection))?;
    let answers = damaged.readable(answers::all(damaged.connection, damaged.seal))?;
    match &epochs {
        Some(epochs) => epochs::adopt(to, epochs)?,
        // Numbers may have been given out under any mark.
        None => epochs::begin(to, 1, false)?,
    }
    if let Some(seq) = known_from {
        meta::raise_known_from(to, seq)?;
    }
    if let Some(answers) = &answers {
        answers::adopt(to, seal, answers)?;
    }
    Ok(known_from.is_some() && epochs.is_some() && answers.is_some())
}

/// Whether only who opens the file for an application may send what waits.
fn guarded(damaged: &Connection) -> rusqlite::Result<bool> {
    if schema::format(damaged)? < schema::FIRST_GUARDED {
        return Ok(false);
    }
    meta::is_guarded(damaged)
}

struct Copy {
    /// What became of rows that have left, and how far the numbers went, could be read.
    remembers: bool,
    losses: Losses,
    salvaged: Salvaged,
    /// Of the new file.
    seal: Seal,
}

impl Copy {
    /// All but the rows.
    fn facts(&mut self, damaged: Option<Source<'_>>, to: &Connection, known: &Known) -> rusqlite::Result<()> {
        let seal = &self.seal;
        for (id, schema) in &known.schemas {
            schemas::adopt(to, seal, *id, schema)?;
        }
        for (id, loss) in &self.losses.of {
            ledger::adopt(to, *id, loss)?;
        }
        let owner = damaged.map(|from| from.readable(meta::owner(from.connection, from.seal)));
        let owner = owner.transpose()?.flatten().flatten();
        if let Some(owner) = owner.as_ref().or(known.owner.as_ref()) {
            meta::set_owner(to, seal, owner)?;
        }
        let guarded = damaged.map(|from| from.readable(guarded(from.connection)));
        let guarded = guarded.transpose()?.flatten();
        // Where nobody knows, what waits rather stays until the application opens it.
        meta::set_guarded(to, guarded.or(known.guarded).unwrap_or(true))?;
        let Some(damaged) = damaged else {
            return Ok(());
        };
        let (from, opening) = (damaged.connection, damaged.seal);
        for id in damaged.readable(schemas::ids(from))?.unwrap_or_default() {
            if let Some(schema) = damaged.readable(schemas::read(from, opening, id))? {
                schemas::adopt(to, seal, id, &schema)?;
            }
        }
        // Under its fingerprint the gateway most likely knows the schema, and the application brings its text
        // when it registers it.
        let fingerprints = damaged.readable(schemas::fingerprints(from, opening))?;
        for (id, fingerprint) in fingerprints.unwrap_or_default() {
            let json = String::new();
            schemas::adopt(to, seal, id, &StoredSchema { fingerprint, json })?;
        }
        let counters = damaged.readable(meta::counters(from))?;
        if let Some(counters) = &counters {
            meta::adopt_counters(to, counters)?;
        }
        self.remembers &= counters.is_some();
        if let Some(counted) = damaged.readable(meta::counted(from))? {
            meta::adopt_counted(to, &counted)?;
        }
        let remembers = history(damaged, to, seal)?;
        self.remembers &= remembers;
        Ok(())
    }

    fn rows(&mut self, damaged: Source<'_>, range: &Range, to: &mut Connection) -> rusqlite::Result<()> {
        // The rows of other schemas could never be sent.
        let schemas = schemas::ids(to)?;
        if range.begins_unread {
            self.losses.note(1, range.first - 1);
            self.salvaged.lost += 1;
            // Some of them had left before.
            meta::raise_known_from(to, range.first)?;
        }
        let mut unread: Option<i64> = None;
        let mut seq = range.first;
        let mut found = seq - 1;
        let last = range.last.unwrap_or(i64::MAX);
        let mut until = (found + STEPS).min(last);
        while seq <= last {
            if seq > until {
                let further = beyond(damaged, until, STRIDE, |seq| {
                    rows::at_or_after(damaged.connection, seq)
                })?;
                until = match (further, range.last) {
                    (Some(row), _) => row,
                    (None, None) => break,
                    // There is a row at the other end, and what can be read before that.
                    (None, Some(last)) => {
                        unread = unread.or(Some(seq));
                        seq = lowest_readable(damaged, last)?.max(seq);
                        last
                    }
                };
            }
            let step = to.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut tail = rows::tail(&step)?;
            let mut bytes = 0;
            while bytes < STEP_BYTES && seq <= until {
                let mut next = seq + 1;
                match damaged.readable(damaged.row(seq))? {
                    Some(Some(Some((created, row))))
                        if schemas.contains(&row.schema)
                            && packs::is_whole(&row, created)
                            && seq - row.transactions >= found =>
                    {
                        rows::adopt(&step, &self.seal, &mut tail, seq, created, &row)?;
                        bytes += row.stored_bytes();
                        self.salvaged.kept += row.transactions as u64;
                        // A pack has its last number alone in the file.
                        let first = seq - row.transactions + 1;
                        self.lose(unread.take().filter(|unread| *unread < first), first - 1);
                        found = seq;
                        until = until.max((found + STEPS).min(last));
                    }
                    Some(None) => {
                        unread = unread.or(Some(seq));
                        if let Some(Some(row)) =
                            damaged.readable(rows::at_or_after(damaged.connection, seq))?
                        {
                            next = row;
                            until = until.max(row);
                        }
                    }
                    Some(Some(_)) | None => unread = unread.or(Some(seq)),
                }
                seq = next;
            }
            // Numbers that were given out, whether or not their rows can be read.
            meta::raise_high_seq(&step, range.last.unwrap_or(found))?;
            step.commit()?;
            rows::cut_log(to)?;
        }
        match range.last {
            Some(last) => self.lose(unread, last),
            // Behind an unreadable end a number that cannot be read need not have had a row, and is given out again.
            None => {
                self.losses.note(found + 1, i64::MAX);
                self.salvaged.lost += 1;
                epochs::begin(to, found + 1, true)?;
            }
        }
        Ok(())
    }

    /// Notes the numbers from `first` on as lost, but for those that are on record already.
    fn lose(&mut self, first: Option<i64>, last: i64) {
        for (first, last) in first.map_or_else(Vec::new, |first| self.losses.not_known(first, last)) {
            self.salvaged.lost += (last - first + 1) as u64;
            self.losses.note(first, last);
        }
    }
}

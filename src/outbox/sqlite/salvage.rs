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

use super::found::{self, Kept};
use super::fresh::{self, STEP_BYTES};
use super::heal::Known;
use super::recover::beside;
use super::reports::{self, Report};
use super::survivors::{Range, STEPS, STRIDE, Source, beyond, lowest_readable};
use super::{answers, epochs, ledger, meta, packs, pages, rows, schema, schemas};
use crate::outbox::seal::Seal;
use crate::outbox::{Durability, Error, Key, Loss, LossReason, Result, Salvaged, SchemaId, StoredSchema};

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
            copy.rows(damaged, range, &mut connection).map_err(failed)?;
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

/// How far the rows could be carried over in their order.
#[derive(Default)]
struct Passed {
    /// The number of the last one.
    found: Option<i64>,
    /// The last number that there is; none where the file cannot be read to its end.
    last: Option<i64>,
}

/// Whether the row can be sent.
fn is_good(kept: &Kept, schemas: &[SchemaId]) -> bool {
    schemas.contains(&kept.row.schema) && packs::is_whole(kept)
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

    fn rows(&mut self, damaged: Source<'_>, range: Range, to: &mut Connection) -> rusqlite::Result<()> {
        // The rows of other schemas could never be sent.
        let schemas = schemas::ids(to)?;
        if range.begins_unread {
            self.losses.note(1, range.first - 1);
            self.salvaged.lost += 1;
            // Some of them had left before.
            meta::raise_known_from(to, range.first)?;
        }
        let passed = self.in_order(damaged, &range, &schemas, to)?;
        let mut found = passed.found.unwrap_or(range.first - 1);
        let last = match passed.last {
            Some(last) => {
                self.lose(Some(found + 1), last);
                Some(last)
            }
            None => self.past_damage(damaged, &range, &schemas, &mut found, to)?,
        };
        // Numbers that were given out, whether or not their rows can be read.
        meta::raise_high_seq(to, last.unwrap_or(found))?;
        if last.is_none() {
            // Behind an unreadable end a number that cannot be read need not have had a row, and is given out again.
            self.losses.note(found + 1, i64::MAX);
            self.salvaged.lost += 1;
            epochs::begin(to, found + 1, true)?;
        }
        Ok(())
    }

    /// Carries the rows over in the order in which they lie in the file, which does not go by their numbers: one of which the
    /// disk has changed the number hides no other so. Ends where the file cannot be read.
    fn in_order(
        &mut self,
        damaged: Source<'_>,
        range: &Range,
        schemas: &[SchemaId],
        to: &mut Connection,
    ) -> rusqlite::Result<Passed> {
        let mut passed = Passed::default();
        let Some(mut statement) = damaged.readable(found::all(damaged.connection))? else {
            return Ok(passed);
        };
        let mut cells = statement.query([])?;
        let mut last = 0;
        loop {
            let step = to.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut tail = rows::tail(&step)?;
            let mut bytes = 0;
            let is_over = loop {
                if bytes >= STEP_BYTES {
                    break false;
                }
                let Some(cell) = damaged.readable(cells.next())? else {
                    break true;
                };
                let Some(columns) = cell else {
                    passed.last = Some(passed.found.map_or(last, |found| found.max(last)));
                    break true;
                };
                let seq = columns.get(0)?;
                let kept = damaged.readable(found::stored(columns, damaged.seal))?.flatten();
                let Some(kept) = kept.map(Kept::set_right) else {
                    last = if rows::is_seq(seq) { seq } else { last };
                    continue;
                };
                let home = kept.seq();
                last = home;
                let first = kept.first();
                if is_good(&kept, schemas) && passed.found.is_none_or(|found| found < first) {
                    let begin = passed.found.map_or(range.first.min(first), |found| found + 1);
                    self.lose(Some(begin), first - 1);
                    bytes += kept.row.stored_bytes();
                    self.adopt(&step, &mut tail, home, kept)?;
                    passed.found = Some(home);
                }
            };
            step.commit()?;
            pages::cut_log(to)?;
            if is_over {
                return Ok(passed);
            }
        }
    }

    fn adopt(
        &mut self,
        step: &Connection,
        tail: &mut rows::Tail,
        seq: i64,
        kept: Kept,
    ) -> rusqlite::Result<()> {
        let Kept { row, seat } = kept;
        rows::adopt(step, &self.seal, tail, seq, seat.created(), &row)?;
        self.salvaged.kept += row.transactions as u64;
        Ok(())
    }

    /// Carries the rows behind `found` over by their numbers, whatever lies in between. Returns the last number; none where
    /// the end cannot be read.
    fn past_damage(
        &mut self,
        damaged: Source<'_>,
        range: &Range,
        schemas: &[SchemaId],
        found: &mut i64,
        to: &mut Connection,
    ) -> rusqlite::Result<Option<i64>> {
        let mut unread: Option<i64> = None;
        let mut seq = *found + 1;
        let last = range.last.unwrap_or(i64::MAX);
        let mut until = found.saturating_add(STEPS).min(last);
        while seq <= last {
            if seq > until {
                let further = beyond(damaged, until, STRIDE, |seq| {
                    found::at_or_after(damaged.connection, seq)
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
                    Some(Some(Some(kept)))
                        if is_good(&kept, schemas) && seq - kept.row.transactions >= *found =>
                    {
                        // A pack has its last number alone in the file.
                        let first = seq - kept.row.transactions + 1;
                        bytes += kept.row.stored_bytes();
                        self.adopt(&step, &mut tail, seq, kept)?;
                        self.lose(unread.take().filter(|unread| *unread < first), first - 1);
                        *found = seq;
                        until = until.max((*found + STEPS).min(last));
                    }
                    Some(None) => {
                        unread = unread.or(Some(seq));
                        if let Some(Some(row)) =
                            damaged.readable(found::at_or_after(damaged.connection, seq))?
                        {
                            next = row;
                            until = until.max(row);
                        }
                    }
                    Some(Some(_)) | None => unread = unread.or(Some(seq)),
                }
                seq = next;
            }
            step.commit()?;
            pages::cut_log(to)?;
        }
        if let Some(last) = range.last {
            self.lose(unread, last);
        }
        Ok(range.last)
    }

    /// Notes the numbers from `first` on as lost, but for those that are on record already.
    fn lose(&mut self, first: Option<i64>, last: i64) {
        for (first, last) in first.map_or_else(Vec::new, |first| self.losses.not_known(first, last)) {
            self.salvaged.lost += (last - first + 1) as u64;
            self.losses.note(first, last);
        }
    }
}

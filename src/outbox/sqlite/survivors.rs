//! Looking for the rows of a damaged file, of which any part may be in the way.

use rusqlite::{Connection, Result};

use super::found::{self, Kept};
use super::packs;
use super::readings::Readings;
use crate::outbox::seal::Seal;

/// Beyond so many numbers without a readable row, rows are looked for in strides: a page high up in the
/// tree stands for as many small rows.
pub(super) const STEPS: i64 = 100_000;

/// The strides, and how many of them are tried before what was found is taken for the end.
pub(super) const STRIDE: i64 = 16_384;
const STRIDES: i64 = 1024;

/// A damaged file, and what opens its values.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) connection: &'a Connection,
    pub(super) seal: &'a Seal,
    pub(super) readings: &'a Readings,
}

impl Source<'_> {
    /// As [`found::read`].
    pub(super) fn row(&self, seq: i64) -> Result<Option<Option<Kept>>> {
        found::read(self.connection, self.seal, seq)
    }

    /// As [`Readings::of`].
    pub(super) fn readable<T>(&self, read: Result<T>) -> Result<Option<T>> {
        self.readings.of(read)
    }
}

/// Where to look for rows.
pub(super) struct Range {
    pub(super) first: i64,
    /// `None`: unreadable.
    pub(super) last: Option<i64>,
    /// The numbers before `first` are unreadable: at least one row.
    pub(super) begins_unread: bool,
}

impl Range {
    pub(super) fn of(damaged: Source<'_>) -> Result<Option<Range>> {
        let connection = damaged.connection;
        let (oldest, newest) = (
            damaged.readable(found::oldest(connection))?,
            damaged.readable(found::newest(connection))?,
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
pub(super) fn beyond(
    damaged: Source<'_>,
    from: i64,
    stride: i64,
    row_at: impl Fn(i64) -> Result<Option<i64>>,
) -> Result<Option<i64>> {
    for count in 1..=STRIDES {
        if let Some(Some(row)) = damaged.readable(row_at(from.saturating_add(count * stride)))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub(super) fn lowest_readable(damaged: Source<'_>, newest: i64) -> Result<i64> {
    let mut lowest = newest;
    let mut seq = newest;
    let mut until = newest - STEPS;
    while seq > 1 {
        seq -= 1;
        match damaged.readable(damaged.row(seq))? {
            Some(Some(Some(kept))) if packs::is_whole(&kept) => {
                lowest = seq - kept.row.transactions + 1;
                until = until.min(lowest - STEPS);
            }
            Some(None) => {
                if let Some(Some(row)) = damaged.readable(found::at_or_before(damaged.connection, seq))? {
                    seq = row + 1;
                }
            }
            Some(Some(_)) | None => {}
        }
        if seq <= until {
            match beyond(damaged, until, -STRIDE, |seq| {
                found::at_or_before(damaged.connection, seq)
            })? {
                Some(row) => until = row - 1,
                None => break,
            }
        }
    }
    Ok(lowest)
}

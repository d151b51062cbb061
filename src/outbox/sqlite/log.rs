//! Upkeep of the write-ahead log: room ahead of the writers, and emptying it.
//!
//! Appending to a file costs the file system a journal commit per sync, for the new size and the
//! new blocks; overwriting does not. So the log's blocks are kept when it is emptied (up to
//! [`WAL_BYTES`]), and while it first grows, zeros are put ahead of the writers in doubling steps.
//! SQLite stops reading a log at the first frame that is not of the current generation, which zeros
//! never are.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use super::recover::beside;
use super::schema::{WAL_BYTES, WAL_PAGES};

/// The first step ahead; steps double from here, so a short-lived outbox stays small.
const FIRST_STEP: u64 = 64 * 1024;

/// What a commit of a few small rows needs at most: a handful of pages.
const SMALL_COMMIT: u64 = 32 * 1024;

/// A log that could not be emptied, because a reader or another process is using it, is tried again
/// after as many more pages.
const RETRY_PAGES: i64 = WAL_PAGES / 4;

pub(super) struct Log {
    path: PathBuf,
    /// Pages in the log as of the last commit of this process.
    pages: Arc<AtomicI64>,
    /// The length of the file when it was last looked at; it only shrinks when the log is emptied.
    length: u64,
    /// Emptying waits for this many pages.
    due: i64,
}

impl Log {
    pub(super) fn new(database: &Path) -> Log {
        Log {
            path: beside(database, "-wal"),
            pages: Arc::new(AtomicI64::new(0)),
            length: 0,
            due: WAL_PAGES,
        }
    }

    /// Keeps count of what `connection` commits.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: i32| {
            pages.store(i64::from(count), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Puts room ahead of the writers, if the log is small and nearly used up. To be called within
    /// a write transaction: its lock keeps every other writer, of any process, off the end of the
    /// file. A failure is left to the commit to meet.
    pub(super) fn make_room(&mut self) {
        let used = 32 + self.pages.load(Ordering::Relaxed) as u64 * (4096 + 24);
        if used + SMALL_COMMIT <= self.length || self.length >= WAL_BYTES {
            return;
        }
        let Ok(length) = fs::metadata(&self.path).map(|metadata| metadata.len()) else {
            return;
        };
        self.length = length;
        if used + SMALL_COMMIT <= length || length >= WAL_BYTES {
            return;
        }
        let step = length.clamp(FIRST_STEP, WAL_BYTES / 4).min(WAL_BYTES - length);
        let written = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(length))?;
                // A disk without room for zeros may still have room for the commit.
                file.write_all(&vec![0; step as usize])
                    .inspect_err(|_| drop(file.set_len(length)))
            });
        if written.is_ok() {
            self.length = length + step;
        }
    }

    /// Moves the log's content into the database once there is enough of it. The log then starts
    /// over in the same blocks. Never an error: what was committed is safe in the log.
    pub(super) fn empty_if_due(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < WAL_PAGES {
            self.due = WAL_PAGES;
        }
        if pages < self.due {
            return;
        }
        let emptied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        // If it was emptied, the next commit starts over and counts from there.
        self.due = pages + RETRY_PAGES;
        if let Err(error) = emptied {
            log::warn!(target: "ingest::outbox", "cannot empty {}: {error}", self.path.display());
        }
    }

    /// The length of the file now.
    pub(super) fn file_bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// To be called when the file was cut.
    pub(super) fn was_cut(&mut self) {
        self.pages.store(0, Ordering::Relaxed);
        self.length = 0;
        self.due = WAL_PAGES;
    }
}

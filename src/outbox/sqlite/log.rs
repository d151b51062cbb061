//! Upkeep of the write-ahead log: room ahead of the writers, and emptying it.
//!
//! The log's file is longer than what is in use of it, for two reasons.
//!
//! Speed: appending to a file costs the file system a journal commit per sync, for the new size and
//! the new blocks; overwriting does not. So the log's blocks are kept when it is emptied (up to
//! [`WAL_BYTES`]), and while it first grows, zeros are put ahead of the writers. SQLite stops
//! reading a log at the first frame that is not of the current generation, which zeros never are.
//!
//! Full disks: an outbox that has filled the disk must still be able to drain. Removing rows needs
//! room in the log, and emptying the log needs room in the database. So a write is only accepted
//! while the room behind it in the log is as large as the part in use: that suffices for removing
//! rows, and when it runs out it is given up, which makes the room to empty the log. (Behind a
//! transaction of more than 800 KiB there is less, [`RESERVE`], which suffices for removing it.)

use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, TransactionBehavior};

use super::recover::beside;
use super::schema::{PAGE_BYTES, WAL_BYTES, WAL_PAGES};
use crate::outbox::Error;

/// The least room behind what is in use: removing all rows and copying an emptied file take a
/// dozen pages each.
const RESERVE: u64 = 128 * 1024;

/// Pages that a commit may write beside those of the payloads: the row's own, its parents, and
/// those that list pages.
const PAGES_BESIDE: i64 = 8;

/// A log that could not be emptied, because a reader or another process is using it, is tried again
/// after as many more pages.
const RETRY_PAGES: i64 = WAL_PAGES / 4;

/// A page with its header in the log.
const FRAME: u64 = PAGE_BYTES as u64 + 24;

pub(super) struct Log {
    path: PathBuf,
    /// Pages in the log as of the last commit of this process.
    pages: Arc<AtomicI64>,
    /// Emptying waits for this many pages.
    due: i64,
    /// The database had no room for what is in the log.
    stuck: bool,
}

impl Log {
    pub(super) fn new(database: &Path) -> Log {
        Log {
            path: beside(database, "-wal"),
            pages: Arc::new(AtomicI64::new(0)),
            due: WAL_PAGES,
            stuck: false,
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

    /// Sees to the room that a commit of so many bytes and the time after it need. To be called
    /// within the write transaction: its lock keeps every other writer, of any process, off the end
    /// of the file.
    ///
    /// # Errors
    /// The file system has no room. Any other trouble is left to the commit to meet.
    pub(super) fn make_room(&self, bytes: u64) -> io::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed) + pages_of(bytes);
        let used = 32 + pages.max(0) as u64 * FRAME;
        let wanted = (2 * used).min(WAL_BYTES).max(used + RESERVE);
        // Others cut the file too, so it is looked at each time; that is nothing beside a sync.
        let length = self.file_bytes();
        if wanted <= length {
            return Ok(());
        }
        // Up to the size that is kept the file grows by doubling. Beyond it the commit itself makes
        // it grow, and only the reserve is put behind it.
        let end = wanted.max((2 * length).min(WAL_BYTES));
        let start = if end > WAL_BYTES { length.max(used) } else { length };
        let written = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.write_all(&vec![0; (end - start) as usize])
                    .inspect_err(|_| drop(file.set_len(length)))
            });
        match written {
            Err(error) if Error::is_no_room(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Empties the log into the room that is kept behind it, for the sake of `connection`, which
    /// has to remove rows on a full disk. `other` is a second connection, not in a transaction.
    pub(super) fn give_way(
        &mut self,
        connection: &mut Connection,
        other: &Connection,
    ) -> rusqlite::Result<()> {
        let lock = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (in_use, moved) = other.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            Ok((
                row.get::<_, i64>(1)?.max(0) as u64,
                row.get::<_, i64>(2)?.max(0) as u64,
            ))
        })?;
        let used = 32 + in_use * FRAME;
        // What is not worth its content in the database is better kept as it is.
        if self.file_bytes() >= used + in_use.saturating_sub(moved) * FRAME {
            let _ = OpenOptions::new()
                .write(true)
                .open(&self.path)
                .and_then(|file| file.set_len(used));
        }
        lock.rollback()?;
        self.empty(connection)
    }

    /// Empties the log if it would have too much in it with a commit of so many bytes.
    ///
    /// # Errors
    /// The database has no room for it. What was committed is safe in the log, but it must not get
    /// more of it.
    pub(super) fn empty_if_due(&mut self, connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < WAL_PAGES {
            self.due = WAL_PAGES;
        }
        if !self.stuck && (pages == 0 || pages + pages_of(bytes) <= self.due) {
            return Ok(());
        }
        self.due = pages + RETRY_PAGES;
        self.empty(connection)
            .or_else(|error| if self.stuck { Err(error) } else { Ok(()) })
    }

    /// Whether the database has no room for what is in the log.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Moves the log's content into the database; the next commit then starts over in the same
    /// blocks. Leaves behind what others are using.
    fn empty(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let emptied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        self.stuck = emptied.as_ref().is_err_and(Error::is_full);
        let (in_use, moved) = emptied.inspect_err(|error| {
            log::warn!(target: "ingest::outbox", "cannot empty {}: {error}", self.path.display());
        })?;
        if in_use == moved {
            self.pages.store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The length of the file now.
    pub(super) fn file_bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// To be called when the file was cut.
    pub(super) fn was_cut(&mut self) {
        self.pages.store(0, Ordering::Relaxed);
        self.due = WAL_PAGES;
        self.stuck = false;
    }
}

/// The pages that a commit of so many bytes writes, rather too many.
fn pages_of(bytes: u64) -> i64 {
    let of_payload = bytes.div_ceil(PAGE_BYTES as u64 - 4);
    (of_payload + of_payload / 800) as i64 + PAGES_BESIDE
}

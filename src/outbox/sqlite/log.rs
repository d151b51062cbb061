//! Upkeep of the write-ahead log: when it is emptied, and whether it can be relied on.
//!
//! A sync that failed may have dropped what was written, also what earlier commits wrote without a
//! sync, and the system reports that once. The next sync succeeds, but leaves a hole in the log, and
//! after a power cut SQLite reads a log up to the first hole: commits behind it would be lost although
//! they were synced. So after any failed write or sync the log is in doubt, and so is one that an
//! earlier process left behind. From there on no commit that promises anything joins it: first the file
//! is opened anew, for which SQLite checks every commit in the log, the log is put on the disk, all of it goes into the
//! database, and the log starts over empty.
//!
//! The commit whose sync failed stands whole in the log all the same, and perhaps on the disk, and reading it
//! anew would bring it to life, after its caller was told that nothing was stored. So a small one is written
//! over it, and synced, before the caller is told. It promises nothing itself: where a hole comes before it,
//! neither of the two is read. Only where its sync fails as well can a power cut bring the other one back.
//! (While another process has the file open SQLite checks nothing, and what
//! the system still remembers of the log is what goes into the database.)

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi};

use super::recover::beside;
use super::reserve::Reserve;
use super::schema::{PAGE_BYTES, WAL_PAGES, is_busy};
use super::writing::Writing;
use super::{meta, pages};
use crate::outbox::Error;

/// Pages that a commit may write beside those of the payloads: the row's own, its parents, and
/// those that list pages.
const PAGES_BESIDE: i64 = 8;

/// A log that could not be emptied, because a reader or another process is using it, is tried again
/// after as many more pages.
const RETRY_PAGES: i64 = WAL_PAGES / 4;

/// What is read and written at once of a log that is put on the disk.
const REWRITTEN_AT_ONCE: usize = 64 * 1024;

/// A page with its header in the log.
const FRAME: u64 = PAGE_BYTES as u64 + 24;

pub(super) struct Log {
    path: PathBuf,
    reserve: Reserve,
    /// Pages in the log as of the last commit of this process.
    pages: Arc<AtomicI64>,
    /// Emptying waits for this many pages.
    due: i64,
    /// The database had no room for what is in the log.
    stuck: bool,
    /// A hole may be in it.
    doubtful: bool,
    /// A commit that failed may be in it.
    failed_commit: bool,
    lock_wait: Duration,
}

impl Log {
    pub(super) fn new(database: &Path, lock_wait: Duration) -> Log {
        let mut log = Log {
            path: beside(database, "-wal"),
            reserve: Reserve::new(database, WAL_PAGES as u64 * FRAME),
            pages: Arc::new(AtomicI64::new(0)),
            due: WAL_PAGES,
            stuck: false,
            doubtful: false,
            failed_commit: false,
            lock_wait,
        };
        // What its writer met is not known.
        log.doubtful = log.file_bytes() > 0;
        log
    }

    /// Keeps count of what `connection` commits.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: i32| {
            pages.store(i64::from(count), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Sees to the room that leaving a full disk needs after a commit of so many bytes. To be called
    /// within the write transaction.
    ///
    /// # Errors
    /// The file system has no room.
    pub(super) fn make_room(&self, bytes: u64) -> io::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed) + pages_of(bytes);
        self.reserve.make(pages.max(0) as u64 * FRAME)
    }

    /// Makes room on a full disk, for the sake of removing rows.
    pub(super) fn give_way(&mut self, connection: &Connection) {
        self.give_up_reserve();
        // If the room does not suffice for all that is in the log, removing can still go on in it.
        let _ = self.empty(connection);
    }

    pub(super) fn give_up_reserve(&self) {
        self.reserve.give_up();
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Starts the log over if it is in doubt.
    ///
    /// # Errors
    /// It is still in doubt: the disk fails, is full, or somebody else keeps the log in use.
    pub(super) fn be_sure(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let since = Instant::now();
        while self.doubtful {
            let kept = match self.cut(connection) {
                Ok(true) => return Ok(()),
                Ok(false) => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None),
                Err(error) => error,
            };
            // Another process that is emptying the log is not waited for by SQLite.
            if !is_busy(&kept) || since.elapsed() >= self.lock_wait {
                return Err(kept);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Moves all of the log into the database and cuts it to nothing; false if somebody is using it.
    pub(super) fn cut(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        if self.doubtful {
            self.write_anew(connection)?;
        }
        let cut = pages::cut_log(connection)
            .inspect_err(|error| self.doubtful |= leaves_doubt(error, Error::is_full(error)))?;
        if cut {
            self.pages.store(0, Ordering::Relaxed);
            self.due = WAL_PAGES;
            self.stuck = false;
            self.doubtful = false;
            self.failed_commit = false;
        }
        Ok(cut)
    }

    /// Puts what the log shows on the disk, in its own place. What a failed sync has dropped is shown until the power is
    /// cut; if that happened while it goes into the database, nothing would be left of it but a part of the pages.
    fn write_anew(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Only who writes starts the log over.
        let _lock = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        rewrite(&self.path).map_err(|error| {
            let code = if Error::is_no_room(&error) {
                ffi::SQLITE_FULL
            } else {
                ffi::SQLITE_IOERR_FSYNC
            };
            let text = format!("cannot write {} anew: {error}", self.path.display());
            rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text))
        })
    }

    /// Takes note of what a failed commit of `connection` tells about the log.
    pub(super) fn doubt_after(&mut self, error: &Error, connection: &mut Connection) {
        let in_doubt = match error {
            Error::Sqlite { source, .. } => leaves_doubt(source, false),
            Error::DiskFull { source, .. } => source
                .downcast_ref()
                .is_some_and(|source| leaves_doubt(source, true)),
            _ => false,
        };
        if in_doubt {
            self.doubtful = true;
            self.failed_commit = true;
            if let Err(error) = self.bury(connection) {
                log::warn!(
                    target: "ingest::outbox",
                    "a failed write stays in {} for now, and nothing more is written: {error}",
                    self.path.display()
                );
            }
        }
    }

    /// Writes over a commit that failed, if there may be one.
    pub(super) fn bury(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        if !self.failed_commit {
            return Ok(());
        }
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        let buried = write_over(connection, "FULL").inspect_err(|_| {
            // Where nothing can be synced, at least nobody reads it before the power is cut. This is not all that is to
            // be done about it.
            let _ = write_over(connection, "OFF");
        });
        connection.pragma_update(None, "synchronous", synchronous)?;
        self.failed_commit = buried.is_err();
        buried
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
        // First it has to be checked.
        if self.doubtful || !self.stuck && (pages == 0 || pages + pages_of(bytes) <= self.due) {
            return Ok(());
        }
        self.due = pages + RETRY_PAGES;
        self.empty(connection)
            .or_else(|error| if self.stuck { Err(error) } else { Ok(()) })
    }

    /// Moves the log's content into the database; the next commit then starts over in the same
    /// blocks. Leaves behind what others are using.
    fn empty(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let emptied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        self.stuck = emptied.as_ref().is_err_and(Error::is_full);
        let (in_use, moved) = emptied.inspect_err(|error| {
            self.doubtful |= leaves_doubt(error, self.stuck);
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
}

/// Writes a file over itself, and syncs it. One that is not there is as it should be.
fn rewrite(path: &Path) -> io::Result<()> {
    let mut file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let mut piece = vec![0; REWRITTEN_AT_ONCE];
    let mut at = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return file.sync_all();
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&piece[..count])?;
        at += count as u64;
    }
}

/// Makes a commit where the one that failed stands in the log.
fn write_over(connection: &mut Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = Writing::begin(connection)?;
    meta::count_sync(&transaction)?;
    transaction.commit()
}

/// Whether something that was written may be gone after this. A write that found no room changed
/// nothing; a sync that found none is as any other that failed.
fn leaves_doubt(error: &rusqlite::Error, full: bool) -> bool {
    if error.sqlite_error_code() != Some(ErrorCode::SystemIoFailure) {
        return false;
    }
    let code = error.sqlite_extended_error_code();
    if full && code == Some(ffi::SQLITE_IOERR_WRITE) {
        return false;
    }
    let reading = [
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_SHORT_READ,
        ffi::SQLITE_IOERR_FSTAT,
        ffi::SQLITE_IOERR_LOCK,
        ffi::SQLITE_IOERR_RDLOCK,
        ffi::SQLITE_IOERR_NOMEM,
    ];
    code.is_none_or(|code| !reading.contains(&code))
}

/// The pages that a commit of so many bytes writes, rather too many.
fn pages_of(bytes: u64) -> i64 {
    let of_payload = bytes.div_ceil(PAGE_BYTES as u64 - 4);
    (of_payload + of_payload / 800) as i64 + PAGES_BESIDE
}

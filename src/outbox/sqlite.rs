//! The outbox in a SQLite file. Only this file and `sqlite/` contain SQL.
//!
//! Two connections: one that appends, and the uploader's, which reads and settles. Reading blocks
//! nobody. Writing takes turns (`turns.rs`), so that within a process nobody sleeps on a lock;
//! between processes SQLite's own lock decides, for a bounded time.

mod log;
mod pack;
mod recover;
mod rows;
mod salvage;
mod schema;
mod turns;

use std::collections::HashSet;
use std::fs::{OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction as SqlTransaction, TransactionBehavior};

use self::log::Log;
use self::pack::{Packer, Prepared};
use self::rows::Dropped;
use self::turns::Turns;
use super::settled::Settled;
use super::{
    Durability, Error, Hold, Lease, Options, Outbox, Pending, Recovered, Result, SchemaId, StoredSchema,
    UploaderGuard, WriteTransaction, check, new_identity,
};

/// Unused pages that are kept for the next writes rather than given back: a small outbox would
/// otherwise shrink and grow with every batch.
const KEEP_FREE_BYTES: u64 = 1024 * 1024;

/// Pages given back in one turn, so that writers wait some milliseconds at most.
const PAGES_PER_TURN: u64 = 2048;

/// Up to this many pages in use, copying them to a new file is quicker than taking unused ones out
/// one by one.
const COPY_PAGES: u64 = 1024;

/// How often an outbox did things, for tests and for the curious.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that were stored.
    pub appended: u64,
    /// Commits of the file they were stored in; fewer when threads appended at the same time.
    pub commits: u64,
}

/// An [`Outbox`] in a file.
pub struct SqliteOutbox {
    path: PathBuf,
    options: Options,
    packer: Packer,
    turns: Turns,
    writer: Mutex<Writer>,
    uploader: Mutex<Uploader>,
    identity: Mutex<String>,
    /// The ids that are known to be in the file; schemas are never removed.
    schemas: Mutex<HashSet<SchemaId>>,
    appended: AtomicU64,
    commits: AtomicU64,
}

struct Writer {
    connection: Connection,
    log: Log,
}

struct Uploader {
    connection: Connection,
    settled: Settled,
}

impl std::fmt::Debug for SqliteOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteOutbox")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SqliteOutbox {
    /// Opens the outbox at `path`, making it if there is none. A file there that cannot be an
    /// outbox is moved aside and reported beside the new, empty outbox.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NewerFormat`], [`Error::SqliteTooOld`], or the file could
    /// not be used for now: locked, no permission, no space. Then nothing was moved.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<(SqliteOutbox, Option<Recovered>)> {
        let path = path.as_ref();
        // Absolute: it stays the same file if the program changes its folder, and SQLite never
        // takes it for a URI.
        let path = std::path::absolute(path).map_err(|source| Error::io("find", path, source))?;
        let (writer, uploader, recovered) = connect(&path, &options)?;
        let identity = rows::identity(&uploader.connection).map_err(|source| Error::sqlite(&path, source))?;
        let outbox = SqliteOutbox {
            options,
            packer: Packer::default(),
            turns: Turns::default(),
            writer: Mutex::new(writer),
            uploader: Mutex::new(uploader),
            identity: Mutex::new(identity),
            schemas: Mutex::default(),
            appended: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            path,
        };
        Ok((outbox, recovered))
    }

    /// Where the outbox is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What [`super::Policy::DropOldest`] has removed, since the file was made.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn dropped(&self) -> Result<Pending> {
        rows::dropped(&self.uploader().connection).map_err(|source| self.failed(source))
    }

    /// What this process did with the outbox.
    pub fn stats(&self) -> Stats {
        Stats {
            appended: self.appended.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }

    // A thread that panicked with a connection left at most an open transaction, which `write`
    // rolls back before it starts its own; so poisoning tells nothing that is not handled.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uploader(&self) -> MutexGuard<'_, Uploader> {
        self.uploader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, source: rusqlite::Error) -> Error {
        Error::sqlite(&self.path, source)
    }

    /// Commits the rows of a group and answers each. A failure that one row may have caused is not
    /// left on the others: then each gets a commit of its own.
    fn commit_group(&self, group: &[Prepared<'_>], dropped: &mut Pending) -> Vec<Result<i64>> {
        match self.commit_rows(group, dropped) {
            Ok(answers) => answers,
            Err(Error::Locked { path }) => group
                .iter()
                .map(|_| Err(Error::Locked { path: path.clone() }))
                .collect(),
            Err(error) if group.len() == 1 => vec![Err(error)],
            Err(_) => group
                .iter()
                .map(|row| {
                    self.commit_rows(std::slice::from_ref(row), dropped)?
                        .pop()
                        .unwrap_or(self.abandoned())
                })
                .collect(),
        }
    }

    /// Commits rows together; the result is for the commit, the answers in it for each row.
    fn commit_rows(&self, group: &[Prepared<'_>], dropped: &mut Pending) -> Result<Vec<Result<i64>>> {
        let mut writer = self.writer();
        let Writer { connection, log } = &mut *writer;
        let bytes = group.iter().map(Prepared::stored_bytes).sum();
        log.empty_if_due(connection, bytes)
            .map_err(|source| self.failed(source))?;
        let transaction = write(connection).map_err(|source| self.failed(source))?;
        log.make_room(bytes).map_err(|source| Error::DiskFull {
            path: self.path.clone(),
            source: Arc::new(source),
        })?;
        let mut tail = rows::tail(&transaction).map_err(|source| self.failed(source))?;
        let mut gone = Dropped::default();
        let mut answers = Vec::with_capacity(group.len());
        for row in group {
            let fits = match self.options.max_bytes {
                None => true,
                Some(limit) => rows::make_fit(&transaction, row, limit, self.options.policy, &mut gone)
                    .map_err(|source| self.failed(source))?,
            };
            answers.push(if fits {
                Ok(rows::append(&transaction, &mut tail, row).map_err(|source| self.failed(source))?)
            } else {
                let limit = self.options.max_bytes.unwrap_or(u64::MAX);
                Err(Error::CapReached {
                    path: self.path.clone(),
                    limit,
                })
            });
        }
        rows::count_dropped(&transaction, &gone).map_err(|source| self.failed(source))?;
        transaction.commit().map_err(|source| self.failed(source))?;
        let stored = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
        self.appended.fetch_add(stored, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        gone.add_to(dropped);
        Ok(answers)
    }

    fn abandoned(&self) -> Result<i64> {
        Err(Error::Abandoned {
            path: self.path.clone(),
        })
    }

    fn report_dropped(&self, dropped: Pending) {
        if dropped == Pending::default() {
            return;
        }
        ::log::error!(
            target: "ingest::outbox",
            "dropped the {} oldest transactions ({} objects) to stay under the cap of {}",
            dropped.transactions, dropped.objects, self.path.display()
        );
        if let Some(on_drop) = &self.options.on_drop {
            on_drop(dropped);
        }
    }

    /// Writes with the uploader's connection, in a turn of its own: removes rows, or notes what the
    /// uploader needs. That must also work on a disk that rows have filled.
    fn write_alone<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&SqlTransaction<'_>, &mut Settled) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.turns.alone(|| {
            let (mut uploader, mut writer) = (self.uploader(), self.writer());
            let Uploader { connection, settled } = &mut *uploader;
            let Writer { connection: other, log } = &mut *writer;
            schema::sync_commits(connection, durability).map_err(|source| self.failed(source))?;
            let mut transaction = write(connection).map_err(|source| self.failed(source))?;
            if log.is_stuck() || log.make_room(0).is_err() {
                drop(transaction);
                if let Err(error) = log.give_way(connection, other) {
                    ::log::warn!(target: "ingest::outbox", "no room to empty the log of {}: {error}", self.path.display());
                }
                transaction = write(connection).map_err(|source| self.failed(source))?;
            }
            let done = work(&transaction, settled).and_then(|done| transaction.commit().map(|()| done));
            let done = done.map_err(|source| self.failed(source))?;
            // What this says is met by the next write.
            let _ = log.empty_if_due(connection, 0);
            Ok(done)
        })
    }

    /// One step of giving space back; returns whether there is more to do.
    fn compact_step(&self) -> Result<bool> {
        self.turns.alone(|| {
            let mut uploader = self.uploader();
            let connection = &mut uploader.connection;
            let mut writer = self.writer();
            let failed = |source| self.failed(source);
            let usage = rows::usage(connection).map_err(failed)?;
            if usage.free_bytes() <= KEEP_FREE_BYTES {
                if writer.log.file_bytes() > schema::WAL_BYTES {
                    rows::cut_log(connection).map_err(failed)?;
                    writer.log.was_cut();
                }
                return Ok(false);
            }
            if usage.used_pages() <= COPY_PAGES {
                rows::copy_to_fit(connection).map_err(failed)?;
            } else {
                rows::give_back(connection, PAGES_PER_TURN).map_err(failed)?;
            }
            let left = rows::usage(connection).map_err(failed)?;
            let more = left.free_bytes() > KEEP_FREE_BYTES && left.pages < usage.pages;
            if !more {
                rows::cut_log(connection).map_err(failed)?;
                writer.log.was_cut();
            }
            Ok(more)
        })
    }
}

/// Both connections to what is at `path`, or takes its place.
fn connect(path: &Path, options: &Options) -> Result<(Writer, Uploader, Option<Recovered>)> {
    let (mut writer, recovered) = recover::open(path, options)?;
    let mut uploader = schema::open_uploader(path, options.lock_wait)?;
    let failed = |source| Error::sqlite(path, source);
    let log = Log::new(path);
    log.watch(&mut writer).map_err(failed)?;
    log.watch(&mut uploader).map_err(failed)?;
    if rows::ends(&uploader).map_err(failed)?.is_some() {
        // What waits must be able to leave even if the disk fills up from here on. If it is full
        // already, or the file busy, the first write tries again.
        let _ = write(&mut writer).map(|_lock| log.make_room(0));
    }
    let writer = Writer {
        connection: writer,
        log,
    };
    let uploader = Uploader {
        connection: uploader,
        settled: Settled::default(),
    };
    Ok((writer, uploader, recovered))
}

/// Starts a write transaction: takes the file's lock at once, so that it cannot fail for it later.
fn write(connection: &mut Connection) -> rusqlite::Result<SqlTransaction<'_>> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

impl Outbox for SqliteOutbox {
    fn identity(&self) -> String {
        self.identity
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn renew_identity(&self) -> Result<String> {
        let identity = new_identity();
        self.write_alone(Durability::Full, |transaction, _| {
            rows::set_identity(transaction, &identity)
        })?;
        identity.clone_into(&mut self.identity.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(identity)
    }

    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId> {
        let known = rows::find_schema(&self.uploader().connection, fingerprint);
        let id = match known.map_err(|source| self.failed(source))? {
            Some(id) => id,
            None => self.write_alone(Durability::Full, |transaction, _| {
                rows::add_schema(transaction, fingerprint, json)
            })?,
        };
        self.schemas
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id);
        Ok(id)
    }

    fn schema(&self, id: SchemaId) -> Result<StoredSchema> {
        let found = rows::schema(&self.uploader().connection, id).optional();
        found
            .map_err(|source| self.failed(source))?
            .ok_or(Error::UnknownSchema { id })
    }

    fn append(&self, transaction: &WriteTransaction<'_>) -> Result<i64> {
        check(transaction)?;
        let id = transaction.schema;
        let known = self
            .schemas
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&id);
        if !known {
            self.schema(id)?;
            self.schemas
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id);
        }
        let row = self.packer.pack(transaction);
        let mut dropped = Pending::default();
        let seq = self.turns.commit(
            row,
            |group| self.commit_group(group, &mut dropped),
            || {
                let mut writer = self.writer();
                let Writer { connection, log } = &mut *writer;
                // What this says is met by the next write.
                let _ = log.empty_if_due(connection, 0);
            },
            || self.abandoned(),
        );
        self.report_dropped(dropped);
        seq
    }

    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        let leased = rows::lease(&mut self.uploader().connection, after, max_bytes);
        let (rows, unsynced) = leased.map_err(|source| self.failed(source))??;
        let Some(newest) = rows.last() else {
            return Ok(None);
        };
        if unsynced {
            // Relaxed durability: rows that power loss could still undo must not be sent, as their
            // numbers would be given out a second time (invariant 4). Syncing this note syncs all
            // that was committed before it.
            let newest = newest.seq;
            self.write_alone(Durability::Full, |transaction, _| {
                rows::raise_high_seq(transaction, newest)
            })?;
        }
        Ok(Some(Lease { rows }))
    }

    fn settle(&self, first: i64, last: i64) -> Result<()> {
        // If power loss undoes it, the rows are sent again, which the gateway recognises: no reason
        // to wait for the disk.
        let mut leaving = None;
        let settled = self.write_alone(Durability::Relaxed, |transaction, settled| {
            let Some((oldest, newest)) = rows::ends(transaction)? else {
                return Ok(());
            };
            if let Some(through) = settled.add(oldest, first, last.min(newest)) {
                leaving = Some((oldest, through));
                rows::remove_through(transaction, through, newest)?;
            }
            Ok(())
        });
        if settled.is_err()
            && let Some((oldest, through)) = leaving
        {
            // The rows are still there, and still answered for.
            self.uploader().settled.keep(oldest, through);
        }
        settled
    }

    fn last_seq(&self) -> Result<i64> {
        rows::last_seq(&self.uploader().connection).map_err(|source| self.failed(source))
    }

    fn pending(&self) -> Result<Pending> {
        rows::pending(&self.uploader().connection).map_err(|source| self.failed(source))
    }

    fn pending_through(&self, seq: i64) -> Result<bool> {
        let ends = rows::ends(&self.uploader().connection);
        Ok(ends
            .map_err(|source| self.failed(source))?
            .is_some_and(|(oldest, _)| oldest <= seq))
    }

    fn version(&self) -> Result<i64> {
        rows::version(&self.uploader().connection).map_err(|source| self.failed(source))
    }

    fn compact(&self) -> Result<()> {
        while self.compact_step()? {}
        Ok(())
    }

    fn recover(&self) -> Result<Recovered> {
        self.turns.alone(|| {
            let (mut uploader, mut writer) = (self.uploader(), self.writer());
            let nothing = || Connection::open_in_memory().map_err(|source| self.failed(source));
            // Closed one after the other: only a file that nobody else has open can be replaced.
            uploader.connection = nothing()?;
            let replaced = recover::replace_open(&writer.connection, &self.path, &self.options);
            writer.connection = nothing()?;
            let (new_writer, new_uploader, recovered) = connect(&self.path, &self.options)?;
            *writer = new_writer;
            *uploader = new_uploader;
            let identity = rows::identity(&uploader.connection).map_err(|source| self.failed(source))?;
            *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
            // A schema may be among what was lost.
            self.schemas
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            match recovered {
                // What could not be replaced before could be now.
                Some(recovered) => Ok(recovered),
                None => replaced,
            }
        })
    }

    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>> {
        let path = recover::beside(&self.path, ".lock");
        // The former SDK has a file of this name; its content is nobody's business here.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = opened.map_err(|source| Error::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", &path, source)),
        }
        // The uploader before this one, in another process, may have changed it.
        let identity = rows::identity(&self.uploader().connection).map_err(|source| self.failed(source))?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
        Ok(Some(UploaderGuard(Hold::File { _locked: file })))
    }
}

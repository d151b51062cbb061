//! The outbox in a SQLite file. Only this file and `sqlite/` contain SQL.
//!
//! Two connections: one that appends, and the uploader's, which reads and settles. Reading blocks
//! nobody. Writing takes turns (`turns.rs`), so that within a process nobody sleeps on a lock;
//! between processes SQLite's own lock decides, for a bounded time. Whatever call meets damage has the
//! file replaced (`heal.rs`) and is made once more.

mod answers;
mod cap;
mod commits;
mod content;
mod door;
mod epochs;
mod fates;
mod found;
mod fresh;
#[cfg(feature = "testing")]
pub(crate) mod fuzzing;
mod give;
mod glance;
mod heal;
mod lease;
mod ledger;
mod links;
mod lock;
mod log;
mod meta;
mod pack;
mod packs;
mod pages;
mod pass;
mod place;
mod process;
mod readings;
mod recover;
mod rekey;
mod remove;
mod reports;
mod reserve;
mod rows;
mod salvage;
mod schema;
mod schemas;
mod seals;
mod settle;
mod space;
mod survivors;
mod tables;
mod tidy;
mod turns;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension};

pub(crate) use self::give::give;
pub(crate) use self::glance::{Glance, glance};
use self::heal::Known;
use self::lease::Leased;
pub(crate) use self::links::real_path;
pub(super) use self::lock::Lock;
use self::log::Log;
use self::pack::Packer;
use self::place::Place;
use self::process::InProcess;
use self::recover::Opened;
pub use self::rekey::rekey;
pub(crate) use self::remove::{Footprint, delete, footprint, is_drained, is_outbox, path_of};
use self::turns::Turns;
use self::writing::Writing;
use super::seal::Seal;
use super::{Durability, Error, Lease, Options, Origin, Pending, Recovered, Result, SchemaId, StoredSchema};

/// An [`Outbox`](super::Outbox) in a file.
pub struct SqliteOutbox {
    path: PathBuf,
    options: Options,
    packer: Packer,
    turns: Turns,
    files: Arc<Files>,
    known: Mutex<Known>,
    sent_as: Mutex<SentAs>,
    /// How often the file was replaced.
    replaced: AtomicU64,
    /// It could not be opened again after it was closed for repair.
    closed: AtomicBool,
    /// Found in the middle of a call, to be reported at its end.
    untold: Mutex<Option<Recovered>>,
    process: InProcess,
}

/// What is open of the file.
struct Files {
    writer: Mutex<Writer>,
    drain: Mutex<Drain>,
}

struct Writer {
    connection: Connection,
    seal: Seal,
    log: Log,
    place: Place,
}

/// The uploader's.
struct Drain {
    connection: Connection,
    seal: Seal,
}

/// The lineage that the rows leave under. Rows must not be sent under one that power loss could still
/// undo: the file would go back to the one before, and what it sends would be taken for a copy's
/// (invariant 4).
#[derive(Default)]
struct SentAs {
    lineage: String,
    on_disk: bool,
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
    /// outbox is moved aside and reported beside the new outbox, which has what can be read of it.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NewerFormat`], [`Error::SqliteTooOld`], [`Error::KeyRequired`],
    /// [`Error::WrongKey`], [`Error::NotEncrypted`], [`Error::ForeignProcess`], or the file could not be used for now: locked, no permission, no
    /// space. Then nothing was moved.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<(SqliteOutbox, Option<Recovered>)> {
        let path = path.as_ref();
        // Absolute: it stays the same file if the program changes its folder, and SQLite never
        // takes it for a URI.
        let path = real_path(path).map_err(|source| Error::io("find", path, source))?;
        let process = InProcess::enter(&path)?;
        let opened = recover::open(&path, &options, &Known::default())?;
        let (files, sent_as, recovered) = connect(&path, &options, opened)?;
        let outbox = SqliteOutbox {
            options,
            packer: Packer,
            turns: Turns::default(),
            files: Arc::new(files),
            known: Mutex::default(),
            sent_as: Mutex::new(sent_as),
            replaced: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            untold: Mutex::default(),
            process,
            path,
        };
        Ok((outbox, recovered))
    }

    /// Where the outbox is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the cap's policy has dropped, since the file was made.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn dropped(&self) -> Result<Pending> {
        self.reading(meta::dropped)
    }

    // A thread that panicked with a connection left at most an open transaction, which `write`
    // rolls back before it starts its own; so poisoning tells nothing that is not handled.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.files.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) -> MutexGuard<'_, Drain> {
        self.files.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent_as(&self) -> MutexGuard<'_, SentAs> {
        self.sent_as.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether closing must leave the log as it is. Closing would empty it from where it was left, though it is in doubt:
    /// whoever opens the file next begins anew. And it would delete what has the log's name, which is another file's
    /// where this one is gone.
    fn must_keep_log(&self) -> bool {
        let writer = self.writer();
        writer.log.is_doubtful() || writer.place.check().is_err()
    }

    fn failed(&self, source: rusqlite::Error) -> Error {
        Error::sqlite(&self.path, source)
    }

    fn reading<T>(&self, read: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.unsealing(|connection, _| read(connection))
    }

    fn unsealing<T>(&self, read: impl Fn(&Connection, &Seal) -> rusqlite::Result<T>) -> Result<T> {
        self.mended(|| {
            let drain = self.drain();
            read(&drain.connection, &drain.seal).map_err(|source| self.failed(source))
        })
    }

    fn is_known(&self, id: SchemaId) -> bool {
        self.known().schemas.contains_key(&id)
    }

    /// The schema, of this process's memory or of the file.
    fn find_schema(&self, id: SchemaId) -> Result<StoredSchema> {
        if let Some(known) = self.known().schemas.get(&id) {
            return Ok(known.clone());
        }
        let found = self.unsealing(|connection, seal| schemas::read(connection, seal, id).optional())?;
        let schema = found.ok_or(Error::UnknownSchema { id })?;
        if !schema.json.is_empty() {
            self.known().schemas.insert(id, schema.clone());
        }
        Ok(schema)
    }

    fn origin_once(&self) -> Result<Origin> {
        let origin = meta::origin(&self.drain().connection).map_err(|source| self.failed(source))?;
        let is_on_disk = {
            let sent_as = self.sent_as();
            sent_as.on_disk && sent_as.lineage == origin.lineage
        };
        if is_on_disk {
            return Ok(origin);
        }
        // Syncing this one syncs all that was committed before it.
        let origin = self.write_alone(Durability::Full, |transaction, _| {
            meta::count_sync(transaction)?;
            meta::origin(transaction)
        })?;
        *self.sent_as() = SentAs {
            lineage: origin.lineage.clone(),
            on_disk: true,
        };
        Ok(origin)
    }

    fn lease_once(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        let leased = {
            let mut drain = self.drain();
            let Drain { connection, seal } = &mut *drain;
            lease::lease(connection, seal, after, max_bytes)
        };
        let Leased { rows, unsynced } = leased.map_err(|source| self.failed(source))?;
        let Some(newest) = rows.last().map(|row| row.seq) else {
            return Ok(None);
        };
        if unsynced {
            // Relaxed durability: rows that power loss could still undo must not be sent, as their
            // numbers would be given out a second time (invariant 4). Syncing this note syncs all
            // that was committed before it.
            self.write_alone(Durability::Full, |transaction, _| {
                meta::raise_high_seq(transaction, newest)
            })?;
        }
        Ok(Some(Lease { rows }))
    }
}

impl Drop for SqliteOutbox {
    fn drop(&mut self) {
        if self.process.is_foreign() {
            // Closing would cut the log that the parent is using, and could wait for ever for a lock
            // that one of the parent's threads held at the fork.
            std::mem::forget(Arc::clone(&self.files));
        } else if self.must_keep_log() {
            for connection in [&self.drain().connection, &self.writer().connection] {
                let _ = schema::keep_log_on_close(connection, true);
            }
        }
    }
}

/// Both connections to the outbox that was opened at `path`, and what is to be reported of it.
fn connect(path: &Path, options: &Options, opened: Opened) -> Result<(Files, SentAs, Option<Recovered>)> {
    let mut writer = opened.connection;
    let mut drain = schema::open_uploader(path, options.lock_wait)?;
    let failed = |source| Error::sqlite(path, source);
    // SQLite syncs the folder in which it made the log, and passes over it if that fails.
    recover::sync_folder(path)?;
    let mut log = Log::new(path, options.lock_wait);
    log.watch(&mut writer).map_err(failed)?;
    log.watch(&mut drain).map_err(failed)?;
    // If it cannot be done now, the first write tries again.
    let _ = log.be_sure(&writer);
    let sent_as = SentAs {
        lineage: meta::origin(&drain).map_err(failed)?.lineage,
        on_disk: !log.is_doubtful(),
    };
    if rows::ends(&drain).map_err(failed)?.is_some() {
        // What waits must be able to leave even if the disk fills up from here on. If it is full
        // already, or the file busy, the first write tries again.
        let _ = Writing::begin(&mut writer).map(|_lock| log.make_room(0));
    }
    if settle::are_settled(&drain).map_err(failed)? {
        // If it cannot be done now, the next uploader sees to it.
        let gone = Writing::begin(&mut writer).and_then(|transaction| {
            settle::settled_go(&transaction, &opened.seal)?;
            transaction.commit()
        });
        let _ = gone
            .map_err(failed)
            .inspect_err(|error| log.doubt_after(error, &mut writer));
    }
    if let Some(report) = &opened.unreported {
        // Nothing fails any more. What cannot be noted now is reported once more.
        let noted = reports::note_reported(&writer, report).map_err(failed);
        let _ = noted.inspect_err(|error| log.doubt_after(error, &mut writer));
    }
    let files = Files {
        writer: Mutex::new(Writer {
            connection: writer,
            seal: opened.seal.clone(),
            log,
            place: Place::of(path),
        }),
        drain: Mutex::new(Drain {
            connection: drain,
            seal: opened.seal,
        }),
    };
    let recovered = opened.unreported.map(|report| report.recovered);
    Ok((files, sent_as, recovered))
}

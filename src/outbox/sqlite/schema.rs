//! The file's format: pragmas with their reasons, creation, and what an existing file must satisfy.
//!
//! Format 2. `tx` has one row per write transaction, numbered without gaps, or one for several: where
//! `first` is not null, a row stands for the transactions `first..=seq` (`packs.rs`, which has the form
//! of it). `meta.tidied` says up to which number rows were looked at for that (`tidy.rs`). `meta.guarded` says that only
//! who opens the file for an application may send what waits.
//! `objects_through` and `bytes_through` are running sums over the rows since the table was last empty:
//! the difference between the newest and the oldest row is what waits, without a counter that every
//! commit would have to write to a page of its own. `meta.high_seq` is only raised when the newest row
//! leaves (or, with relaxed durability, is about to be sent) and when damage took it; the highest number
//! given out is this one or the newest row's.
//! `loss` is the record of what was taken away (`ledger.rs`), `recovery` what is to be reported of a
//! damaged file that this one replaced (`reports.rs`). The `json` of a schema is empty if damage took it.
//! `seal` has a row where the file is encrypted (`seals.rs`): then what rows hold (`content.rs`), the schemas,
//! the owner's columns of `meta` and what is said of refused objects are sealed, and all else is as it is.
//! `epoch` says which numbers were given out with which mark (`epochs.rs`), `refused` and `refusal` what the
//! gateway did not store (`answers.rs`); what became of transactions is on record from number
//! `meta.known_from` on. The columns behind it count (`meta.rs`).
//! Format 1 had none of these six tables, nor the columns of `meta` from `lineage` on, nor `tx.first`; it is
//! upgraded when it is opened.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi, params};

use super::meta;
use super::recover::beside;
use super::rows::{MAX_SEQ, is_seq};
use super::seals;
use crate::ffi::sqlite::{has_moved, spare_memory};
use crate::outbox::seal::Seal;
use crate::outbox::{Durability, Error, Key, Result, new_identity};

/// The format of this release, in `user_version`.
const FORMAT: i64 = 2;

/// The first format in which a file can be encrypted.
pub(super) const FIRST_SEALED: i64 = 2;

/// The first format that says who may send what waits.
pub(super) const FIRST_GUARDED: i64 = 2;

/// Marks the file as an outbox: "RIob" in ASCII, in `application_id`.
pub(super) const APPLICATION_ID: i64 = 0x5249_6f62;

/// Marks an outbox in which damage was found: "RIod". What can be read of it is to be carried over.
pub(super) const DAMAGED_ID: i64 = 0x5249_6f64;

/// What is said of it.
pub(super) const DAMAGED: &str = "rows of it cannot be read";

/// Earlier releases can lose a WAL that is reset while another connection checkpoints it.
const OLDEST_SQLITE: i32 = 3_051_003;
const OLDEST_SQLITE_TEXT: &str = "3.51.3";

/// 4 KiB is the unit of the disk and of the system's cache. A commit of one small row writes one
/// page, so a smaller page would not sync faster, and a larger one would write more for nothing;
/// large payloads span pages anyway.
pub(super) const PAGE_BYTES: i64 = 4096;

/// The log is emptied into the database when it has this many pages (800 KiB). Small commits rewrite
/// the same few pages in the log, so the checkpoint is cheap, and one in two hundred commits pays for
/// it. More pages would spare some of those, fewer would keep the log smaller, which counts where
/// little is pending.
pub(super) const WAL_PAGES: i64 = 200;

/// What a connection remembers of the file. Rows are written and read once, in order, so that more would be of no use, and
/// a process may have thousands of outboxes with two connections each.
const CACHE_KIB: i64 = 256;

/// The log's file is kept at that size when it is emptied, as overwriting blocks takes less of a file
/// system than adding them; what a large transaction adds beyond it is cut off again.
pub(super) const WAL_BYTES: u64 = (WAL_PAGES * (PAGE_BYTES + 24)) as u64 + 32;

pub(super) const CREATE: &str = "
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        identity TEXT NOT NULL,
        stamp TEXT NOT NULL,
        high_seq INTEGER NOT NULL,
        relaxed INTEGER NOT NULL,
        dropped_transactions INTEGER NOT NULL,
        dropped_objects INTEGER NOT NULL,
        dropped_bytes INTEGER NOT NULL,
        lineage TEXT NOT NULL,
        acked INTEGER NOT NULL,
        app TEXT,
        user TEXT,
        principal TEXT,
        tidied INTEGER NOT NULL DEFAULT 0,
        syncs INTEGER NOT NULL DEFAULT 0,
        salt BLOB,
        proof BLOB,
        salt_checksum INTEGER,
        owner_mark TEXT,
        guarded INTEGER NOT NULL DEFAULT 0,
        mark INTEGER NOT NULL DEFAULT 0,
        known_from INTEGER NOT NULL DEFAULT 1,
        damaged INTEGER NOT NULL DEFAULT 0,
        refused_objects INTEGER NOT NULL DEFAULT 0,
        sent_objects INTEGER NOT NULL DEFAULT 0,
        sent_bytes INTEGER NOT NULL DEFAULT 0,
        acknowledged INTEGER NOT NULL DEFAULT 0,
        round_from INTEGER NOT NULL DEFAULT 0,
        drained_at INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        salt BLOB NOT NULL,
        proof BLOB NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE epoch (
        first INTEGER PRIMARY KEY,
        mark INTEGER NOT NULL,
        damaged INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refused (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        doubt INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refusal (
        seq INTEGER NOT NULL,
        position INTEGER NOT NULL,
        told BLOB NOT NULL,
        PRIMARY KEY (seq, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE loss (
        id INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        reason INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE recovery (
        id INTEGER PRIMARY KEY,
        label TEXT NOT NULL,
        former_sdk INTEGER NOT NULL,
        reason TEXT NOT NULL,
        kept INTEGER,
        lost INTEGER,
        reported INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE schema (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tx (
        seq INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        objects INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        objects_through INTEGER NOT NULL,
        bytes_through INTEGER NOT NULL,
        schema INTEGER NOT NULL,
        codec INTEGER NOT NULL,
        runs BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        payload BLOB NOT NULL,
        first INTEGER
    ) STRICT;
";

/// What format 2 has and format 1 had not. What was settled of a file of format 1 is not known; 0 says
/// too little rather than too much.
const FROM_1: &str = "
    ALTER TABLE meta ADD COLUMN lineage TEXT NOT NULL DEFAULT '';
    ALTER TABLE meta ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN app TEXT;
    ALTER TABLE meta ADD COLUMN user TEXT;
    ALTER TABLE meta ADD COLUMN principal TEXT;
    ALTER TABLE meta ADD COLUMN tidied INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN syncs INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN salt BLOB;
    ALTER TABLE meta ADD COLUMN proof BLOB;
    ALTER TABLE meta ADD COLUMN salt_checksum INTEGER;
    ALTER TABLE meta ADD COLUMN owner_mark TEXT;
    ALTER TABLE meta ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN known_from INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE meta ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN refused_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN sent_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN sent_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN round_from INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE meta ADD COLUMN drained_at INTEGER NOT NULL DEFAULT 0;
    UPDATE meta SET known_from = coalesce((SELECT min(seq) FROM tx), high_seq + 1);
    CREATE TABLE epoch (
        first INTEGER PRIMARY KEY,
        mark INTEGER NOT NULL,
        damaged INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refused (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        doubt INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE refusal (
        seq INTEGER NOT NULL,
        position INTEGER NOT NULL,
        told BLOB NOT NULL,
        PRIMARY KEY (seq, position)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE tx ADD COLUMN first INTEGER;
    UPDATE meta SET lineage = lower(hex(randomblob(16)));
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        salt BLOB NOT NULL,
        proof BLOB NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE loss (
        id INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        reason INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE recovery (
        id INTEGER PRIMARY KEY,
        label TEXT NOT NULL,
        former_sdk INTEGER NOT NULL,
        reason TEXT NOT NULL,
        kept INTEGER,
        lost INTEGER,
        reported INTEGER NOT NULL
    ) STRICT;
";

/// Why a file did not open.
pub(super) enum Refused {
    /// It cannot be used, now or later: it is to be moved aside.
    Damaged(String),
    /// It may be a good file; it must stay where it is.
    Error(Error),
    /// It was taken from the path while it was being opened. Whatever was met in it, the path has another one.
    Exchanged,
}

impl Refused {
    /// For a file that was just made, which nobody would move aside.
    pub(super) fn into_error(self, path: &Path) -> Error {
        match self {
            Refused::Damaged(reason) => Error::Corrupt {
                path: path.to_owned(),
                reason,
            },
            Refused::Error(error) => error,
            Refused::Exchanged => Error::Gone {
                path: path.to_owned(),
            },
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        match error {
            Error::Corrupt { reason, .. } => Refused::Damaged(reason),
            error => Refused::Error(error),
        }
    }
}

pub(super) fn check_sqlite_version() -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::SqliteTooOld {
            found: rusqlite::version().to_owned(),
            required: OLDEST_SQLITE_TEXT,
        });
    }
    Ok(())
}

/// The writers' connection, on a file that is an outbox from here on, and what opens its values.
pub(super) fn open_writer(
    path: &Path,
    key: Option<&Key>,
    durability: Durability,
    lock_wait: Duration,
) -> std::result::Result<(Connection, Seal), Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let mut connection = open(path, lock_wait).map_err(failed)?;
    // A file that turns out to be damaged is kept as it was found: closing must not write to it.
    keep_log_on_close(&connection, true).map_err(failed)?;
    match prepare(&mut connection, path, key, durability, lock_wait) {
        Err(_) if has_moved(&connection) => {
            // What has the log's name is the other file's.
            keep_log_on_close(&connection, true).map_err(failed)?;
            Err(Refused::Exchanged)
        }
        prepared => prepared.map(|seal| (connection, seal)),
    }
}

/// Makes the file an outbox that can be used.
fn prepare(
    connection: &mut Connection,
    path: &Path,
    key: Option<&Key>,
    durability: Durability,
    lock_wait: Duration,
) -> std::result::Result<Seal, Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let application_id = pragma(connection, "application_id").map_err(failed)?;
    let format = format(connection).map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    match application_id {
        APPLICATION_ID if format > FORMAT => {
            let path = path.to_owned();
            return Err(Refused::Error(Error::NewerFormat {
                path,
                found: format,
                supported: FORMAT,
            }));
        }
        APPLICATION_ID | DAMAGED_ID => {}
        0 if tables == 0 => create(connection, path, key, lock_wait).map_err(failed)?,
        _ => return Err(Refused::Damaged("it is another program's database".to_owned())),
    }
    // First of all, as with another key nothing must be done to the file, whatever state it is in.
    let seal = match seals::unlock(connection, path, key) {
        Err(Refused::Error(error)) => {
            leave_as_found(connection, path).map_err(failed)?;
            return Err(Refused::Error(error));
        }
        unlocked => unlocked?,
    };
    if application_id == DAMAGED_ID {
        return Err(Refused::Damaged(DAMAGED.to_owned()));
    }
    configure(connection, lock_wait).map_err(failed)?;
    // The first look may have waited for somebody who took the file from the path. From here on nobody does: with a log it
    // is locked for as long as the connection is open. What was written to it now would go to the log of the other file,
    // which has that name.
    if has_moved(connection) {
        return Err(Refused::Exchanged);
    }
    sync_commits(connection, Durability::Full).map_err(failed)?;
    upgrade(connection).map_err(|source| refused(path, source))?;
    validate(connection, path)?;
    sync_commits(connection, durability).map_err(failed)?;
    settle_identity(connection, path, durability)?;
    keep_log_on_close(connection, false).map_err(failed)?;
    Ok(seal)
}

/// Whether the key is the one of the outbox at the path, of which this file is a part.
///
/// # Errors
/// It is not, or the file cannot be read for now. A file that is damaged is not refused.
pub(super) fn check_key(file: &Path, path: &Path, key: Option<&Key>) -> Result<()> {
    let opened = open(file, Duration::ZERO)
        .and_then(|connection| leave_as_found(&connection, file).map(|()| connection));
    let connection = opened.map_err(|source| Error::sqlite(file, source))?;
    match seals::unlock(&connection, path, key) {
        Err(Refused::Error(error)) => Err(error),
        Ok(_) | Err(Refused::Damaged(_) | Refused::Exchanged) => Ok(()),
    }
}

/// A damaged outbox, to read what can be read of it; `None` if the file is none. Nobody else can use it
/// meanwhile, and it is not written to.
///
/// # Errors
/// [`Error::Locked`] while anybody else has it open, or it cannot be read for now.
pub(super) fn open_damaged(path: &Path, lock_wait: Duration) -> Result<Option<Connection>> {
    // SQLite would delete the log of a database without content.
    if fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(None);
    }
    let opened = || -> rusqlite::Result<Option<Connection>> {
        let connection = open(path, lock_wait)?;
        keep_log_on_close(&connection, true)?;
        // Before the file is read for the first time: then its lock is for this connection alone, and
        // the index of its log is kept in memory.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        connection.pragma_update(None, "cell_size_check", true)?;
        let application_id = pragma(&connection, "application_id")?;
        let is_ours = [APPLICATION_ID, DAMAGED_ID].contains(&application_id);
        let format = format(&connection)?;
        if is_ours && format < FORMAT {
            // Its rows, with the columns of now.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.execute_batch("CREATE TEMP VIEW tx AS SELECT *, NULL AS first FROM main.tx")?;
        }
        Ok((is_ours && format <= FORMAT).then_some(connection))
    };
    match opened() {
        Ok(connection) => Ok(connection),
        Err(error) if is_damage(&error) => Ok(None),
        Err(source) => Err(Error::sqlite(path, source)),
    }
}

/// The uploader's connection, on a file that [`open_writer`] has opened.
pub(super) fn open_uploader(path: &Path, lock_wait: Duration) -> Result<Connection> {
    let failed = |source| Error::sqlite(path, source);
    let connection = open(path, lock_wait).map_err(failed)?;
    configure(&connection, lock_wait).map_err(failed)?;
    // Removing rows touches each of their pages several times. What does not fit in the cache would be written to the log
    // each time rather than once; a lease bounds how much that is.
    connection
        .pragma_update(None, "cache_spill", false)
        .map_err(failed)?;
    Ok(connection)
}

/// How much commits of `connection` survive.
pub(super) fn sync_commits(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

pub(super) fn open(path: &Path, lock_wait: Duration) -> rusqlite::Result<Connection> {
    // Each connection is used under a mutex of ours, so SQLite's own would be a second one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    spare_memory();
    let mut connection = Connection::open_with_flags(path, flags)?;
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        // Where a file cannot be opened for writing SQLite settles for reading, also if it was for want of descriptors
        // and passes: nothing could be written as long as the connection is open.
        let cannot_open = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        let reason = "it cannot be opened for writing".to_owned();
        return Err(rusqlite::Error::SqliteFailure(cannot_open, Some(reason)));
    }
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        // About the length of a commit, then longer: the lock is gone soon or not for a while.
        let pause = Duration::from_micros(200 * (1 + tries.clamp(0, 24) as u64));
        std::thread::sleep(pause);
        since.elapsed() < lock_wait
    }))?;
    Ok(connection)
}

pub(super) fn keep_log_on_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(|_| ())
}

/// Closing will change nothing in the folder: a log stays, and the empty one that opening made goes.
pub(super) fn leave_as_found(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0);
    keep_log_on_close(connection, has_log)
}

pub(super) fn format(connection: &Connection) -> rusqlite::Result<i64> {
    pragma(connection, "user_version")
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Makes an empty file an outbox. Another process may be doing the same.
fn create(
    connection: &mut Connection,
    path: &Path,
    key: Option<&Key>,
    lock_wait: Duration,
) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Incremental: pages can be given back to the file system when it suits, without a copy of
    // the file. It can only be chosen while the file is empty.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    use_log(connection, lock_wait)?;
    sync_commits(connection, Durability::Full)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if pragma(&transaction, "application_id")? != APPLICATION_ID {
        transaction.execute_batch(CREATE)?;
        transaction.execute(
            "INSERT INTO meta (id, identity, stamp, high_seq, relaxed, dropped_transactions, dropped_objects,
                               dropped_bytes, lineage, acked)
             VALUES (1, ?1, ?2, 0, 0, 0, 0, 0, ?3, 0)",
            params![new_identity(), stamp(path), new_identity()],
        )?;
        seals::make(&transaction, key)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// Makes a file of an earlier format one of this format, all at once. Another process may be doing the
/// same.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    if format(connection)? >= FORMAT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if format(&transaction)? < 2 {
        transaction.execute_batch(FROM_1)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn use_log(connection: &Connection, lock_wait: Duration) -> rusqlite::Result<()> {
    let since = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            // Changing the mode does not call the busy handler.
            Err(error) if is_busy(&error) && since.elapsed() < lock_wait => {
                std::thread::sleep(Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

/// Moves the whole log into the file, which has none from then on.
pub(super) fn leave_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

fn configure(connection: &Connection, lock_wait: Duration) -> rusqlite::Result<()> {
    use_log(connection, lock_wait)?;
    // The log is emptied by `SqliteOutbox`, which knows when nobody waits for it.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES as i64, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // No stray files elsewhere: a full or read-only temporary folder is not the outbox's business.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Damage is better found when a page is read than believed; the file is not trusted either.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

/// What must hold for the file to be used. Reads a handful of pages, whatever the backlog.
fn validate(connection: &Connection, path: &Path) -> std::result::Result<(), Refused> {
    let check = || -> rusqlite::Result<Option<&'static str>> {
        let (identity, high_seq, lineage): (String, i64, String) = connection.query_row(
            "SELECT identity, high_seq, lineage, acked, app, user, principal, syncs,
                    stamp, relaxed, dropped_transactions, dropped_objects, dropped_bytes, tidied, owner_mark, guarded, mark,
                    known_from, damaged, refused_objects, sent_objects, sent_bytes, acknowledged, round_from,
                    drained_at
             FROM meta WHERE id = 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        for name in [identity, lineage] {
            if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Ok(Some("its identity is malformed"));
            }
        }
        if !(0..=MAX_SEQ).contains(&high_seq) {
            return Ok(Some("its numbering is malformed"));
        }
        for end in ["ASC", "DESC"] {
            let sql = format!(
                "SELECT seq, created, objects, bytes, objects_through, bytes_through, schema, codec, runs, checksum,
                        first
                 FROM tx ORDER BY seq {end} LIMIT 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()?
                && !(is_seq(row.get(0)?) && row.get::<_, Option<i64>>(10)?.is_none_or(is_seq))
            {
                return Ok(Some("its numbering is malformed"));
            }
        }
        connection.prepare("SELECT id, fingerprint, json FROM schema")?;
        connection.prepare("SELECT id, first, last, reason FROM loss")?;
        connection.prepare("SELECT first, mark, damaged FROM epoch")?;
        connection.prepare("SELECT first, last, doubt FROM refused")?;
        connection.prepare("SELECT seq, position, told FROM refusal")?;
        connection.prepare("SELECT id, label, former_sdk, reason, kept, lost, reported FROM recovery")?;
        Ok(None)
    };
    match check() {
        Ok(None) => Ok(()),
        Ok(Some(finding)) => Err(Refused::Damaged(finding.to_owned())),
        Err(error) => Err(refused(path, error)),
    }
}

/// What an error of the statements that every good file knows says of the file.
fn refused(path: &Path, error: rusqlite::Error) -> Refused {
    if is_damage(&error) {
        Refused::Damaged(error.to_string())
    } else {
        Refused::Error(Error::sqlite(path, error))
    }
}

/// Whether a statement that every good file knows failed for what is in the file. Anything else may pass.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    // Tables or columns that are not there: SQLite has no code of its own for these.
    matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(ErrorCode::Unknown)
        || Error::is_damage(error)
}

/// Gives the outbox a new identity if its file is not the one it was made in: then it is a copy,
/// most likely an older one, and its numbers may have been used (invariant 4). Notes relaxed
/// durability, so that an uploader in another process knows of it.
fn settle_identity(
    connection: &mut Connection,
    path: &Path,
    durability: Durability,
) -> std::result::Result<(), Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let stamp = stamp(path);
    let relaxed = durability == Durability::Relaxed;
    let current = "SELECT stamp = ?1 AND relaxed >= ?2 FROM meta";
    if connection
        .query_row(current, params![stamp, relaxed], |row| row.get(0))
        .map_err(failed)?
    {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let renewed = transaction
        .execute("UPDATE meta SET stamp = ?1 WHERE stamp <> ?1", [&stamp])
        .map_err(failed)?;
    if renewed > 0 {
        meta::set_identity(&transaction, &new_identity()).map_err(failed)?;
    }
    transaction
        .execute("UPDATE meta SET relaxed = max(relaxed, ?1)", params![relaxed])
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// What tells a file from its copies: its inode and when that was made. An inode's number alone is
/// often given to the copy that replaces the file, and a device's number changes between starts on
/// some systems, so the device only counts where the file system keeps no time of creation.
fn stamp(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else {
        return String::new();
    };
    let made = metadata
        .created()
        .ok()
        .and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let inode = inode(&metadata);
    match made {
        Some(made) => format!("{inode}@{}", made.as_nanos()),
        None => format!("{inode}@{}", device(&metadata)),
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(unix)]
fn device(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(not(unix))]
fn device(_: &fs::Metadata) -> u64 {
    0
}

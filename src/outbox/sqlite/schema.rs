//! The file's format: pragmas with their reasons, creation, and what an existing file must satisfy.
//!
//! Format 1. `tx` has one row per write transaction, numbered without gaps. `objects_through` and
//! `bytes_through` are running sums over the rows since the table was last empty: the difference
//! between the newest and the oldest row is what waits, without a counter that every commit would
//! have to write to a page of its own. `meta.high_seq` is only raised when the newest row leaves
//! (or, with relaxed durability, is about to be sent); while rows are left the newest one tells.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use crate::outbox::{Durability, Error, Result, new_identity};

/// The format of this release, in `user_version`.
const FORMAT: i64 = 1;

/// Marks the file as an outbox: "RIob" in ASCII, in `application_id`.
const APPLICATION_ID: i64 = 0x5249_6f62;

/// Marks an outbox in which damage was found: "RIod". What can be read of it is to be carried over.
const DAMAGED_ID: i64 = 0x5249_6f64;

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

/// The log's file is kept at twice that size, for the reasons given in `log.rs`; what a large
/// transaction adds beyond it is cut off again.
pub(super) const WAL_BYTES: u64 = (2 * WAL_PAGES * (PAGE_BYTES + 24)) as u64 + 32;

const CREATE: &str = "
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        identity TEXT NOT NULL,
        stamp TEXT NOT NULL,
        high_seq INTEGER NOT NULL,
        relaxed INTEGER NOT NULL,
        dropped_transactions INTEGER NOT NULL,
        dropped_objects INTEGER NOT NULL,
        dropped_bytes INTEGER NOT NULL
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
        payload BLOB NOT NULL
    ) STRICT;
";

/// Why a file did not open.
pub(super) enum Refused {
    /// It cannot be used, now or later: it is to be moved aside.
    Damaged(String),
    /// It may be a good file; it must stay where it is.
    Error(Error),
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

/// The writers' connection, on a file that is an outbox from here on.
pub(super) fn open_writer(
    path: &Path,
    durability: Durability,
    lock_wait: Duration,
) -> std::result::Result<Connection, Refused> {
    let failed = |source| Refused::from(Error::sqlite(path, source));
    let mut connection = open(path, lock_wait).map_err(failed)?;
    // A file that turns out to be damaged is kept as it was found: closing must not write to it.
    keep_log_on_close(&connection, true).map_err(failed)?;
    let application_id = pragma(&connection, "application_id").map_err(failed)?;
    let format = pragma(&connection, "user_version").map_err(failed)?;
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
        APPLICATION_ID => {}
        DAMAGED_ID => return Err(Refused::Damaged(DAMAGED.to_owned())),
        0 if tables == 0 => create(&mut connection, path, lock_wait).map_err(failed)?,
        _ => return Err(Refused::Damaged("it is another program's database".to_owned())),
    }
    configure(&connection).map_err(failed)?;
    validate(&connection, path)?;
    sync_commits(&connection, durability).map_err(failed)?;
    settle_identity(&mut connection, path, durability)?;
    keep_log_on_close(&connection, false).map_err(failed)?;
    Ok(connection)
}

/// A damaged outbox, to read what can be read of it. `None` if the file is none.
pub(super) fn open_damaged(path: &Path, lock_wait: Duration) -> Option<Connection> {
    // SQLite would delete the log of a database without content.
    if fs::metadata(path).ok()?.len() == 0 {
        return None;
    }
    let connection = open(path, lock_wait).ok()?;
    // The file is kept as it was found: closing must not write to it.
    keep_log_on_close(&connection, true).ok()?;
    connection.pragma_update(None, "cell_size_check", true).ok()?;
    let application_id = pragma(&connection, "application_id").ok()?;
    let is_ours = [APPLICATION_ID, DAMAGED_ID].contains(&application_id);
    (is_ours && pragma(&connection, "user_version").ok()? <= FORMAT).then_some(connection)
}

/// Keeps all others out of the file until `connection` is closed.
///
/// # Errors
/// [`Error::Locked`] while anybody else has it open.
pub(super) fn keep_others_out(connection: &Connection, path: &Path) -> Result<()> {
    let lock = || {
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        // Succeeds for the only connection to the file alone.
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
    };
    lock().map_err(|source| Error::sqlite(path, source))
}

/// Marks the file as damaged for whoever opens it from now on, also under another name.
pub(super) fn mark_damaged(connection: &Connection, path: &Path) -> Result<()> {
    connection
        .pragma_update(None, "application_id", DAMAGED_ID)
        .map_err(|source| Error::sqlite(path, source))
}

/// The uploader's connection, on a file that [`open_writer`] has opened.
pub(super) fn open_uploader(path: &Path, lock_wait: Duration) -> Result<Connection> {
    let failed = |source| Error::sqlite(path, source);
    let connection = open(path, lock_wait).map_err(failed)?;
    configure(&connection).map_err(failed)?;
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

fn open(path: &Path, lock_wait: Duration) -> rusqlite::Result<Connection> {
    // Each connection is used under a mutex of ours, so SQLite's own would be a second one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags)?;
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

fn keep_log_on_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(|_| ())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Makes an empty file an outbox. Another process may be doing the same.
fn create(connection: &mut Connection, path: &Path, lock_wait: Duration) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Incremental: pages can be given back to the file system when it suits, without a copy of
    // the file. It can only be chosen while the file is empty.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let since = Instant::now();
    loop {
        match use_log(connection) {
            // Changing the mode does not call the busy handler.
            Err(error) if is_busy(&error) && since.elapsed() < lock_wait => {
                std::thread::sleep(Duration::from_millis(1));
            }
            done => break done?,
        }
    }
    sync_commits(connection, Durability::Full)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if pragma(&transaction, "application_id")? != APPLICATION_ID {
        transaction.execute_batch(CREATE)?;
        transaction.execute(
            "INSERT INTO meta VALUES (1, ?1, ?2, 0, 0, 0, 0, 0)",
            params![new_identity(), stamp(path)],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    use_log(connection)?;
    // The log is emptied by `SqliteOutbox`, which knows when nobody waits for it.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES as i64, |_| Ok(()))?;
    // No stray files elsewhere: a full or read-only temporary folder is not the outbox's business.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Damage is better found when a page is read than believed; the file is not trusted either.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

/// What must hold for the file to be used. Reads a handful of pages, whatever the backlog.
fn validate(connection: &Connection, path: &Path) -> std::result::Result<(), Refused> {
    let check = || -> rusqlite::Result<Option<&'static str>> {
        let (identity, high_seq): (String, i64) = connection.query_row(
            "SELECT identity, high_seq, stamp, relaxed, dropped_transactions, dropped_objects, dropped_bytes
             FROM meta WHERE id = 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if identity.len() != 32 || !identity.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some("its identity is malformed"));
        }
        for end in ["ASC", "DESC"] {
            let sql = format!(
                "SELECT seq, created, objects, bytes, objects_through, bytes_through, schema, codec, runs, checksum
                 FROM tx ORDER BY seq {end} LIMIT 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()?
                && (row.get::<_, i64>(0)? < 1 || high_seq < 0)
            {
                return Ok(Some("its numbering is malformed"));
            }
        }
        connection.prepare("SELECT id, fingerprint, json FROM schema")?;
        Ok(None)
    };
    match check() {
        Ok(None) => Ok(()),
        Ok(Some(finding)) => Err(Refused::Damaged(finding.to_owned())),
        // Tables or columns that are not there: SQLite has no code of its own for these.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
            Err(Refused::Damaged(error.to_string()))
        }
        Err(error @ (rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::InvalidColumnType(..))) => {
            Err(Refused::Damaged(error.to_string()))
        }
        Err(error) => Err(Error::sqlite(path, error).into()),
    }
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
    transaction
        .execute(
            "UPDATE meta SET identity = ?1, stamp = ?2 WHERE stamp <> ?2",
            params![new_identity(), stamp],
        )
        .map_err(failed)?;
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

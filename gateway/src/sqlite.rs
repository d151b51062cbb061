//! Opening the SQLite files of the state and of the embedded sink.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::backend::BackendError;

/// Earlier releases of SQLite can lose data in WAL mode when a checkpoint meets a reset.
const MIN_SQLITE: i32 = 3_051_003;

/// Readers never block the writer in WAL mode; only a checkpoint can make one wait.
const BUSY: Duration = Duration::from_secs(10);

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// SQLite could not open or prepare the file.
    #[error("cannot open {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It is no database file, or a damaged one.
    #[error(
        "{path} is damaged ({source}): put a backup in its place; or see with 'check-integrity' what is wrong, and move the files of \
         this directory away to begin anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file could not be made.
    #[error("cannot create {path}: {source}")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file comes from a later release.
    #[error("{path} has format {found}, this version reads up to {known}; use the gateway that wrote it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The latest format known here.
        known: i32,
    },
    /// The file comes from an earlier release, and only the server brings it up.
    #[error("{path} has format {found}, not {wanted}; start the server of this version on it once")]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The format that is needed.
        wanted: i32,
    },
    /// The SQLite that was linked has a known defect.
    #[error("SQLite {0} is linked, 3.51.3 or later is needed")]
    OldSqlite(&'static str),
    /// There is nothing to read.
    #[error("there is no gateway data in {0}; name the directory of the server with --data")]
    NoData(PathBuf),
    /// What is stored cannot be used.
    #[error("{0}")]
    Backend(#[from] BackendError),
    /// The writer thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl OpenError {
    /// What SQLite says of a file.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// Opens `path` for writing and brings it to `format`: `steps` holds what leads from each format to the next, from an
/// empty file on.
///
/// # Errors
/// When the file cannot be opened, prepared or is newer than `format`.
pub fn open_writer(path: &Path, format: i32, steps: &[&str]) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < MIN_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let sqlite = |source| OpenError::of(path, source);
    keep_private(path).map_err(|source| OpenError::Create {
        path: path.to_owned(),
        source,
    })?;
    let mut connection = Connection::open(path).map_err(sqlite)?;
    let found = prepare(&mut connection, format, steps).map_err(sqlite)?;
    if found > format {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known: format,
        });
    }
    Ok(connection)
}

/// Opens `path` for writing beside a server that may be running, if it is there and has exactly `format`.
///
/// # Errors
/// When there is no such file, it has another format or cannot be opened.
pub fn open_existing(path: &Path, format: i32) -> Result<Connection, OpenError> {
    drop(open_reader_of(path, format)?);
    open_writer(path, format, &[])
}

/// Makes the file for this user alone, before SQLite makes it for everybody, and its name durable. The log gets the same
/// mode, and its name is made durable by SQLite.
fn keep_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)?;
    realm_ingest_durable::sync_parent(path)
}

fn prepare(connection: &mut Connection, format: i32, steps: &[&str]) -> rusqlite::Result<i32> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An answer promises that the data survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found < format {
        for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", format)?;
    }
    transaction.commit()?;
    Ok(found)
}

/// Opens `path` for reading, if it is there and has exactly `format`.
///
/// # Errors
/// When there is no such file, it has another format or cannot be read.
pub fn open_reader_of(path: &Path, format: i32) -> Result<Connection, OpenError> {
    let (connection, found) = open_reader(path, format)?;
    if found < format {
        return Err(OpenError::Older {
            path: path.to_owned(),
            found,
            wanted: format,
        });
    }
    Ok(connection)
}

/// Opens `path` for reading, also while a server writes it, and tells its format.
///
/// # Errors
/// When there is no such file or it cannot be read.
pub fn open_reader(path: &Path, format: i32) -> Result<(Connection, i32), OpenError> {
    if !path.is_file() {
        return Err(OpenError::NoData(path.parent().unwrap_or(path).to_owned()));
    }
    let sqlite = |source| OpenError::of(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    let found: i32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sqlite)?;
    if found > format {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known: format,
        });
    }
    Ok((connection, found))
}

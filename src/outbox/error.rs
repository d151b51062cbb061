//! What can go wrong in an outbox. Errors are cloneable because writers that share a commit share
//! its failure.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use super::{CapLimit, SchemaId};
use crate::ffi::os::system_errors;

/// The result of an outbox call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an outbox call failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transaction is over the limit of one request; writing less at once helps.
    #[error("the write transaction has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its size before compression.
        bytes: u64,
        /// The limit it is over.
        limit: u64,
    },
    /// The transaction, or one of its runs or documents, holds nothing to send.
    #[error("the write transaction has no documents, a run of none, or fewer bytes than documents")]
    NoDocuments,
    /// The schema is not one this outbox gave out.
    #[error("the outbox knows no schema {}", id.0)]
    UnknownSchema {
        /// The unknown id.
        id: SchemaId,
    },
    /// The outbox holds as much as the application allows; draining helps.
    #[error("the outbox at {path} has reached its cap of {limit}")]
    CapReached {
        /// The outbox.
        path: PathBuf,
        /// The limit that was met.
        limit: CapLimit,
    },
    /// The file system has no room (disk, quota or file size limit); room helps.
    #[error("no space left to write to the outbox at {path}")]
    DiskFull {
        /// The outbox.
        path: PathBuf,
        /// What SQLite or the system said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The process, or the system, has as many files open as it may; closing realms or a higher limit helps.
    #[error(
        "too many open files to use the outbox at {path}: raise the limit of the process (ulimit -n), or have fewer \
         realms open at once"
    )]
    TooManyOpenFiles {
        /// The outbox.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process keeps the file busy for longer than a write waits.
    #[error("the outbox at {path} is kept locked by another process")]
    Locked {
        /// The outbox.
        path: PathBuf,
    },
    /// The file is not at its path any more. What waits in it is still sent while it is open, and gone once it is closed.
    /// Putting it back helps; or, once nothing waits any more, closing the outbox and opening it again, which makes
    /// another one.
    #[error(
        "the outbox at {path} was deleted, moved or replaced while it was open, and would take along what is written now; \
         put it back; or, once what waits in it is sent, close it and open it again"
    )]
    Gone {
        /// Where the outbox was.
        path: PathBuf,
    },
    /// The file is damaged and cannot be replaced for now; no process having it open, or room on the
    /// disk, helps.
    #[error("the outbox at {path} is damaged: {reason}")]
    Corrupt {
        /// The outbox.
        path: PathBuf,
        /// What is wrong, and what stands in the way.
        reason: String,
    },
    /// The file is encrypted and no key was given; it is left as it is.
    #[error("the outbox at {path} is encrypted: open it with its encryption key")]
    KeyRequired {
        /// The outbox.
        path: PathBuf,
    },
    /// The file was encrypted with another key; it is left as it is.
    #[error("the outbox at {path} was encrypted with another encryption key: open it with that one")]
    WrongKey {
        /// The outbox.
        path: PathBuf,
    },
    /// A key was given for a file that has none; it is left as it is.
    #[error(
        "the outbox at {path} is not encrypted: open it without an encryption key, or give it one with rekey"
    )]
    NotEncrypted {
        /// The outbox.
        path: PathBuf,
    },
    /// A later release wrote the file; it is left as it is.
    #[error("the outbox at {path} has format {found}, newer than format {supported} of this release")]
    NewerFormat {
        /// The outbox.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The newest format this release reads.
        supported: i64,
    },
    /// The SQLite linked into the program has a bug that loses data.
    #[error("SQLite {found} is too old for the outbox: {required} or later is needed")]
    SqliteTooOld {
        /// The version in the program.
        found: String,
        /// The oldest accepted version.
        required: &'static str,
    },
    /// The folder of the file does not exist.
    #[error("the folder of the outbox at {path} does not exist")]
    MissingFolder {
        /// The outbox.
        path: PathBuf,
    },
    /// The file system refused something.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// SQLite refused something.
    #[error("cannot use the outbox at {path}")]
    Sqlite {
        /// The outbox.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The outbox was opened before a fork, which no open database outlasts; a program started anew can
    /// use it.
    #[error(
        "the outbox at {path} was opened by process {opened_by} and cannot be used by its forked child; start a new \
         program there instead"
    )]
    ForeignProcess {
        /// The outbox.
        path: PathBuf,
        /// The id of the process that opened it.
        opened_by: u32,
    },
    /// There was no memory for the work.
    #[error("not enough memory to compress what the outbox gave out")]
    NoMemory,
    /// The thread that was writing this transaction for its own one panicked. Nothing was stored.
    #[error("the thread that was writing to the outbox at {path} panicked")]
    Abandoned {
        /// The outbox.
        path: PathBuf,
    },
}

impl Error {
    /// Whether the same call can succeed later, without the program changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::CapReached { .. }
            | Error::DiskFull { .. }
            | Error::TooManyOpenFiles { .. }
            | Error::Locked { .. }
            | Error::Io { .. }
            | Error::Sqlite { .. }
            | Error::Corrupt { .. }
            | Error::Gone { .. }
            | Error::NoMemory
            | Error::Abandoned { .. } => true,
            Error::TooLarge { .. }
            | Error::NoDocuments
            | Error::UnknownSchema { .. }
            | Error::ForeignProcess { .. }
            | Error::KeyRequired { .. }
            | Error::WrongKey { .. }
            | Error::NotEncrypted { .. }
            | Error::NewerFormat { .. }
            | Error::SqliteTooOld { .. }
            | Error::MissingFolder { .. } => false,
        }
    }

    /// What a failure of SQLite means for the outbox. To be called right after the failed call, on
    /// its thread, as [`Error::is_full`] is.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Error {
        let system = io::Error::last_os_error();
        let full = Error::is_full(&source);
        if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) && tells_why_not_opened(&system) {
            // SQLite does not say what kept it from opening a file.
            return Error::io("open", path, system);
        }
        if source.sqlite_extended_error_code() == Some(ffi::SQLITE_READONLY_DIRECTORY) {
            return Error::io(
                "make files in the folder of",
                path,
                ErrorKind::PermissionDenied.into(),
            );
        }
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked { path },
            _ if Error::is_damage(&source) => Error::Corrupt {
                path,
                reason: source.to_string(),
            },
            _ if full => Error::DiskFull {
                path,
                source: Arc::new(source),
            },
            _ => Error::Sqlite {
                path,
                source: Arc::new(source),
            },
        }
    }

    /// Whether it is what is in the file that made SQLite fail.
    pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
        use rusqlite::Error as E;
        match error.sqlite_error_code() {
            // No statement of ours violates a constraint of a file in order.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => {
                true
            }
            Some(_) => Error::is_unreadable(error),
            // The tables are strict, so no other type was ever stored, and rows that are always there are
            // read as such.
            None => matches!(
                error,
                E::InvalidColumnType(..)
                    | E::FromSqlConversionFailure(..)
                    | E::IntegralValueOutOfRange(..)
                    | E::Utf8Error(..)
                    | E::QueryReturnedNoRows
            ),
        }
    }

    /// Whether SQLite could not read what the system has for damaged. It says so while it opens a file; later on
    /// it says that the file is malformed.
    pub(super) fn is_unreadable(error: &rusqlite::Error) -> bool {
        error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_CORRUPTFS)
    }

    /// Whether SQLite found no room. Where it only says that writing failed, the system's last error
    /// tells why, on the thread of the call and until the next one.
    pub(super) fn is_full(error: &rusqlite::Error) -> bool {
        let system = io::Error::last_os_error();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => true,
            Some(ErrorCode::SystemIoFailure) => {
                let writing = [
                    ffi::SQLITE_IOERR_WRITE,
                    ffi::SQLITE_IOERR_FSYNC,
                    ffi::SQLITE_IOERR_TRUNCATE,
                    ffi::SQLITE_IOERR_SHMSIZE,
                ];
                error
                    .sqlite_extended_error_code()
                    .is_some_and(|code| writing.contains(&code))
                    && Error::is_no_room(&system)
            }
            _ => false,
        }
    }

    /// Whether the file system refused for lack of room.
    pub(super) fn is_no_room(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        )
    }

    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Error {
        let (path, source) = (path.to_owned(), Arc::new(source));
        if system_errors::is_out_of_descriptors(&source) {
            return Error::TooManyOpenFiles { path, source };
        }
        Error::Io { what, path, source }
    }
}

/// Whether the system's last error can be what kept a file from being opened.
fn tells_why_not_opened(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::PermissionDenied,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::NotFound,
    ];
    kinds.contains(&error.kind()) || system_errors::is_out_of_descriptors(error)
}

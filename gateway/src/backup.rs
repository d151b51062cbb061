//! Copies of both files beside a running server.
//!
//! Each copy is what its file was at one moment: a read holds that state for as long as copying takes, which keeps no
//! writer waiting; the log grows meanwhile. Documents are copied before users, and users are not removed, so a copy has
//! every user whose documents it has.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::sqlite::{OpenError, open_reader};
use crate::{sink, state};

/// Pages copied between two looks at the progress: 4 MiB.
const PAGES: i32 = 1_024;

/// How long to wait when the file is locked, which in WAL mode only another one's recovery does.
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is something in its place.
    #[error("{0} is there already; name a directory that is not")]
    Exists(PathBuf),
    /// A file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Copying failed.
    #[error("cannot copy {file}: {source}")]
    Copy {
        /// The file.
        file: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The copy cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What cannot be written.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// How far a backup is.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// The file that is copied.
    pub file: &'static str,
    /// Bytes of it that are there.
    pub done: u64,
    /// Bytes of it.
    pub total: u64,
}

/// Makes the directory `to`, with copies of the files in `data` that outlast a power cut. It has its name once it is whole;
/// until then `.partial` is added. `progress` is told how far each file is, from its beginning on.
///
/// # Errors
/// When there is something at `to`, or something cannot be read or written; then nothing is left behind.
pub fn backup(data: &Path, to: &Path, progress: impl FnMut(Copied)) -> Result<(), BackupError> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    DirBuilder::new().mode(0o700).create(&partial).map_err(|source| {
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            BackupError::Exists(partial.clone())
        } else {
            write_error(&partial, source)
        }
    })?;
    let copied = copy_all(data, &partial, progress).and_then(|()| {
        std::fs::rename(&partial, to)
            .and_then(|()| realm_ingest_durable::sync_parent(to))
            .map_err(|source| write_error(to, source))
    });
    if copied.is_err() {
        // It was made here.
        let _ = std::fs::remove_dir_all(&partial);
    }
    copied
}

fn copy_all(data: &Path, to: &Path, mut progress: impl FnMut(Copied)) -> Result<(), BackupError> {
    let documents = (sink::embedded::FILE, sink::embedded::FORMAT);
    let users = (state::FILE, state::FORMAT);
    for (file, format) in [documents, users] {
        copy(file, format, data, to, &mut progress)?;
    }
    realm_ingest_durable::sync_folder(to).map_err(|source| write_error(to, source))
}

fn copy(
    file: &'static str,
    format: i32,
    data: &Path,
    to: &Path,
    progress: &mut impl FnMut(Copied),
) -> Result<(), BackupError> {
    let (from, _) = open_reader(&data.join(file), format)?;
    let to = to.join(file);
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(&to);
    let made = made.map_err(|source| write_error(&to, source))?;
    copy_pages(file, &from, &to, progress).map_err(|source| BackupError::Copy { file, source })?;
    made.sync_all().map_err(|source| write_error(&to, source))
}

fn copy_pages(
    file: &'static str,
    from: &Connection,
    to: &Path,
    progress: &mut impl FnMut(Copied),
) -> rusqlite::Result<()> {
    // Without a read that lasts, each write of the server would begin the copy anew.
    from.execute_batch("BEGIN")?;
    let page: i64 = from.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages: i64 = from.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let bytes = |pages: i64| u64::try_from(pages.saturating_mul(page)).unwrap_or_default();
    let total = bytes(pages);
    progress(Copied { file, done: 0, total });
    let mut target = Connection::open(to)?;
    // It is no backup before it is whole, and it is synced then.
    target.pragma_update(None, "journal_mode", "off")?;
    target.pragma_update(None, "synchronous", "off")?;
    let copy = Backup::new(from, &mut target)?;
    loop {
        match copy.step(PAGES)? {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(PAUSE),
        }
        let left = copy.progress().remaining;
        let done = total.saturating_sub(bytes(left.into()));
        progress(Copied { file, done, total });
    }
    drop(copy);
    target.close().map_err(|(_, error)| error)
}

fn write_error(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::Write {
        path: path.to_owned(),
        source,
    }
}

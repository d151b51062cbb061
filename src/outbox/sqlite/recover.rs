//! Opening a path whatever stands there. What cannot be an outbox is moved aside, never deleted
//! (invariant 6), and what can be read of it takes its place; what may be a good outbox is left alone
//! and reported as an error.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::salvage::{self, Saved};
use super::schema::{self, Refused};
use crate::outbox::{Error, Options, Recovered, RecoveredReason, Result, Salvaged};

pub(super) fn open(path: &Path, options: &Options) -> Result<(Connection, Option<Recovered>)> {
    schema::check_sqlite_version()?;
    check_folder(path)?;
    match attempt(path, options) {
        Ok(connection) => return Ok((connection, None)),
        Err(Refused::Error(error)) => return Err(error),
        Err(Refused::Damaged(_)) => {}
    }
    let _lock = lock(path)?;
    match attempt(path, options) {
        Ok(connection) => Ok((connection, None)),
        Err(Refused::Error(error)) => Err(error),
        Err(Refused::Damaged(detail)) => {
            let saved = match schema::open_damaged(path, options.lock_wait) {
                Some(damaged) => salvage::salvage(&damaged, path, options.lock_wait)?,
                None => None,
            };
            let reason = if is_former_sdk(path) {
                RecoveredReason::FormerSdk
            } else {
                RecoveredReason::Damaged(detail)
            };
            let recovered = replace(path, reason, saved)?;
            attempt(path, options)
                .map(|connection| (connection, Some(recovered)))
                .map_err(|refused| refused.into_error(path))
        }
    }
}

/// Two processes may find the same damage. The second one must not move aside what the first one has
/// made meanwhile.
fn lock(path: &Path) -> Result<File> {
    let path = beside(path, ".recovery.lock");
    File::create(&path)
        .and_then(|lock| lock.lock().map(|()| lock))
        .map_err(|source| Error::io("lock", &path, source))
}

fn check_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::MissingFolder {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::MissingFolder {
            path: path.to_owned(),
        }),
        Err(error) => Err(Error::io("look at", folder, error)),
    }
}

fn attempt(path: &Path, options: &Options) -> std::result::Result<Connection, Refused> {
    // SQLite deletes the log of a database without content. A file is never in that state while
    // its outbox is alive, so it was cut or replaced, and the log may be all there is.
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length(path) == 0 && length(&beside(path, "-wal")) > 0 {
        return Err(Refused::Damaged(
            "the file is empty while its log is not".to_owned(),
        ));
    }
    schema::open_writer(path, options.durability, options.lock_wait)
}

/// Replaces the file under `connection`, in which damage was found and which nobody else may have
/// open.
///
/// # Errors
/// The file is still in its place: [`Error::Locked`] while anybody else has it open, or there is no
/// room for a new one.
pub(super) fn replace_open(connection: &Connection, path: &Path, options: &Options) -> Result<Recovered> {
    let _lock = lock(path)?;
    schema::keep_others_out(connection, path)?;
    let saved = salvage::salvage(connection, path, options.lock_wait)?;
    // Somebody may be waiting for the lock, and must not take this for the file at the path then.
    schema::mark_damaged(connection, path)?;
    replace(path, RecoveredReason::Damaged(schema::DAMAGED.to_owned()), saved)
}

/// Moves the file aside, and puts what was saved of it in its place.
fn replace(path: &Path, reason: RecoveredReason, saved: Option<Saved>) -> Result<Recovered> {
    let recovered = move_aside(path, reason, saved.as_ref().map(|saved| saved.salvaged))?;
    if let Some(Saved { file, .. }) = saved {
        fs::rename(&file, path).map_err(|source| Error::io("rename", &file, source))?;
        // Not every file system lets a folder be synced, and then there is no need to.
        let folder = path.parent().and_then(|folder| File::open(folder).ok());
        let _ = folder.map(|folder| folder.sync_all());
    }
    Ok(recovered)
}

fn move_aside(path: &Path, reason: RecoveredReason, salvaged: Option<Salvaged>) -> Result<Recovered> {
    let label = match reason {
        RecoveredReason::FormerSdk => "realm-core",
        RecoveredReason::Damaged(_) => "corrupt",
    };
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let moved_to = free_name(path, &format!(".{label}-{time}"));
    for suffix in ["", "-wal", "-shm"] {
        let from = beside(path, suffix);
        let to = beside(&moved_to, suffix);
        let moved = match suffix {
            // Its name is taken over by the new file, so that the path is never free for another
            // process to make an outbox there. Not every file system has a second name for a file.
            "" if salvaged.is_some() => fs::hard_link(&from, &to).or_else(|_| fs::rename(&from, &to)),
            _ => fs::rename(&from, &to),
        };
        match moved {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("move aside", &from, error)),
        }
    }
    Ok(Recovered {
        reason,
        moved_to,
        salvaged,
    })
}

/// The former SDK's files carry "T-DB" behind two references of 8 bytes. The file is read directly,
/// which is safe only because no connection of this process can have it open in good health:
/// closing it would release SQLite's locks.
fn is_former_sdk(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && &header[16..] == b"T-DB"
}

fn free_name(path: &Path, label: &str) -> PathBuf {
    let taken = |name: &Path| {
        ["", "-wal", "-shm"]
            .iter()
            .any(|suffix| fs::symlink_metadata(beside(name, suffix)).is_ok())
    };
    let mut name = beside(path, label);
    let mut attempt = 2;
    while taken(&name) {
        name = beside(path, &format!("{label}-{attempt}"));
        attempt += 1;
    }
    name
}

/// The path with something added to its last part.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

//! Opening a path whatever stands there. What cannot be an outbox is moved aside, never deleted
//! (invariant 6), and what can be read of it takes its place; what may be a good outbox is left alone
//! and reported as an error.
//!
//! The exchange is one step, however often it is interrupted. The new file is made as `.salvaged`. Once
//! it is complete and synced it is named `.recovered`: from then on it is the outbox, and whoever opens
//! the path first finishes what is left to do, which is to move the damaged file and its log aside and
//! to give the new one its name. The log goes first, and for good, before the new file has the name: it
//! must never be read as the log of that one.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::fresh;
use super::heal::Known;
use super::lock::Lock;
use super::pass::Pass;
use super::readings::check_disk;
use super::rekey::rekeyed_file;
use super::reports::{self, Unreported};
use super::schema::{self, Refused};
use crate::ffi::os::file_id::is_same;
pub(super) use crate::ffi::os::file_id::{FileId, device_and_inode as file_id};
use crate::outbox::seal::Seal;
use crate::outbox::{Error, Key, Options, Result};

/// How often a path is opened anew because its file was exchanged meanwhile.
const ATTEMPTS: u32 = 5;

/// Another process that meets the damage closes the file as well, to replace it; so the first to do so
/// waits a little for the others.
const OTHERS_WAIT: Duration = Duration::from_millis(500);

/// How many passes are made over a damaged file until two of them could read the same.
const PASSES: u32 = 5;

/// The database and what SQLite keeps beside it, in the order in which they are moved aside.
pub(super) const FILES: [&str; 3] = ["-wal", "-shm", ""];

/// The writers' connection to what is at a path, or took its place.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) seal: Seal,
    pub(super) unreported: Option<Unreported>,
}

pub(super) fn open(path: &Path, options: &Options, known: &Known) -> Result<Opened> {
    schema::check_sqlite_version()?;
    check_folder(path)?;
    for _ in 0..ATTEMPTS {
        if is_file(&recovered_file(path))? {
            let _lock = lock(path, options.lock_wait)?;
            finish(path, options.key.as_ref())?;
        }
        let before = file_id(path);
        match attempt(path, options) {
            Ok(opened) => {
                // It may be the file that another process was just taking from the path.
                let exchanged = is_file(&recovered_file(path))?
                    || before.is_some_and(|before| file_id(path) != Some(before));
                if !exchanged {
                    let rekeyed = rekeyed_file(path);
                    if is_file(&rekeyed)? {
                        // Left by a process that is gone: while one makes it, nobody can open the outbox.
                        fresh::delete(&rekeyed);
                    }
                    return Ok(opened);
                }
                let _ = schema::keep_log_on_close(&opened.connection, true);
            }
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Exchanged) => {}
            Err(Refused::Damaged(reason)) => {
                let _lock = lock(path, options.lock_wait)?;
                // Another process may have replaced it since.
                if !is_file(&recovered_file(path))? && is_damaged(path, options)? {
                    exchange(path, options, options.lock_wait, known, &reason)?;
                }
            }
        }
    }
    Err(Error::Locked {
        path: path.to_owned(),
    })
}

/// Replaces the file at the path, in which a call met damage and which this process has closed since.
///
/// # Errors
/// The file is still in its place: [`Error::Locked`] while anybody has it open, or there is no room for
/// a new one.
pub(super) fn replace_damaged(
    path: &Path,
    options: &Options,
    damaged: Option<FileId>,
    known: &Known,
    reason: &str,
) -> Result<()> {
    let _lock = lock(path, options.lock_wait)?;
    if is_file(&recovered_file(path))? {
        return finish(path, options.key.as_ref());
    }
    if file_id(path) != damaged {
        // Another process met the damage as well, and has replaced the file.
        return Ok(());
    }
    exchange(path, options, OTHERS_WAIT, known, reason)
}

/// Two processes may find the same damage. The second one must not move aside what the first one has
/// made meanwhile.
pub(super) fn lock(path: &Path, wait: Duration) -> Result<Lock> {
    Lock::take(&beside(path, ".recovery.lock"), wait).map_err(|error| match error {
        Error::Locked { .. } => Error::Locked {
            path: path.to_owned(),
        },
        error => error,
    })
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

fn attempt(path: &Path, options: &Options) -> std::result::Result<Opened, Refused> {
    // SQLite deletes the log of a database without content. A file is never in that state while
    // its outbox is alive, so it was cut or replaced, and the log may be all there is.
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length(path) == 0 && length(&beside(path, "-wal")) > 0 {
        return Err(Refused::Damaged(
            "the file is empty while its log is not".to_owned(),
        ));
    }
    let key = options.key.as_ref();
    let (connection, seal) = schema::open_writer(path, key, options.durability, options.lock_wait)?;
    match reports::unreported(&connection, path) {
        Ok(unreported) => Ok(Opened {
            connection,
            seal,
            unreported,
        }),
        Err(source) => {
            // A file that turns out to be damaged is kept as it was found.
            let _ = schema::keep_log_on_close(&connection, true);
            Err(Error::sqlite(path, source).into())
        }
    }
}

fn is_damaged(path: &Path, options: &Options) -> Result<bool> {
    match attempt(path, options) {
        // Looked at once more where another process has put another one in its place.
        Ok(_) | Err(Refused::Exchanged) => Ok(false),
        Err(Refused::Damaged(_)) => Ok(true),
        Err(Refused::Error(error)) => Err(error),
    }
}

/// Makes a new file of what can be read of the one at the path, and puts it in that one's place. To be
/// called under the recovery lock.
///
/// What could not be read is only given up if the disk is there, and what another pass cannot read either.
fn exchange(path: &Path, options: &Options, lock_wait: Duration, known: &Known, reason: &str) -> Result<()> {
    let mut doubt = None;
    for _ in 0..PASSES {
        let pass = Pass::over(path, options, lock_wait, known, reason)?;
        if pass.doubt.is_none() || pass.doubt == doubt {
            rename(&pass.salvaged, &recovered_file(path))?;
            sync_folder(path)?;
            let finished = finish(path, options.key.as_ref());
            // Until here its connection kept all others out of the damaged file.
            drop(pass);
            return finished;
        }
        doubt = pass.give_up();
        check_disk(path)?;
    }
    let differs = io::Error::other("its disk fails in other places each time");
    Err(Error::io("read", path, differs))
}

/// What is left to do of an exchange once `.recovered` is there, whose key has to be this one. To be called
/// under the recovery lock.
fn finish(path: &Path, key: Option<&Key>) -> Result<()> {
    let recovered = recovered_file(path);
    if !is_file(&recovered)? {
        return Ok(());
    }
    schema::check_key(&recovered, path, key)?;
    let moved_to = beside(path, &reports::label(&recovered)?);
    for suffix in FILES {
        let from = beside(path, suffix);
        let to = free_for(&from, beside(&moved_to, suffix));
        let moved = match suffix {
            // Its name is taken over by the new file, so that the path is never free for another
            // process to make an outbox there. Not every file system has a second name for a file.
            "" if is_same(&from, &to) => Ok(()),
            "" => fs::hard_link(&from, &to).or_else(|_| fs::rename(&from, &to)),
            _ => fs::rename(&from, &to),
        };
        match moved {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("move aside", &from, error)),
        }
    }
    sync_folder(path)?;
    rename(&recovered, path)?;
    sync_folder(path)
}

pub(super) fn recovered_file(path: &Path) -> PathBuf {
    beside(path, ".recovered")
}

fn is_file(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|source| Error::io("rename", from, source))
}

/// Makes the names beside `path` durable.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    realm_ingest_durable::sync_parent(path).map_err(|source| Error::io("sync the folder of", path, source))
}

/// `to`, or a name like it if another file than `from` has that one.
fn free_for(from: &Path, to: PathBuf) -> PathBuf {
    let mut name = to.clone();
    let mut attempt = 2;
    while fs::symlink_metadata(&name).is_ok() && !is_same(from, &name) {
        name = beside(&to, &format!("-{attempt}"));
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

//! Another key for an outbox, its first one, or none any more.
//!
//! It is one step, however it is interrupted. A complete new file is made as `.rekeyed`, sealed with the new key
//! under a salt of its own, and synced; then it takes the name of the former one, which is gone with that. Until
//! then the former one is the outbox and opens with its own key, and what is left of an interrupted attempt is
//! deleted by whoever opens it next. The former one's log goes before that, and for good: it must never be read
//! as the log of the new file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::found::{self, Kept};
use super::fresh::{self, STEP_BYTES};
use super::heal::Known;
use super::links::real_path;
use super::process::InProcess;
use super::readings::{Readings, twice};
use super::recover::{self, beside};
use super::{answers, is_outbox, meta, pages, rows, schema, schemas, seals, tables};
use crate::outbox::seal::Seal;
use crate::outbox::{Durability, Error, Key, Options, Result};

/// How long a session of this process that has ended, or another process, may take to let go of the file.
const WAIT: Duration = Duration::from_secs(2);

/// How often it is tried again with a file that was replaced because damage was met.
const ATTEMPTS: u32 = 3;

pub(super) fn rekeyed_file(path: &Path) -> PathBuf {
    beside(path, ".rekeyed")
}

/// Encrypts the outbox with the `new` key, from then on its only one; `None` stands for no encryption, before or after.
/// All that waits stays, under the same numbers and the same identity. Takes as long as copying the file, and as much
/// room beside it meanwhile. What the former file held may be in freed blocks of the disk until they are overwritten,
/// and files that were moved aside as damaged stay as they are. Nothing is done where `new` is its key already: an
/// attempt of which nobody heard may have been complete.
///
/// # Errors
/// The outbox is as it was. [`Error::KeyRequired`], [`Error::WrongKey`] and [`Error::NotEncrypted`] where neither is its
/// key; [`Error::Locked`] while anybody has it open, also in another process; [`Error::DiskFull`]; [`Error::Io`] also
/// where there is no outbox. Only where the folder could not be synced in the end it may have either key.
pub fn rekey(path: impl AsRef<Path>, old: Option<&Key>, new: Option<&Key>) -> Result<()> {
    let path = path.as_ref();
    let path = real_path(path).map_err(|source| Error::io("find", path, source))?;
    let _process = InProcess::enter(&path)?;
    if !is_outbox(&path)? {
        return Err(Error::io("find", &path, io::Error::from(ErrorKind::NotFound)));
    }
    let options = Options {
        key: old.cloned(),
        lock_wait: WAIT,
        ..Options::default()
    };
    let mut attempt = 1;
    loop {
        // As whoever opens it: one of an earlier format is upgraded, a copy of another file is told by its name.
        if let Err(error) = recover::open(&path, &options, &Known::default()) {
            return already(&path, new, error);
        }
        let before = recover::file_id(&path);
        match twice(|| exchange(&path, old, new)) {
            Err(Error::Corrupt { reason, .. }) if attempt < ATTEMPTS => {
                recover::replace_damaged(&path, &options, before, &Known::default(), &reason)?;
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// What becomes of an outbox that did not open with its former key.
fn already(path: &Path, new: Option<&Key>, error: Error) -> Result<()> {
    let is_other_key = matches!(
        error,
        Error::KeyRequired { .. } | Error::WrongKey { .. } | Error::NotEncrypted { .. }
    );
    if is_other_key && schema::check_key(path, path, new).is_ok() {
        return Ok(());
    }
    Err(error)
}

fn exchange(path: &Path, old: Option<&Key>, new: Option<&Key>) -> Result<()> {
    let _lock = recover::lock(path, WAIT)?;
    // From here on nobody else can use it.
    let Some(alone) = schema::open_damaged(path, WAIT, &Readings::default())? else {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            reason: "it is not an outbox".to_owned(),
        });
    };
    let seal = seals::unlock(&alone, path, old).map_err(|refused| refused.into_error(path))?;
    remove_log(&alone, path)?;
    let target = rekeyed_file(path);
    fresh::delete(&target);
    let exchanged = make((&alone, &seal), &target, path, new).and_then(|()| recover::rename(&target, path));
    if exchanged.is_err() {
        fresh::delete(&target);
    }
    exchanged?;
    recover::sync_folder(path)
}

/// Moves the log into the file.
fn remove_log(alone: &Connection, path: &Path) -> Result<()> {
    if !pages::cut_log(alone).map_err(|source| Error::sqlite(path, source))? {
        return Err(Error::Locked {
            path: path.to_owned(),
        });
    }
    let log = beside(path, "-wal");
    match fs::remove_file(&log) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("delete", &log, error)),
        _ => recover::sync_folder(path),
    }
}

/// A file, and what opens its values.
type Opened<'a> = (&'a Connection, &'a Seal);

/// Makes the new file of all that is in the former one, which is at `path`.
fn make(former: Opened<'_>, target: &Path, path: &Path, key: Option<&Key>) -> Result<()> {
    // First of all it is no more for others to read than the former one.
    let made = fs::File::create(target)
        .and_then(|_| fs::metadata(path))
        .and_then(|former| fs::set_permissions(target, former.permissions()));
    made.map_err(|source| Error::io("make", target, source))?;
    // Nobody else knows the file.
    let opened = schema::open_writer(target, key, Durability::Full, Duration::ZERO);
    let (mut connection, seal) = opened.map_err(|refused| refused.into_error(target))?;
    copy(former, &mut connection, &seal).map_err(|source| Error::sqlite(path, source))?;
    fresh::complete(connection, target)
}

fn copy(former: Opened<'_>, to: &mut Connection, seal: &Seal) -> rusqlite::Result<()> {
    let (from, opening) = former;
    tables::copy_facts(from, to)?;
    if let Some(owner) = meta::owner(from, opening)? {
        meta::set_owner(to, seal, &owner)?;
    }
    answers::adopt(to, seal, &answers::all(from, opening)?)?;
    for id in schemas::ids(from)? {
        schemas::adopt(to, seal, id, &schemas::read(from, opening, id)?)?;
    }
    let mut statement = found::all(from)?;
    let mut found = statement.query([])?;
    loop {
        let step = to.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut tail = rows::tail(&step)?;
        let mut bytes = 0;
        while bytes < STEP_BYTES {
            let Some(columns) = found.next()? else {
                return step.commit();
            };
            let seq = columns.get(0)?;
            let found = found::stored(columns, opening)?.filter(|kept| kept.seat.is_its_own());
            let Kept { row, seat } = found.ok_or_else(|| rows::damaged(seq))?;
            rows::adopt(&step, seal, &mut tail, seq, seat.created(), &row)?;
            bytes += row.stored_bytes();
        }
        step.commit()?;
        pages::cut_log(to)?;
    }
}

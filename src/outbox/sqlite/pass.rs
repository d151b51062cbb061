//! One pass over a damaged file, whatever it is.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::heal::Known;
use super::readings::Readings;
use super::recover::{FILES, beside};
use super::reports::Report;
use super::survivors::Source;
use super::{fresh, salvage, schema, seals};
use crate::outbox::{Error, Options, Result};

/// What a pass came to.
pub(super) struct Pass {
    /// The new file, beside the damaged one.
    pub(super) salvaged: PathBuf,
    /// As [`Readings::doubt`].
    pub(super) doubt: Option<u64>,
    /// Keeps all others out of the damaged file.
    _damaged: Option<Connection>,
}

impl Pass {
    /// Makes a new file of what can be read of the one at `path`. To be called under the recovery lock.
    ///
    /// # Errors
    /// Those of [`salvage`](salvage::salvage); [`Error::Locked`] while others have it open; it is encrypted with another key.
    pub(super) fn over(
        path: &Path,
        options: &Options,
        lock_wait: Duration,
        known: &Known,
        reason: &str,
    ) -> Result<Pass> {
        let key = options.key.as_ref();
        let readings = Readings::default();
        // Looked at before SQLite has it open: closing it would give up SQLite's locks.
        let former_sdk = is_former_sdk(path, &readings)?;
        let damaged = schema::open_damaged(path, lock_wait, &readings)?;
        let seal = match &damaged {
            Some(damaged) => seals::unlock_damaged(damaged, path, key, &readings)?,
            None => None,
        };
        let source = damaged
            .as_ref()
            .zip(seal.as_ref())
            .map(|(connection, seal)| Source {
                connection,
                seal,
                readings: &readings,
            });
        let report = Report {
            label: free_label(path, if former_sdk { "realm-core" } else { "corrupt" }),
            former_sdk,
            reason: reason.to_owned(),
        };
        let salvaged = salvage::salvage(source, path, key, report, known)?;
        Ok(Pass {
            salvaged,
            doubt: readings.doubt(),
            _damaged: damaged,
        })
    }

    /// Deletes the new file.
    pub(super) fn give_up(self) -> Option<u64> {
        fresh::delete(&self.salvaged);
        self.doubt
    }
}

/// The former SDK's files carry "T-DB" behind two references of 8 bytes. The file is read directly,
/// which is safe only because no connection of this process can have it open in good health:
/// closing it would release SQLite's locks.
fn is_former_sdk(path: &Path, readings: &Readings) -> Result<bool> {
    let read = || -> io::Result<[u8; 20]> {
        let mut header = [0; 20];
        File::open(path)?.read_exact(&mut header)?;
        Ok(header)
    };
    match readings.of_file(read()) {
        Ok(header) => Ok(header.is_some_and(|header| &header[16..] == b"T-DB")),
        Err(error) if [ErrorKind::NotFound, ErrorKind::UnexpectedEof].contains(&error.kind()) => Ok(false),
        Err(source) => Err(Error::io("read", path, source)),
    }
}

/// What the names of the files moved aside have behind the path: nothing there is in the way.
fn free_label(path: &Path, kind: &str) -> String {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let taken = |label: &str| {
        FILES
            .iter()
            .any(|suffix| fs::symlink_metadata(beside(path, &format!("{label}{suffix}"))).is_ok())
    };
    let mut label = format!(".{kind}-{time}");
    let mut attempt = 2;
    while taken(&label) {
        label = format!(".{kind}-{time}-{attempt}");
        attempt += 1;
    }
    label
}

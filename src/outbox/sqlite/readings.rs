//! Whether what cannot be read of a damaged file is damage, or an error that passes. SQLite does not tell: it
//! reports a sector that the system could not read as it reports a page that makes no sense.

use std::cell::Cell;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::ErrorCode;

use super::schema;
use crate::ffi::os::system_errors;
use crate::outbox::{Error, Result};

/// How many places of a file are tried before none of it is taken to be readable. A bad sector is in one of
/// them; where the disk is away, it is not worth asking for more.
const PLACES: u64 = 64;

/// What is read at such a place.
const PLACE_BYTES: usize = 512;

/// What `call` returns; if it meets damage it is called once more, as the disk may read another time what it
/// could not.
pub(super) fn twice<T>(call: impl Fn() -> Result<T>) -> Result<T> {
    match call() {
        Err(Error::Corrupt { .. }) => call(),
        called => called,
    }
}

/// The reads of one pass over a damaged file. Passes do the same reads in the same order while the same ones
/// fail, so two of them in which the same ones failed have met damage.
#[derive(Default)]
pub(super) struct Readings {
    made: Cell<u64>,
    /// Which ones failed, and may go well another time.
    doubtful: Cell<Option<u64>>,
}

impl Readings {
    /// What was read of the damaged file; `None` if damage is in the way, or looks to be.
    ///
    /// # Errors
    /// What may pass, and is no reason to give anything up.
    pub(super) fn of<T>(&self, read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
        let is_doubtful = match &read {
            Err(error) if schema::is_damage(error) => Some(is_doubtful(error)),
            _ => None,
        };
        self.count(is_doubtful == Some(true));
        match is_doubtful {
            Some(_) => Ok(None),
            None => read.map(Some),
        }
    }

    /// As [`Readings::of`], of what was read past SQLite.
    pub(super) fn of_file<T>(&self, read: io::Result<T>) -> io::Result<Option<T>> {
        let is_doubtful = matches!(&read, Err(error) if system_errors::is_bad_sector(error));
        self.count(is_doubtful);
        if is_doubtful { Ok(None) } else { read.map(Some) }
    }

    fn count(&self, is_doubtful: bool) {
        let number = self.made.get();
        self.made.set(number + 1);
        if is_doubtful {
            let mut hasher = DefaultHasher::new();
            (self.doubtful.get(), number).hash(&mut hasher);
            self.doubtful.set(Some(hasher.finish()));
        }
    }

    /// What tells the reads that failed and may go well another time from others; `None` if all that is
    /// missing is damaged for certain.
    pub(super) fn doubt(&self) -> Option<u64> {
        self.doubtful.get()
    }
}

/// Whether an error that stands for damage can also be one of the disk.
fn is_doubtful(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) || Error::is_unreadable(error)
}

/// That something of the file can be read: its disk is there. The file is read directly, which is safe only
/// because no connection of this process has it open: closing it would release SQLite's locks.
///
/// # Errors
/// Nothing of it can be read, for now.
pub(super) fn check_disk(path: &Path) -> Result<()> {
    let read = || -> io::Result<()> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut place = [0; PLACE_BYTES];
        let mut last = Ok(());
        for number in 0..PLACES {
            file.seek(SeekFrom::Start(length / PLACES * number))?;
            last = file.read(&mut place).map(|_| ());
            if last.is_ok() {
                break;
            }
        }
        last
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        read => read.map_err(|source| Error::io("read", path, source)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> rusqlite::Result<()> {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    fn pass(reads: &[rusqlite::Result<()>]) -> Readings {
        let readings = Readings::default();
        for read in reads {
            let read = match read {
                Ok(()) => Ok(()),
                Err(error) => failure(error.sqlite_extended_error_code().unwrap()),
            };
            readings.of(read).unwrap();
        }
        readings
    }

    #[test]
    fn passes_with_the_same_failures_agree() {
        let reads = [
            Ok(()),
            failure(ffi::SQLITE_CORRUPT),
            Ok(()),
            failure(ffi::SQLITE_CORRUPT),
        ];
        assert!(pass(&reads).doubt().is_some());
        assert_eq!(pass(&reads).doubt(), pass(&reads).doubt());
    }

    #[test]
    fn passes_with_as_many_failures_of_other_reads_differ() {
        let one = pass(&[Ok(()), failure(ffi::SQLITE_CORRUPT), Ok(())]);
        let other = pass(&[Ok(()), Ok(()), failure(ffi::SQLITE_CORRUPT)]);
        assert_ne!(one.doubt(), other.doubt());
    }

    #[test]
    fn what_is_wrong_with_content_is_certain() {
        let readings = Readings::default();
        let read: rusqlite::Result<()> = Err(rusqlite::Error::QueryReturnedNoRows);
        assert_eq!(readings.of(read).unwrap(), None);
        assert_eq!(readings.doubt(), None);
    }

    #[test]
    fn what_may_pass_ends_the_pass() {
        assert!(Readings::default().of(failure(ffi::SQLITE_NOMEM)).is_err());
    }
}

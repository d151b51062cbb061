//! The right to drain an outbox: a lock on an empty database beside it. SQLite's locks belong to the
//! process. So the right ends with it however it ends, and a forked child that lives on does not keep
//! it, as it would keep the lock of an open file.

use std::fmt;
use std::path::Path;
use std::process;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::Connection;

use super::recover::beside;
use super::schema;
use crate::outbox::{Error, Result};

pub(in crate::outbox) struct Right {
    /// Never used again but to end; a mutex, so that several threads may see the right.
    locked: Option<Mutex<Connection>>,
    taken_by: u32,
}

impl Right {
    /// `None` while somebody else has it, also in this process.
    ///
    /// # Errors
    /// The lock could not be tried.
    pub(super) fn take(outbox: &Path) -> Result<Option<Right>> {
        let path = beside(outbox, ".uploader");
        let locked = || {
            let connection = schema::open(&path, Duration::ZERO)?;
            connection.execute_batch("BEGIN EXCLUSIVE").map(|()| connection)
        };
        match locked() {
            Ok(connection) => Ok(Some(Right {
                locked: Some(Mutex::new(connection)),
                taken_by: process::id(),
            })),
            Err(error) if schema::is_busy(&error) => Ok(None),
            Err(error) => Err(Error::sqlite(&path, error)),
        }
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if process::id() != self.taken_by {
            // It is the parent's.
            std::mem::forget(self.locked.take());
        }
    }
}

impl fmt::Debug for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Right").finish_non_exhaustive()
    }
}

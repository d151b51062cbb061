//! A lock that belongs to this process: of an empty database, whose lock SQLite keeps. It ends with the
//! process however that ends, and a forked child that lives on does not keep it, as it would keep the
//! lock of an open file.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::Connection;

use super::readings::twice;
use super::schema;
use crate::outbox::{Error, Result};

pub(in crate::outbox) struct Lock {
    /// Never used again but to end; a mutex, so that several threads may see the lock.
    connection: Option<Mutex<Connection>>,
    taken_by: u32,
}

impl Lock {
    /// Waits so long for others, also in this process.
    ///
    /// # Errors
    /// [`Error::Locked`] while somebody else has it, or it could not be tried.
    pub(super) fn take(path: &Path, wait: Duration) -> Result<Lock> {
        let mut locked = twice(|| exclusive(path, wait));
        if let Err(Error::Corrupt { .. }) = locked {
            // Something else was written there, so nobody can have the lock of it.
            let _ = fs::remove_file(path);
            locked = exclusive(path, wait);
        }
        Ok(Lock {
            connection: Some(Mutex::new(locked?)),
            taken_by: process::id(),
        })
    }
}

fn exclusive(path: &Path, wait: Duration) -> Result<Connection> {
    // Nothing is ever written, so that nothing has to be undone: no file for that is needed.
    let locked = schema::open(path, wait).and_then(|connection| {
        connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
        connection.execute_batch("BEGIN EXCLUSIVE").map(|()| connection)
    });
    locked.map_err(|source| Error::sqlite(path, source))
}

impl Drop for Lock {
    fn drop(&mut self) {
        if process::id() != self.taken_by {
            // It is the parent's.
            std::mem::forget(self.connection.take());
        }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

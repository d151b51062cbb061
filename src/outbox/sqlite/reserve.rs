//! Room for leaving a full disk: a file beside the outbox that holds nothing but blocks.
//!
//! An outbox that has filled the disk must still be able to drain. Removing rows needs room in the
//! log, and emptying the log needs room in the database. So a write is only accepted while the
//! reserve is as large as what is in the log and a little more; when removing rows finds the disk
//! full, the reserve is deleted, which makes that room. (Behind a transaction larger than the log
//! usually is there is less, which suffices for removing it.)

use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::recover::beside;

/// Removing all rows and copying an emptied file take a dozen pages each.
const LEAST_BYTES: u64 = 128 * 1024;

pub(super) struct Reserve {
    path: PathBuf,
    /// The largest it gets.
    limit: u64,
}

impl Reserve {
    /// `log_bytes` is what the log usually holds at most.
    pub(super) fn new(database: &Path, log_bytes: u64) -> Reserve {
        Reserve {
            path: beside(database, ".reserve"),
            limit: log_bytes + LEAST_BYTES,
        }
    }

    /// Makes it large enough for a log of so many bytes. To be called within a write transaction,
    /// whose lock keeps every other process off it.
    ///
    /// # Errors
    /// The file system has no room. Other trouble says nothing about room, and is passed over.
    pub(super) fn make(&self, log_bytes: u64) -> io::Result<()> {
        let wanted = (log_bytes + LEAST_BYTES).min(self.limit);
        // Another process may have given it up, so it is looked at each time; that is nothing beside
        // a sync.
        let length = fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if wanted <= length {
            return Ok(());
        }
        // Doubling: a small outbox has a small one, and a large one is made in a few steps.
        let end = wanted.max((2 * length).min(self.limit));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(length))?;
                // A hole would hold no blocks.
                file.write_all(&vec![0; (end - length) as usize])
                    .inspect_err(|_| drop(file.set_len(length)))
            });
        match written {
            Err(error) if crate::outbox::Error::is_no_room(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives its room back to the file system; the next write makes it anew.
    pub(super) fn give_up(&self) {
        // If it cannot be deleted, or is not there, the file system stays as full as it is.
        let _ = fs::remove_file(&self.path);
    }
}

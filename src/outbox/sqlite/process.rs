//! Which process an outbox belongs to. SQLite's locks belong to a process and its connections do not
//! outlast a fork: a child that writes with them does so unlocked, into a log that the parent cuts.
//! Nor can a child open a file anew while its parent's connections are in its memory, since SQLite
//! takes the parent's locks for the child's own.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::outbox::{Error, Result};

/// The process whose outboxes are open in this memory (the upper half), and how many they are. One
/// number, because a lock could be held by a thread that a forked child does not have.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// An open outbox of one process.
pub(super) struct InProcess {
    opened_by: u32,
}

impl InProcess {
    /// Counts one more outbox of this process.
    ///
    /// # Errors
    /// [`Error::ForeignProcess`]: this is the child of a process that had one open at the fork.
    pub(super) fn enter(path: &Path) -> Result<InProcess> {
        let own = process::id();
        let entered = OPEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| match open {
            0 => Some(u64::from(own) << 32 | 1),
            open if owner(open) == own => Some(open + 1),
            _ => None,
        });
        match entered {
            Ok(_) => Ok(InProcess { opened_by: own }),
            Err(open) => Err(foreign(path, owner(open))),
        }
    }

    pub(super) fn is_foreign(&self) -> bool {
        process::id() != self.opened_by
    }

    /// # Errors
    /// [`Error::ForeignProcess`] in any process but the one that opened the outbox.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        if self.is_foreign() {
            return Err(foreign(path, self.opened_by));
        }
        Ok(())
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        if self.is_foreign() {
            // What the parent had open stays in this memory.
            return;
        }
        let left = |open: u64| if open as u32 <= 1 { 0 } else { open - 1 };
        // Never refused.
        let _ = OPEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| Some(left(open)));
    }
}

fn owner(open: u64) -> u32 {
    (open >> 32) as u32
}

fn foreign(path: &Path, opened_by: u32) -> Error {
    Error::ForeignProcess {
        path: PathBuf::from(path),
        opened_by,
    }
}

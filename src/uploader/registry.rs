//! The sessions of this process, one for each path. Opening a path that is open shares its session; the last close
//! ends it, at once or when its work is done.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use once_cell::sync::Lazy;

use super::core::Core;
use super::session::StopPolicy;
use crate::error::Result;

static SESSIONS: Lazy<Mutex<HashMap<PathBuf, Arc<Core>>>> = Lazy::new(Mutex::default);

// Lock order: this one, then a session's status. Neither is held while callbacks run.
fn sessions() -> MutexGuard<'static, HashMap<PathBuf, Arc<Core>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process has a session for the path.
pub(crate) fn is_open(path: &Path) -> bool {
    sessions().contains_key(path)
}

/// The session of the path: one that is there and fits, or the one that `make` gives. Counts as one open more.
pub(crate) fn open(
    path: &Path,
    join: impl FnOnce(&Arc<Core>) -> Result<()>,
    make: impl FnOnce() -> Result<Arc<Core>>,
) -> Result<Arc<Core>> {
    // Held while the file is opened: a second open of the path waits for the first.
    let mut sessions = sessions();
    if let Some(core) = sessions.get(path) {
        join(core)?;
        core.opened();
        return Ok(core.clone());
    }
    let core = make()?;
    core.opened();
    sessions.insert(path.to_owned(), core.clone());
    Ok(core)
}

/// One open less. The last one ends the session, or leaves it to finish its work.
pub(crate) fn close(core: &Arc<Core>) {
    let mut sessions = sessions();
    if !core.closed() {
        return;
    }
    let ends = match core.stop_policy() {
        StopPolicy::Immediately => true,
        StopPolicy::LiveIndefinitely => false,
        StopPolicy::AfterChangesUploaded => !core.may_run() || !core.has_pending(),
    };
    if ends {
        sessions.remove(&core.path);
        core.end();
    }
}

/// Ends a session that nobody has open and that has nothing left to do, or can do nothing.
pub(crate) fn end_if_done(core: &Arc<Core>) {
    let mut sessions = sessions();
    let done = core.is_unused()
        && core.stop_policy() != StopPolicy::LiveIndefinitely
        && (!core.may_run() || !core.has_pending());
    // A later session of the same path is not this one's to remove.
    if done
        && sessions
            .get(&core.path)
            .is_some_and(|known| Arc::ptr_eq(known, core))
    {
        sessions.remove(&core.path);
        core.end();
    }
}

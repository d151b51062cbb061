//! The sessions of this process, one for each path. Opening a path that is open shares its session; the last close
//! ends it, at once or when its work is done.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use once_cell::sync::Lazy;

use super::core::Core;
use super::session::StopPolicy;
use crate::error::Result;
use crate::process;

/// One path that is open, or is being opened or closed.
#[derive(Default)]
struct Slot {
    /// Whose turn it is to open or close the path, which may take as long as the disk does.
    turn: Mutex<()>,
    core: Mutex<Option<Arc<Core>>>,
}

impl Slot {
    fn core(&self) -> MutexGuard<'_, Option<Arc<Core>>> {
        lock(&self.core)
    }
}

static SLOTS: Lazy<Mutex<HashMap<PathBuf, Arc<Slot>>>> = Lazy::new(Mutex::default);

// Lock order: a turn, then the slots, then a slot's core, then a session's status. Only a turn is held while the disk is
// waited for, so a path that is stuck holds up nobody but those who want the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process has a session for the path, or is about to.
#[cfg(test)]
fn is_open(path: &Path) -> bool {
    lock(&SLOTS).contains_key(path)
}

/// Runs `work` when it is the caller's turn on this path.
fn in_turn<T>(path: &Path, work: impl FnOnce(&Slot) -> T) -> T {
    let slot = lock(&SLOTS).entry(path.to_owned()).or_default().clone();
    let result = {
        let _turn = lock(&slot.turn);
        work(&slot)
    };
    let mut slots = lock(&SLOTS);
    // A slot is shared under this lock alone: with the map's and this one's nobody else has it.
    if Arc::strong_count(&slot) == 2 && slot.core().is_none() {
        slots.remove(path);
    }
    result
}

/// The session of the path: one that is there and fits, or the one that `make` gives. Counts as one open more. A second
/// open of the path waits for the first. One that no realm has open and that will not do is ended before, in the same
/// turn: otherwise another one like it, in the background, could come in between.
pub(crate) fn open(
    path: &Path,
    is_in_the_way: impl FnOnce(&Core) -> bool,
    join: impl FnOnce(&Arc<Core>) -> Result<()>,
    make: impl FnOnce() -> Result<Arc<Core>>,
) -> Result<Arc<Core>> {
    in_turn(path, |slot| {
        end_free(slot, is_in_the_way);
        let known = slot.core().clone();
        if let Some(core) = known {
            join(&core)?;
            core.opened();
            return Ok(core);
        }
        let core = make()?;
        let mut place = slot.core();
        // Under the lock: a shutdown that has begun finds the session here, or it does not begin.
        if let Err(ended) = process::check() {
            core.end();
            return Err(ended);
        }
        core.opened();
        *place = Some(core.clone());
        Ok(core)
    })
}

/// The session of the path, if this process has one.
pub(crate) fn session(path: &Path) -> Option<Arc<Core>> {
    // Under the lock alone: a slot that is shared longer is not found to be free.
    lock(&SLOTS).get(path)?.core().clone()
}

/// Runs `work` while nobody in this process can open the path; not if somebody has.
///
/// # Errors
/// The session that there is.
pub(crate) fn unless_open<T>(path: &Path, work: impl FnOnce() -> T) -> std::result::Result<T, Arc<Core>> {
    in_turn(path, |slot| {
        let known = slot.core().clone();
        match known {
            Some(core) => Err(core),
            None => Ok(work()),
        }
    })
}

/// Ends a session that no realm has open.
pub(crate) fn end_unused(path: &Path) {
    in_turn(path, |slot| end_free(slot, |_| true));
}

fn end_free(slot: &Slot, is_in_the_way: impl FnOnce(&Core) -> bool) {
    let mut place = slot.core();
    let is_free = |core: &Core| core.is_background() || core.is_unused();
    let core = place.take_if(|core| is_free(core) && is_in_the_way(core));
    drop(place);
    if let Some(core) = &core {
        core.end();
    }
}

/// One open less. The last one ends the session, or leaves it to finish its work.
pub(crate) fn close(core: &Arc<Core>) {
    in_turn(&core.path, |slot| {
        if !core.closed() {
            return;
        }
        let ends = match core.stop_policy() {
            StopPolicy::Immediately => true,
            StopPolicy::LiveIndefinitely => false,
            StopPolicy::AfterChangesUploaded => !core.may_run() || !core.has_pending(),
        };
        if ends {
            slot.core().take();
            core.end();
        }
    });
}

/// Ends a session that nobody has open and that has nothing left to do, or can do nothing. One that failed tries again.
pub(crate) fn end_if_done(path: &Path, core: &Weak<Core>) {
    in_turn(path, |slot| {
        let Some(core) = core.upgrade() else { return };
        let done = core.is_unused()
            && core.stop_policy() != StopPolicy::LiveIndefinitely
            && (!core.may_run() || !core.has_pending());
        // A later session of the same path is not this one's to remove.
        let current = slot
            .core()
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &core));
        if done && current {
            slot.core().take();
            core.end();
        }
    });
}

/// Ends every session, whoever has it open. Waits for nobody's turn.
pub(crate) fn end_all() {
    let slots: Vec<Arc<Slot>> = lock(&SLOTS).values().cloned().collect();
    for slot in slots {
        let core = slot.core().take();
        if let Some(core) = core {
            core.end();
        }
    }
    lock(&SLOTS).retain(|_, slot| Arc::strong_count(slot) > 1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::error::Error;

    #[test]
    fn a_path_that_is_stuck_while_it_opens_holds_up_no_other() {
        let stuck = || Err(Error::aborted());
        let (entered, inside) = channel();
        let (release, released) = channel::<()>();
        let first = thread::spawn(move || {
            let opened = open(
                Path::new("/stuck"),
                |_| false,
                |_| Ok(()),
                || {
                    entered.send(()).unwrap();
                    released.recv().unwrap();
                    stuck()
                },
            );
            opened.is_err()
        });
        inside.recv().unwrap();
        assert!(open(Path::new("/other"), |_| false, |_| Ok(()), stuck).is_err());
        assert!(is_open(Path::new("/stuck")) && !is_open(Path::new("/other")));
        release.send(()).unwrap();
        assert!(first.join().unwrap());
        assert!(!is_open(Path::new("/stuck")));
    }
}

//! Watches by inotify: one of the system's for each file or folder, all read by one task of the app.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use inotify::{EventMask, EventStream, Inotify, WatchDescriptor, WatchMask, Watches};
use tokio::sync::Notify;

/// What is told of a folder.
const FOLDER: WatchMask = WatchMask::CLOSE_WRITE
    .union(WatchMask::CREATE)
    .union(WatchMask::MOVED_TO)
    .union(WatchMask::ONLYDIR);

/// Watches files and folders for one app. Any thread of its runtime may use it.
#[derive(Default)]
pub(crate) struct Watcher(Mutex<Option<Arc<Shared>>>);

struct Shared {
    watches: Mutex<Watches>,
    /// What is watched under two names shares a descriptor.
    waiting: Mutex<HashMap<WatchDescriptor, Vec<Arc<Notify>>>>,
    /// Nobody reads events any more.
    failed: AtomicBool,
}

/// What is watched, each until it has changed or this is dropped.
pub(crate) struct Change {
    shared: Arc<Shared>,
    descriptors: Vec<WatchDescriptor>,
    happened: Arc<Notify>,
}

impl Watcher {
    /// Watches a file from now on. `None` where that cannot be done: all watches of the user are taken, or the file
    /// is not there. To be called on the runtime.
    pub(crate) fn watch(&self, file: &Path) -> Option<Change> {
        let mut change = self.nothing()?;
        change.add(file, WatchMask::MODIFY | WatchMask::MOVE_SELF).ok()?;
        Some(change)
    }

    /// Watches a folder from now on for files that are closed after they were open for writing, as those of a process
    /// are that is killed, and for what is new in it. `None` as for a file.
    pub(crate) fn watch_folder(&self, folder: &Path) -> Option<Change> {
        let mut change = self.nothing()?;
        change.add(folder, FOLDER).ok()?;
        Some(change)
    }

    fn nothing(&self) -> Option<Change> {
        let shared = self.shared().inspect_err(|error| {
            log::debug!(target: "ingest::session", "files cannot be watched: {error}");
        });
        let shared = shared
            .ok()
            .filter(|shared| !shared.failed.load(Ordering::Acquire))?;
        Some(Change {
            shared,
            descriptors: Vec::new(),
            happened: Arc::default(),
        })
    }

    fn shared(&self) -> io::Result<Arc<Shared>> {
        let mut known = lock(&self.0);
        if let Some(shared) = &*known {
            return Ok(shared.clone());
        }
        let events = Inotify::init()?.into_event_stream([0; 4096])?;
        let shared = Arc::new(Shared {
            watches: Mutex::new(events.watches()),
            waiting: Mutex::default(),
            failed: AtomicBool::new(false),
        });
        tokio::spawn(read(events, shared.clone()));
        *known = Some(shared.clone());
        Ok(shared)
    }
}

impl Change {
    pub(crate) async fn happened(&self) {
        self.happened.notified().await;
    }

    /// Watches another folder as well, unless it is gone or closed to this process: so nothing of it can be sent.
    /// `None` where all watches of the user are taken.
    pub(crate) fn and_folder(&mut self, folder: &Path) -> Option<()> {
        match self.add(folder, FOLDER) {
            Err(error) if is_shortage(&error) => None,
            Err(error) => {
                log::debug!(target: "ingest::session", "{} is not watched: {error}", folder.display());
                Some(())
            }
            Ok(()) => Some(()),
        }
    }

    fn add(&mut self, path: &Path, mask: WatchMask) -> io::Result<()> {
        // Held over both, so that no event of the new watch is read before it is known.
        let mut waiting = lock(&self.shared.waiting);
        let watch = lock(&self.shared.watches).add(path, mask | WatchMask::ONESHOT);
        let descriptor = watch?;
        waiting
            .entry(descriptor.clone())
            .or_default()
            .push(self.happened.clone());
        self.descriptors.push(descriptor);
        Ok(())
    }
}

/// The system says "no space" of watches, too.
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::OutOfMemory)
}

impl Drop for Change {
    fn drop(&mut self) {
        let mut waiting = lock(&self.shared.waiting);
        for descriptor in &self.descriptors {
            let Some(others) = waiting.get_mut(descriptor) else {
                continue;
            };
            others.retain(|other| !Arc::ptr_eq(other, &self.happened));
            if others.is_empty() {
                waiting.remove(descriptor);
                // It may have ended by itself.
                let _ = lock(&self.shared.watches).remove(descriptor.clone());
            }
        }
    }
}

async fn read(mut events: EventStream<[u8; 4096]>, shared: Arc<Shared>) {
    loop {
        match events.next().await {
            Some(Ok(event)) if event.mask.contains(EventMask::Q_OVERFLOW) => tell_all(&shared),
            Some(Ok(event)) => {
                let told = lock(&shared.waiting).remove(&event.wd);
                told.iter().flatten().for_each(|told| told.notify_one());
            }
            Some(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            failed => {
                log::warn!(
                    target: "ingest::session",
                    "changes of files are not told: {:?}", failed.map(Result::err)
                );
                shared.failed.store(true, Ordering::Release);
                return tell_all(&shared);
            }
        }
    }
}

fn tell_all(shared: &Shared) {
    let waiting = std::mem::take(&mut *lock(&shared.waiting));
    waiting.values().flatten().for_each(|told| told.notify_one());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_gone_keeps_no_other_from_being_watched() {
        let directory = tempfile::tempdir().unwrap();
        let watcher = Watcher::default();
        let mut change = watcher.watch_folder(directory.path()).unwrap();
        change.and_folder(&directory.path().join("gone")).unwrap();
        std::fs::write(directory.path().join("new"), "").unwrap();
        change.happened().await;
    }

    #[test]
    fn a_lack_of_watches_is_told_from_a_folder_that_is_closed() {
        let is = |number| is_shortage(&io::Error::from_raw_os_error(number));
        assert!(is(libc::ENOSPC) && is(libc::ENOMEM) && !is(libc::EACCES) && !is(libc::ENOENT));
    }
}

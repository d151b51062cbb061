//! Notices what other processes write, without looking for it: one watch of the system's for each session that has
//! nothing to do, all read by one task of the app. A watch is made anew each time, and ends with the first change, so
//! that the writes of a busy outbox cost nothing. Elsewhere than on Linux nothing is watched, and sessions look for rows
//! at the same moments.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub(crate) use linux::Watcher;
#[cfg(not(target_os = "linux"))]
pub(crate) use nowhere::Watcher;

/// The time left until the next of the moments that are `period` apart, the same ones for all callers in the process:
/// the device wakes once for all.
pub(super) fn until_next(period: Duration) -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = BEGIN.elapsed().as_nanos() % period.as_nanos().max(1);
    period - Duration::from_nanos(since as u64)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::io::{self, ErrorKind};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use futures_util::StreamExt;
    use inotify::{EventMask, EventStream, Inotify, WatchDescriptor, WatchMask, Watches};
    use tokio::sync::Notify;

    /// Watches files for the sessions of one app. Any thread of its runtime may use it.
    #[derive(Default)]
    pub(crate) struct Watcher(Mutex<Option<Arc<Shared>>>);

    struct Shared {
        watches: Mutex<Watches>,
        /// Files under two names share a descriptor.
        waiting: Mutex<HashMap<WatchDescriptor, Vec<Arc<Notify>>>>,
        /// Nobody reads events any more.
        failed: AtomicBool,
    }

    /// A file that is watched, until this is dropped or the file has changed.
    pub(crate) struct Change {
        shared: Arc<Shared>,
        descriptor: WatchDescriptor,
        happened: Arc<Notify>,
    }

    impl Watcher {
        /// Watches a file from now on. `None` where that cannot be done: all watches of the user are taken, or the file
        /// is not there. To be called on the runtime.
        pub(crate) fn watch(&self, file: &Path) -> Option<Change> {
            let shared = self.shared().inspect_err(|error| {
                log::debug!(target: "ingest::session", "files cannot be watched: {error}");
            });
            let shared = shared
                .ok()
                .filter(|shared| !shared.failed.load(Ordering::Acquire))?;
            let happened = Arc::new(Notify::new());
            let descriptor = {
                // Held over both, so that no event of the new watch is read before it is known.
                let mut waiting = lock(&shared.waiting);
                let mask = WatchMask::MODIFY | WatchMask::MOVE_SELF | WatchMask::ONESHOT;
                let descriptor = lock(&shared.watches).add(file, mask).ok()?;
                waiting
                    .entry(descriptor.clone())
                    .or_default()
                    .push(happened.clone());
                descriptor
            };
            Some(Change {
                shared,
                descriptor,
                happened,
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
    }

    impl Drop for Change {
        fn drop(&mut self) {
            let mut waiting = lock(&self.shared.waiting);
            let Some(others) = waiting.get_mut(&self.descriptor) else {
                return;
            };
            others.retain(|other| !Arc::ptr_eq(other, &self.happened));
            if others.is_empty() {
                waiting.remove(&self.descriptor);
                // It may have ended by itself.
                let _ = lock(&self.shared.watches).remove(self.descriptor.clone());
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
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::path::Path;

    #[derive(Default)]
    pub(crate) struct Watcher;

    pub(crate) enum Change {}

    impl Watcher {
        pub(crate) fn watch(&self, _: &Path) -> Option<Change> {
            None
        }
    }

    impl Change {
        pub(crate) async fn happened(&self) {
            match *self {}
        }
    }
}

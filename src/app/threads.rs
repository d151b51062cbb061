//! The threads of the apps of this process, so that a shutdown can end them all and know that they have ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::process;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// As long as a clock can count without overflowing, whatever the caller asked for.
const WITHOUT_END: Duration = Duration::from_secs(365 * 24 * 3600);

/// Those of apps that were closed and are ending are here too.
static ALL: Mutex<Vec<Arc<Threads>>> = Mutex::new(Vec::new());

/// The threads of one app.
#[derive(Default)]
pub(super) struct Threads {
    state: Mutex<State>,
    /// A thread has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// Taken to end the network thread; it is told how long to wait for work that blocks.
    stop: Option<oneshot::Sender<Duration>>,
    /// Taken to end the thread for callbacks, after those that are queued.
    callbacks: Option<mpsc::Sender<Job>>,
    /// No callback begins any more.
    muted: bool,
    running: usize,
    named: Vec<JoinHandle<()>>,
}

impl Threads {
    /// # Errors
    /// The library was shut down.
    pub(super) fn new(stop: oneshot::Sender<Duration>, callbacks: mpsc::Sender<Job>) -> Result<Arc<Threads>> {
        let threads = Arc::new(Threads::default());
        {
            let mut state = threads.state();
            state.stop = Some(stop);
            state.callbacks = Some(callbacks);
        }
        let mut all = all();
        // Under the lock: a shutdown that has begun finds these threads, or they do not start.
        process::check()?;
        all.retain(|known| !Arc::ptr_eq(known, &threads) && !known.have_ended());
        all.push(threads.clone());
        Ok(threads)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn have_ended(&self) -> bool {
        let state = self.state();
        state.running == 0 && state.stop.is_none()
    }

    pub(super) fn started(&self) {
        self.state().running += 1;
    }

    pub(super) fn stopped(&self) {
        self.state().running -= 1;
        self.ended.notify_all();
    }

    /// Starts a thread that counts.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<ThreadId> {
        let running = Running::new(self.clone());
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _running = running;
            work();
        });
        let thread = spawned.map_err(|source| Error::File {
            action: "start a thread for",
            path: name.into(),
            source,
        })?;
        let id = thread.thread().id();
        self.state().named.push(thread);
        Ok(id)
    }

    /// Queues a callback. None begins once the threads are told to end, apart from those before.
    pub(super) fn callback(&self, job: Job) {
        // The lock is not held while a job that nobody takes is dropped.
        let callbacks = self.state().callbacks.clone();
        if let Some(callbacks) = callbacks {
            let _ = callbacks.send(job);
        }
    }

    /// The work of the thread for callbacks.
    pub(super) fn call(&self, jobs: mpsc::Receiver<Job>) {
        for job in jobs {
            // Set by a shutdown that waits no longer: what is past this line has begun.
            let muted = self.state().muted;
            if !muted && catch_unwind(AssertUnwindSafe(job)).is_err() {
                log::error!(target: "ingest::callbacks", "a callback of the application panicked");
            }
        }
    }

    /// Tells the threads to end. With a limit the network thread waits that long for work that blocks.
    pub(super) fn end(&self, limit: Option<Duration>) {
        let (stop, callbacks) = {
            let mut state = self.state();
            (state.stop.take(), state.callbacks.take())
        };
        drop(callbacks);
        if let (Some(stop), Some(limit)) = (stop, limit) {
            let _ = stop.send(limit);
        }
    }

    /// Waits until the threads have ended; false if some had not by then, or if the caller is one of them.
    fn join(&self, until: Option<Instant>) -> bool {
        let me = thread::current().id();
        let mut state = self.state();
        let own = state
            .named
            .iter()
            .filter(|thread| thread.thread().id() == me)
            .count();
        while state.running > own {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            state = match left {
                Some(left) => {
                    let woken = self.ended.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.ended.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.muted = true;
        if state.running > 0 {
            return false;
        }
        let named = std::mem::take(&mut state.named);
        drop(state);
        // They have nothing left to do but return.
        named.into_iter().all(|thread| thread.join().is_ok())
    }
}

/// Counts a thread while it lives.
struct Running(Arc<Threads>);

impl Running {
    fn new(threads: Arc<Threads>) -> Running {
        threads.started();
        Running(threads)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stopped();
    }
}

fn all() -> MutexGuard<'static, Vec<Arc<Threads>>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the threads of every app; true if all had ended by then.
pub(crate) fn end_all(until: Option<Instant>) -> bool {
    let threads = all().clone();
    let limit = until.map_or(WITHOUT_END, |until| {
        until.saturating_duration_since(Instant::now()).min(WITHOUT_END)
    });
    for threads in &threads {
        threads.end(Some(limit));
    }
    let mut ended = true;
    for threads in &threads {
        // Also after one that did not end: none begins a callback after this.
        ended &= threads.join(until);
    }
    ended
}

//! The threads of one app: `ingest-uploader` runs all network work on a current-thread runtime, `ingest-callback` runs
//! the application's callbacks one after another (the system cuts names at fifteen bytes). Callbacks have a thread of their own so that one that is slow, or
//! that calls back into the library and waits, stops no upload and cannot lock itself out.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::threads::{Job, Threads};
use crate::error::{Error, Result};
use crate::ffi::os::signals;
use crate::process;
use crate::waited_for;
use crate::watch::Watcher;

pub(crate) struct Runtime {
    handle: Handle,
    thread: ThreadId,
    callback_thread: ThreadId,
    threads: Arc<Threads>,
    /// For all of the app.
    pub(crate) watcher: Watcher,
}

impl Runtime {
    pub(crate) fn start() -> Result<Runtime> {
        let (stop, stopped) = oneshot::channel::<Duration>();
        let (callbacks, jobs) = mpsc::channel::<Job>();
        let threads = Threads::new(stop, callbacks)?;
        let runtime = Runtime::run(&threads, stopped, jobs);
        if runtime.is_err() {
            threads.end(None);
        }
        runtime
    }

    fn run(
        threads: &Arc<Threads>,
        stopped: oneshot::Receiver<Duration>,
        jobs: mpsc::Receiver<Job>,
    ) -> Result<Runtime> {
        let (started, ended) = (threads.clone(), threads.clone());
        // Of the thread that opens the app.
        let mask = signals::host_mask();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name("ingest-blocking")
            // Disk work of sessions and transports that block; each session needs one at a time.
            .max_blocking_threads(64)
            .on_thread_start(move || {
                signals::keep_out(mask);
                started.started();
            })
            .on_thread_stop(move || ended.stopped())
            .build()
            .map_err(|source| Error::File {
                action: "start a thread for",
                path: "ingest-uploader".into(),
                source,
            })?;
        let handle = runtime.handle().clone();
        let thread = threads.spawn("ingest-uploader", move || {
            signals::keep_out(mask);
            match runtime.block_on(stopped) {
                Ok(limit) => runtime.shutdown_timeout(limit),
                // The app is closed. A transport of the application may block without end; nobody waits for it.
                Err(_) => runtime.shutdown_background(),
            }
        })?;
        let caller = threads.clone();
        let callback_thread = threads.spawn("ingest-callback", move || {
            signals::keep_out(mask);
            caller.call(jobs);
        })?;
        Ok(Runtime {
            handle,
            thread,
            callback_thread,
            threads: threads.clone(),
            watcher: Watcher::default(),
        })
    }

    /// Tokio compiles its tasks anew for each type of work. In a box all of it has one.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
        self.handle.spawn(work);
    }

    /// Runs the work on the runtime's thread and waits for it on the caller's.
    pub(crate) fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        process::check()?;
        if thread::current().id() == self.thread {
            return Err(Error::Logic(
                "this call waits for the network and cannot be made on the library's own network thread"
                    .to_owned(),
            ));
        }
        let (sender, answer) = mpsc::sync_channel(1);
        self.spawn(async move {
            // The caller waits below, so it takes what is sent.
            let _ = sender.send(work.await);
        });
        answer.recv().map_err(|_| match process::check() {
            Err(ended) => ended,
            Ok(()) => Error::Panic("the network thread ended before the call was done".to_owned()),
        })
    }

    /// Runs a callback of the application on the thread for them, after those before it.
    pub(crate) fn callback(&self, job: impl FnOnce() + Send + 'static) {
        self.threads.callback(Box::new(move || signals::as_host(job)));
    }

    pub(crate) fn is_callback_thread(&self) -> bool {
        thread::current().id() == self.callback_thread
    }

    /// Whether the calling thread is in a callback or other code of the application that this app waits for.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.is_callback_thread() || waited_for::is_running()
    }

    /// As [`Runtime::callback`], and waits until it has returned (or panicked).
    pub(crate) async fn run_callback(&self, job: impl FnOnce() + Send + 'static) {
        let (sender, done) = oneshot::channel::<()>();
        self.callback(move || {
            job();
            drop(sender);
        });
        let _ = done.await;
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A forked child has none of the threads, and their locks may be held for ever.
        if process::is_foreign() {
            std::mem::forget((self.threads.clone(), self.handle.clone()));
        } else {
            self.threads.end(None);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

    use std::sync::Arc;

    use super::*;

    #[test]
    fn work_runs_on_the_network_thread_and_refuses_to_wait_for_itself() {
        let runtime = Arc::new(Runtime::start().unwrap());
        let inner = runtime.clone();
        let nested = runtime.block_on(async move { inner.block_on(async {}) }).unwrap();
        assert!(matches!(nested, Err(Error::Logic(_))));
    }

    #[test]
    fn a_callback_may_wait_for_the_network_and_may_panic() {
        let runtime = Arc::new(Runtime::start().unwrap());
        let (sender, receiver) = mpsc::channel();
        runtime.callback(|| panic!("a callback that fails"));
        let inner = runtime.clone();
        runtime.callback(move || sender.send(inner.block_on(async { 7 }).unwrap()).unwrap());
        assert_eq!(receiver.recv().unwrap(), 7);
    }
}

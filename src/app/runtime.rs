//! The threads of one app: `ingest-uploader` runs all network work on a current-thread runtime, `ingest-callbacks` runs
//! the application's callbacks one after another. Callbacks have a thread of their own so that one that is slow, or
//! that calls back into the library and waits, stops no upload and cannot lock itself out.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::{self, ThreadId};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Runtime {
    handle: Handle,
    thread: ThreadId,
    callbacks: mpsc::Sender<Job>,
    callback_thread: ThreadId,
    /// Dropped with the runtime, which tells its thread to end.
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    pub(crate) fn start() -> Result<Runtime> {
        let failed = |source| Error::File {
            action: "start a thread for",
            path: "ingest-uploader".into(),
            source,
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name("ingest-blocking")
            // Disk work of sessions and transports that block; each session needs one at a time.
            .max_blocking_threads(64)
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let uploader = thread::Builder::new()
            .name("ingest-uploader".to_owned())
            .spawn(move || {
                // An error means that the sender is gone, which is the signal.
                let _ = runtime.block_on(stopped);
                // A transport of the application may block without end; nobody waits for it.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        let (callbacks, jobs) = mpsc::channel::<Job>();
        let callback = thread::Builder::new()
            .name("ingest-callbacks".to_owned())
            .spawn(move || {
                for job in jobs {
                    if catch_unwind(AssertUnwindSafe(job)).is_err() {
                        log::error!(target: "ingest::callbacks", "a callback of the application panicked");
                    }
                }
            })
            .map_err(failed)?;
        Ok(Runtime {
            handle,
            thread: uploader.thread().id(),
            callbacks,
            callback_thread: callback.thread().id(),
            _stop: stop,
        })
    }

    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(work);
    }

    /// Runs the work on the runtime's thread and waits for it on the caller's.
    pub(crate) fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        if thread::current().id() == self.thread {
            return Err(Error::Logic(
                "this call waits for the network and cannot be made on the library's own network thread"
                    .to_owned(),
            ));
        }
        let (sender, answer) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // The caller waits below, so it takes what is sent.
            let _ = sender.send(work.await);
        });
        answer
            .recv()
            .map_err(|_| Error::Panic("the network thread ended before the call was done".to_owned()))
    }

    /// Runs a callback of the application on the thread for them, after those before it.
    pub(crate) fn callback(&self, job: impl FnOnce() + Send + 'static) {
        // The thread lives as long as this sender.
        let _ = self.callbacks.send(Box::new(job));
    }

    pub(crate) fn is_callback_thread(&self) -> bool {
        thread::current().id() == self.callback_thread
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

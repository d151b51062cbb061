//! An observer of a session, which may be taken away while it is about to be told something.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::session::ConnectionState;

type Call = dyn Fn(ConnectionState, ConnectionState) + Send + Sync;

pub(super) struct Observer {
    call: Box<Call>,
    ended: AtomicBool,
    /// Held while it runs.
    running: Mutex<()>,
}

impl Observer {
    pub(super) fn new(call: Box<Call>) -> Observer {
        Observer {
            call,
            ended: AtomicBool::new(false),
            running: Mutex::new(()),
        }
    }

    /// To be called on the thread for callbacks alone.
    pub(super) fn tell(&self, old: ConnectionState, new: ConnectionState) {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.ended.load(Ordering::Acquire) {
            (self.call)(old, new);
        }
    }

    /// It is told no more. Waits until it has returned if it is running, for what it uses may go now; on the thread for
    /// callbacks nothing else can be running, and waiting would be for oneself.
    pub(super) fn end(&self, on_callback_thread: bool) {
        self.ended.store(true, Ordering::Release);
        if !on_callback_thread {
            drop(self.running.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

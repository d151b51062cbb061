//! An observer of a session, which may be taken away while it is about to be told something.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::core::Core;
use super::session::ConnectionState;

type Call<T> = dyn Fn(T) + Send + Sync;

/// What an application takes an observer away with: the session it was given by, and its number there.
pub(super) type Token = (u64, u64);

/// The numbers of a session's observers, from 0 on.
pub(super) struct Tokens {
    session: u64,
    next: AtomicU64,
}

impl Default for Tokens {
    fn default() -> Tokens {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        Tokens {
            session: SESSIONS.fetch_add(1, Ordering::Relaxed),
            next: AtomicU64::new(0),
        }
    }
}

impl Tokens {
    pub(super) fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn token(&self, number: u64) -> Token {
        (self.session, number)
    }
}

pub(super) struct Observer<T> {
    call: Box<Call<T>>,
    ended: AtomicBool,
    /// Held while it runs.
    running: Mutex<()>,
}

impl<T> Observer<T> {
    pub(super) fn new(call: Box<Call<T>>) -> Observer<T> {
        Observer {
            call,
            ended: AtomicBool::new(false),
            running: Mutex::new(()),
        }
    }

    /// To be called on the thread for callbacks alone.
    pub(super) fn tell(&self, what: T) {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.ended.load(Ordering::Acquire) {
            (self.call)(what);
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

pub(super) type ConnectionObserver = Observer<(ConnectionState, ConnectionState)>;

impl Core {
    /// The observer is told of what changes from the returned state on.
    pub(super) fn observe(&self, token: Token, observer: ConnectionObserver) -> ConnectionState {
        let mut status = self.status();
        status.observers.push((token, Arc::new(observer)));
        status.connection
    }

    pub(super) fn unobserve(&self, token: Token) {
        let gone: Vec<_> = self
            .status()
            .observers
            .extract_if(.., |(known, _)| *known == token)
            .collect();
        self.end_observers(gone);
    }

    /// Not to be called under the lock: an observer that is running may be calling back, and so may what it owns when it
    /// goes.
    pub(super) fn end_observers<T>(&self, gone: Vec<(Token, Arc<Observer<T>>)>) {
        let on_callback_thread = self.app.runtime.is_callback_thread();
        for (_, observer) in &gone {
            observer.end(on_callback_thread);
        }
    }
}

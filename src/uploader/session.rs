//! What a session shows to the application: states, waits and observers.

use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use super::core::Core;
use super::observer::{Observer, Tokens};
use super::together::{self, Connections, Done};
use super::waits::{WaitId, next_wait};
use crate::error::{Code, Error, Result, SyncError};
use crate::process;

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SessionState {
    /// Connected, or trying to be.
    Active = 0,
    /// Every realm of the path is closed; what is pending is still being uploaded.
    Dying = 1,
    /// The user is logged out, the session ended, or a fatal error happened: then it tries again by itself, rarely, and
    /// is active once that succeeds.
    Inactive = 2,
    /// A new access token is being fetched.
    WaitingForAccessToken = 3,
    /// Stopped by [`Session::pause`].
    Paused = 4,
}

/// Whether the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ConnectionState {
    /// Not connected.
    Disconnected = 0,
    /// The first request is on its way.
    Connecting = 1,
    /// The last request was answered.
    Connected = 2,
}

/// When a session stops after the last realm of its path was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StopPolicy {
    /// At once.
    Immediately = 0,
    /// Never, while the process lives.
    LiveIndefinitely = 1,
    /// Once everything is uploaded.
    AfterChangesUploaded = 2,
}

/// Receives the errors of a session. Runs on the app's callback thread.
pub type ErrorHandler = Arc<dyn Fn(&SyncError) + Send + Sync>;

/// The session of a realm. Does not keep it open. Any thread may use it; callbacks run on the app's callback thread.
///
/// Where a realm has urgent classes it stands for two sessions, which end, fail and reconnect each on its own, and tells of
/// them as if they were one.
#[derive(Clone)]
pub struct Session {
    cores: Vec<Weak<Core>>,
    /// Of the first; an observer of all goes by one of them.
    tokens: Arc<Tokens>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Session {
    #[cfg(test)]
    pub(crate) fn of(core: &Arc<Core>) -> Session {
        Session::over(core, None)
    }

    pub(crate) fn over(first: &Arc<Core>, second: Option<&Arc<Core>>) -> Session {
        let cores = std::iter::once(first).chain(second);
        Session {
            cores: cores.map(Arc::downgrade).collect(),
            tokens: first.tokens.clone(),
        }
    }

    /// Those that have not ended.
    fn cores(&self) -> Vec<Arc<Core>> {
        if process::check().is_err() {
            return Vec::new();
        }
        let cores = self.cores.iter().filter_map(Weak::upgrade);
        cores.filter(|core| !core.has_ended()).collect()
    }

    fn wait(&self, upload: bool, done: Done) -> WaitId {
        let id = next_wait();
        if let Err(error) = process::check() {
            done(Err(error));
            return id;
        }
        let mut cores = self.cores();
        if !upload {
            // An answer to any of them is one.
            cores.truncate(1);
        }
        match &cores[..] {
            [] => done(Err(Error::aborted())),
            [core] => core.wait(upload, id, done),
            cores => {
                for (core, done) in cores.iter().zip(together::waits(cores.len(), done)) {
                    core.wait(upload, id, done);
                }
            }
        }
        id
    }

    /// The wait is not told any more, unless that is under way. One that has ended is ignored.
    fn give_up(&self, id: WaitId) {
        let cores = self.cores.iter().filter_map(Weak::upgrade);
        cores.for_each(|core| core.give_up(id));
    }

    /// False once every realm of the path is closed and the work in the background has ended.
    pub fn is_alive(&self) -> bool {
        !self.cores().is_empty()
    }

    /// What the session is doing. Of two sessions the state that is farthest from uploading: inactive, waiting for an access
    /// token, paused, dying, active; one that has ended does not count beside one that has not.
    pub fn state(&self) -> SessionState {
        together::state(self.cores().iter().map(|core| core.state()))
    }

    /// Whether the server answers; of two sessions, whether it answers both.
    pub fn connection_state(&self) -> ConnectionState {
        together::connection(self.cores().iter().map(|core| core.connection()))
    }

    /// Calls back once, when everything committed before the call is acknowledged, or with the reason why that will
    /// not happen: with [`Code::LimitExceeded`] where the outbox's cap took some of it away meanwhile, and with
    /// [`Code::InvalidDatabase`] where it could not be read of a damaged file. The number is for
    /// [`crate::realm::Realm::give_up`].
    pub fn wait_for_upload(&self, done: impl FnOnce(Result<()>) + Send + 'static) -> u64 {
        self.wait(true, Box::new(done))
    }

    /// Calls back once, when the server has answered a request that began after the call. There is nothing to
    /// download. The number is as of [`Session::wait_for_upload`].
    pub fn wait_for_download(&self, done: impl FnOnce(Result<()>) + Send + 'static) -> u64 {
        self.wait(false, Box::new(done))
    }

    /// As [`Session::wait_for_upload`], on the caller's thread. Not to be called from a callback, which would keep the
    /// answer from being delivered.
    ///
    /// # Errors
    /// It will not happen, or did not within `timeout`; and in a callback.
    pub fn wait_for_upload_blocking(&self, timeout: Option<Duration>) -> Result<()> {
        if self.cores().iter().any(|core| core.is_waited_for()) {
            return Err(Error::Logic(
                "an upload cannot be waited for in a callback, which would keep its end from being told"
                    .to_owned(),
            ));
        }
        let (sender, answer) = mpsc::sync_channel(1);
        let wait = self.wait_for_upload(move |result| {
            // A caller that gave up has dropped the receiver.
            let _ = sender.send(result);
        });
        match timeout {
            None => answer.recv().unwrap_or_else(|_| Err(Error::aborted())),
            Some(timeout) => answer.recv_timeout(timeout).unwrap_or_else(|error| {
                Err(match error {
                    mpsc::RecvTimeoutError::Disconnected => Error::aborted(),
                    mpsc::RecvTimeoutError::Timeout => {
                        self.give_up(wait);
                        Error::Sync {
                            code: Code::WaitTimedOut,
                            message: "the upload was not complete within the time limit".to_owned(),
                        }
                    }
                })
            }),
        }
    }

    /// Stops the session until [`Session::resume`]. Writes are kept. Waits that have begun fail.
    pub fn pause(&self) {
        self.cores().iter().for_each(|core| core.pause());
    }

    /// Undoes [`Session::pause`]. A session that a fatal error made inactive tries again at once.
    pub fn resume(&self) {
        self.cores().iter().for_each(|core| core.resume());
    }

    /// Ends the pause between two attempts to connect; during an attempt, the one that would follow it. An application that
    /// allowed no upload is asked again, and where another address stands in for the app's, the app's is tried again.
    pub fn reconnect(&self) {
        self.cores().iter().for_each(|core| core.reconnect());
    }

    /// Calls back with the old and the new state at every change, until [`Session::unobserve_connection`].
    pub fn observe_connection(
        &self,
        observer: impl Fn(ConnectionState, ConnectionState) + Send + Sync + 'static,
    ) -> u64 {
        let cores = self.cores();
        if cores.is_empty() {
            return 0;
        }
        let number = self.tokens.next();
        let token = self.tokens.token(number);
        let connections = Arc::new(Connections::new(cores.len(), observer));
        let mut states = connections.states();
        for (index, core) in cores.iter().enumerate() {
            let told = connections.clone();
            let observer = Observer::new(Box::new(move |(_, new)| told.changed(index, new)));
            if let Some(state) = states.get_mut(index) {
                *state = core.observe(token, observer);
            }
        }
        number
    }

    /// Ends the callbacks of this token. When this returns none is running and none will be, so what the observer uses
    /// may go: it waits for one that is running, unless that is the caller itself.
    pub fn unobserve_connection(&self, token: u64) {
        // Also of a session that has ended: its last change may still be on its way.
        if !process::is_foreign() {
            let cores = self.cores.iter().filter_map(Weak::upgrade);
            cores.for_each(|core| core.unobserve(self.tokens.token(token)));
        }
    }
}

//! What a session shows to the application: states, waits and observers. The loop that does the work is in the module
//! above; both meet in [`Core`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::policy::sync_error;
use crate::app::{Follower, User, UserState};
use crate::error::{Code, Error, Result, SyncError};
use crate::outbox::Outbox;
use crate::transport::Transport;

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SessionState {
    /// Connected, or trying to be.
    Active = 0,
    /// Every realm of the path is closed; what is pending is still being uploaded.
    Dying = 1,
    /// Stopped: the user is logged out, a fatal error happened, or the session ended.
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
type Observer = Arc<dyn Fn(ConnectionState, ConnectionState) + Send + Sync>;
type Done = Box<dyn FnOnce(Result<()>) + Send>;

struct Wait {
    id: u64,
    /// Everything up to this has to be answered for.
    through: i64,
    /// The server has answered something since the wait began.
    answered: bool,
    done: Done,
}

struct Status {
    opens: usize,
    /// Counts what stops the loop, so that a stop is seen also when it is undone at once.
    stops: u64,
    paused: bool,
    failed: bool,
    ended: bool,
    refreshing: bool,
    connection: ConnectionState,
    observers: Vec<(u64, Observer)>,
    next_observer: u64,
    waits: Vec<Wait>,
    next_wait: u64,
    handler: Option<ErrorHandler>,
    stop: StopPolicy,
}

/// One session: the part that the application's threads and the loop share.
pub(crate) struct Core {
    pub(crate) path: PathBuf,
    pub(crate) user: User,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(super) transport: Arc<dyn Transport>,
    status: Mutex<Status>,
    /// Rows were added, a wait began, or the last realm was closed.
    pub(crate) work: Notify,
    /// The pause between two attempts is over.
    pub(super) hurry: Notify,
    /// Whether the loop may run may have changed.
    changed: watch::Sender<()>,
}

impl Core {
    pub(crate) fn new(
        path: PathBuf,
        user: User,
        outbox: Arc<dyn Outbox>,
        transport: Arc<dyn Transport>,
        stop: StopPolicy,
        handler: Option<ErrorHandler>,
    ) -> Arc<Core> {
        let status = Status {
            opens: 0,
            stops: 0,
            paused: false,
            failed: false,
            ended: false,
            refreshing: false,
            connection: ConnectionState::Disconnected,
            observers: Vec::new(),
            next_observer: 0,
            waits: Vec::new(),
            next_wait: 0,
            handler,
            stop,
        };
        let core = Arc::new(Core {
            path,
            user,
            outbox,
            transport,
            status: Mutex::new(status),
            work: Notify::new(),
            hurry: Notify::new(),
            changed: watch::Sender::new(()),
        });
        let follower: Weak<dyn Follower> = Arc::downgrade(&core) as Weak<dyn Follower>;
        core.user.account.follow(follower);
        core
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A realm of this path was opened. What stopped the session before is forgotten.
    pub(crate) fn opened(&self) {
        let mut status = self.status();
        status.opens += 1;
        status.failed = false;
        drop(status);
        self.notify_changed();
    }

    /// A realm of this path was closed; true if it was the last.
    pub(crate) fn closed(&self) -> bool {
        let mut status = self.status();
        status.opens = status.opens.saturating_sub(1);
        let last = status.opens == 0 && !status.ended;
        drop(status);
        self.work.notify_one();
        last
    }

    /// Another realm of the path brings its settings. A session that somebody has open keeps what it has.
    pub(crate) fn adopt(&self, stop: StopPolicy, mut handler: Option<ErrorHandler>) {
        let mut status = self.status();
        if status.opens == 0 {
            status.stop = stop;
        }
        if handler.is_some() && (status.opens == 0 || status.handler.is_none()) {
            std::mem::swap(&mut status.handler, &mut handler);
        }
        drop(status);
        // The former one is dropped here, outside the lock: its destructor belongs to the application.
        drop(handler);
    }

    pub(crate) fn stop_policy(&self) -> StopPolicy {
        self.status().stop
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.status().opens == 0
    }

    /// An unreadable outbox counts as one with data: nothing is given up because of it.
    pub(crate) fn has_pending(&self) -> bool {
        self.outbox
            .pending()
            .map_or(true, |pending| pending.transactions > 0)
    }

    /// The session stops for good; a later open of the path makes another.
    pub(crate) fn end(&self) {
        self.status().ended = true;
        self.fail_waits(&Error::aborted());
        self.stopped();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.status().ended
    }

    /// Whether the loop has anything to do: nobody paused it, and there is a user to work for.
    pub(crate) fn may_run(&self) -> bool {
        may_run(&self.status(), &self.user)
    }

    /// The last realm is closed and the loop stops when everything is uploaded.
    pub(super) fn is_dying(&self) -> bool {
        let status = self.status();
        status.opens == 0 && status.stop == StopPolicy::AfterChangesUploaded
    }

    fn stopped(&self) {
        self.status().stops += 1;
        self.set_connection(ConnectionState::Disconnected);
        self.notify_changed();
    }

    fn notify_changed(&self) {
        self.changed.send_replace(());
        self.work.notify_one();
    }

    /// Waits until the loop may run, and returns what to give to [`Core::until_stopped`]; none when the session has
    /// ended.
    pub(super) async fn until_may_run(&self) -> Option<u64> {
        let mut changes = self.changed.subscribe();
        loop {
            {
                let status = self.status();
                if status.ended {
                    return None;
                }
                if may_run(&status, &self.user) {
                    return Some(status.stops);
                }
            }
            changes.changed().await.ok()?;
        }
    }

    /// Waits until something has stopped the loop since `stops`.
    pub(super) async fn until_stopped(&self, stops: u64) {
        let mut changes = self.changed.subscribe();
        while self.status().stops == stops {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn set_refreshing(&self, refreshing: bool) {
        self.status().refreshing = refreshing;
    }

    pub(super) fn set_connection(&self, new: ConnectionState) {
        let mut status = self.status();
        let old = status.connection;
        // A loop that was just told to stop may still be on its way here.
        let stale = new != ConnectionState::Disconnected && !may_run(&status, &self.user);
        if old == new || stale {
            return;
        }
        status.connection = new;
        let observers: Vec<_> = status
            .observers
            .iter()
            .map(|(_, observer)| observer.clone())
            .collect();
        if !observers.is_empty() {
            // Queued under the lock, so that changes are told in their order.
            self.user
                .app
                .runtime
                .callback(move || observers.iter().for_each(|observer| observer(old, new)));
        }
    }

    /// Tells the error handler, and waits until it has returned.
    pub(super) async fn report(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.user.app.runtime.run_callback(job).await;
        }
    }

    /// Tells the error handler some time soon.
    pub(crate) fn report_soon(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.user.app.runtime.callback(job);
        }
    }

    fn report_job(&self, error: SyncError) -> Option<impl FnOnce() + Send + 'static> {
        let level = if error.is_fatal {
            log::Level::Error
        } else {
            log::Level::Warn
        };
        log::log!(target: "ingest::session", level, "{}: {}", error.code.name(), error.message);
        let handler = self.status().handler.clone()?;
        Some(move || handler(&error))
    }

    /// The session stops because of this error. What is pending stays.
    pub(super) fn fail(&self, error: SyncError) {
        self.status().failed = true;
        self.fail_waits(&Error::Sync {
            code: error.code,
            message: error.message.clone(),
        });
        self.report_soon(error);
        self.stopped();
    }

    fn fail_waits(&self, error: &Error) {
        let waits = std::mem::take(&mut self.status().waits);
        self.finish(waits, || {
            Err(Error::Sync {
                code: error.code(),
                message: error.to_string(),
            })
        });
    }

    fn finish(&self, waits: Vec<Wait>, result: impl Fn() -> Result<()>) {
        for wait in waits {
            let result = result();
            self.user.app.runtime.callback(move || (wait.done)(result));
        }
    }

    /// The waits that have begun: whatever the server answers from now on is an answer to them too.
    pub(super) fn waits(&self) -> Vec<u64> {
        self.status().waits.iter().map(|wait| wait.id).collect()
    }

    pub(super) fn has_unanswered_waits(&self) -> bool {
        self.status().waits.iter().any(|wait| !wait.answered)
    }

    /// The server answered a request that began when these waits had begun.
    pub(super) fn answered(&self, waits: &[u64]) {
        for wait in self
            .status()
            .waits
            .iter_mut()
            .filter(|wait| waits.contains(&wait.id))
        {
            wait.answered = true;
        }
    }

    /// Ends the waits whose rows are gone. Reads the outbox: not for the runtime's thread.
    pub(super) fn finish_waits(&self) {
        let candidates: Vec<(u64, i64)> = {
            let status = self.status();
            status
                .waits
                .iter()
                .filter(|wait| wait.answered)
                .map(|wait| (wait.id, wait.through))
                .collect()
        };
        let gone: Vec<u64> = candidates
            .into_iter()
            .filter(|(_, through)| matches!(self.outbox.pending_through(*through), Ok(false)))
            .map(|(id, _)| id)
            .collect();
        if gone.is_empty() {
            return;
        }
        let done = self
            .status()
            .waits
            .extract_if(.., |wait| gone.contains(&wait.id))
            .collect();
        self.finish(done, || Ok(()));
    }

    fn wait(&self, upload: bool, done: Done) {
        let begun = if upload {
            self.upload_mark()
        } else {
            Ok((i64::MIN, false))
        };
        let mut status = self.status();
        let refused = match begun {
            Err(error) => Err(error),
            Ok(_) if !status.paused && !may_run(&status, &self.user) => Err(Error::aborted()),
            Ok((through, answered)) => Ok((through, answered)),
        };
        match refused {
            Err(error) => {
                drop(status);
                self.user.app.runtime.callback(move || done(Err(error)));
            }
            Ok((through, answered)) => {
                let id = status.next_wait;
                status.next_wait += 1;
                status.waits.push(Wait {
                    id,
                    through,
                    answered,
                    done,
                });
                drop(status);
                self.work.notify_one();
            }
        }
    }

    /// Up to where to wait, and whether the acknowledgement of pending rows is answer enough.
    fn upload_mark(&self) -> Result<(i64, bool)> {
        let through = self.outbox.last_seq()?;
        Ok((through, self.outbox.pending_through(through)?))
    }

    fn pause(&self) {
        {
            let mut status = self.status();
            if status.paused || status.ended {
                return;
            }
            status.paused = true;
        }
        self.fail_waits(&Error::aborted());
        self.stopped();
    }

    fn resume(&self) {
        {
            let mut status = self.status();
            if !status.paused {
                return;
            }
            status.paused = false;
            status.failed = false;
        }
        self.notify_changed();
    }

    fn state(&self) -> SessionState {
        let status = self.status();
        match () {
            () if status.ended => SessionState::Inactive,
            () if status.paused => SessionState::Paused,
            () if !may_run(&status, &self.user) => SessionState::Inactive,
            () if status.opens == 0 && status.stop == StopPolicy::AfterChangesUploaded => SessionState::Dying,
            () if status.refreshing => SessionState::WaitingForAccessToken,
            () => SessionState::Active,
        }
    }
}

fn may_run(status: &Status, user: &User) -> bool {
    !status.ended && !status.paused && !status.failed && user.state() == UserState::LoggedIn
}

impl Follower for Core {
    fn logged_in(&self) {
        self.status().failed = false;
        self.notify_changed();
    }

    fn logged_out(&self, reason: Option<&Error>) {
        match reason {
            None => self.fail_waits(&Error::aborted()),
            Some(error) => {
                self.fail_waits(error);
                let text = format!("Unable to refresh the user access token: {error}");
                self.report_soon(SyncError {
                    link: error.link().to_owned(),
                    ..sync_error(Code::AuthError, text, true)
                });
            }
        }
        self.stopped();
    }
}

/// The session of a realm. Does not keep it open. Any thread may use it; callbacks run on the app's callback thread.
#[derive(Clone)]
pub struct Session(Weak<Core>);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn of(core: &Arc<Core>) -> Session {
        Session(Arc::downgrade(core))
    }

    fn core(&self) -> Option<Arc<Core>> {
        self.0.upgrade().filter(|core| !core.has_ended())
    }

    /// False once every realm of the path is closed and the work in the background has ended.
    pub fn is_alive(&self) -> bool {
        self.core().is_some()
    }

    /// What the session is doing.
    pub fn state(&self) -> SessionState {
        self.core().map_or(SessionState::Inactive, |core| core.state())
    }

    /// Whether the server answers.
    pub fn connection_state(&self) -> ConnectionState {
        self.core()
            .map_or(ConnectionState::Disconnected, |core| core.status().connection)
    }

    /// Calls back once, when everything committed before the call is acknowledged, or with the reason why that will
    /// not happen.
    pub fn wait_for_upload(&self, done: impl FnOnce(Result<()>) + Send + 'static) {
        match self.core() {
            Some(core) => core.wait(true, Box::new(done)),
            None => done(Err(Error::aborted())),
        }
    }

    /// Calls back once, when the server has answered a request that began after the call. There is nothing to
    /// download.
    pub fn wait_for_download(&self, done: impl FnOnce(Result<()>) + Send + 'static) {
        match self.core() {
            Some(core) => core.wait(false, Box::new(done)),
            None => done(Err(Error::aborted())),
        }
    }

    /// As [`Session::wait_for_upload`], on the caller's thread. Not to be called from a callback, which would keep the
    /// answer from being delivered.
    ///
    /// # Errors
    /// It will not happen, or did not within `timeout`.
    pub fn wait_for_upload_blocking(&self, timeout: Option<Duration>) -> Result<()> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.wait_for_upload(move |result| {
            // A caller that gave up has dropped the receiver.
            let _ = sender.send(result);
        });
        match timeout {
            None => answer.recv().unwrap_or_else(|_| Err(Error::aborted())),
            Some(timeout) => answer.recv_timeout(timeout).unwrap_or_else(|error| {
                Err(match error {
                    mpsc::RecvTimeoutError::Disconnected => Error::aborted(),
                    mpsc::RecvTimeoutError::Timeout => Error::Sync {
                        code: Code::WaitTimedOut,
                        message: "the upload was not complete within the time limit".to_owned(),
                    },
                })
            }),
        }
    }

    /// Stops the session until [`Session::resume`]. Writes are kept. Waits that have begun fail.
    pub fn pause(&self) {
        if let Some(core) = self.core() {
            core.pause();
        }
    }

    /// Undoes [`Session::pause`].
    pub fn resume(&self) {
        if let Some(core) = self.core() {
            core.resume();
        }
    }

    /// Ends the pause between two attempts to connect.
    pub fn reconnect(&self) {
        if let Some(core) = self.core().filter(|core| core.may_run()) {
            core.hurry.notify_waiters();
        }
    }

    /// Calls back with the old and the new state at every change, until [`Session::unobserve_connection`].
    pub fn observe_connection(
        &self,
        observer: impl Fn(ConnectionState, ConnectionState) + Send + Sync + 'static,
    ) -> u64 {
        let Some(core) = self.core() else { return 0 };
        let mut status = core.status();
        let token = status.next_observer;
        status.next_observer += 1;
        status.observers.push((token, Arc::new(observer)));
        token
    }

    /// Ends the callbacks of this token; one that is under way may still run.
    pub fn unobserve_connection(&self, token: u64) {
        let Some(core) = self.core() else { return };
        let gone: Vec<_> = core
            .status()
            .observers
            .extract_if(.., |(known, _)| *known == token)
            .collect();
        // Outside the lock: what the application captured may call back.
        drop(gone);
    }
}

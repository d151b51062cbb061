//! One session as the application's threads and the loop share it: what was asked of it, what it is doing, who waits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, watch};

use super::observer::Observer;
use super::policy::sync_error;
use super::session::{ConnectionState, ErrorHandler, SessionState, StopPolicy};
use crate::app::{Follower, Inner, User, UserState};
use crate::error::{Code, Error, Result, SyncError};
use crate::outbox::Outbox;
use crate::transport::Transport;

pub(super) type Done = Box<dyn FnOnce(Result<()>) + Send>;

struct Wait {
    id: u64,
    /// Everything up to this has to be answered for.
    through: i64,
    /// The server has answered something since the wait began.
    answered: bool,
    done: Done,
}

struct Status {
    user: User,
    /// What the user's account tells; taken away with it.
    following: Arc<Following>,
    opens: usize,
    /// Counts what stops the loop, so that a stop is seen also when it is undone at once.
    stops: u64,
    paused: bool,
    failed: bool,
    ended: bool,
    refreshing: bool,
    connection: ConnectionState,
    observers: Vec<(u64, Arc<Observer>)>,
    next_observer: u64,
    waits: Vec<Wait>,
    next_wait: u64,
    handler: Option<ErrorHandler>,
    stop: StopPolicy,
}

/// One session. Callbacks are queued and never run under its lock.
pub(crate) struct Core {
    pub(crate) path: PathBuf,
    pub(super) app: Arc<Inner>,
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
        let app = user.app.clone();
        Arc::new_cyclic(|core| {
            let status = Status {
                following: Following::begin(core.clone(), &user),
                user,
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
            Core {
                path,
                app,
                outbox,
                transport,
                status: Mutex::new(status),
                work: Notify::new(),
                hurry: Notify::new(),
                changed: watch::Sender::new(()),
            }
        })
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose rows these are, and with whose tokens they are sent.
    pub(crate) fn user(&self) -> User {
        self.status().user.clone()
    }

    /// The rows go on under this user of the same app: the loop starts over at once with its tokens. Waits stay.
    pub(crate) fn rehome(self: &Arc<Self>, mut user: User) {
        let mut following = Following::begin(Arc::downgrade(self), &user);
        let mut status = self.status();
        std::mem::swap(&mut status.user, &mut user);
        std::mem::swap(&mut status.following, &mut following);
        status.failed = false;
        drop(status);
        drop((following, user));
        self.stopped();
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
        may_run(&self.status())
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
                if may_run(&status) {
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
        let stale = new != ConnectionState::Disconnected && !may_run(&status);
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
            self.app
                .runtime
                .callback(move || observers.iter().for_each(|observer| observer.tell(old, new)));
        }
    }

    /// Tells the error handler, and waits until it has returned.
    pub(super) async fn report(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.app.runtime.run_callback(job).await;
        }
    }

    /// Tells the error handler some time soon.
    pub(crate) fn report_soon(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.app.runtime.callback(job);
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
            self.app.runtime.callback(move || (wait.done)(result));
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

    pub(super) fn wait(&self, upload: bool, done: Done) {
        let begun = if upload {
            self.upload_mark()
        } else {
            Ok((i64::MIN, false))
        };
        let mut status = self.status();
        let refused = match begun {
            Err(error) => Err(error),
            Ok(_) if !status.paused && !may_run(&status) && !status.user.account.awaits_successor() => {
                Err(Error::aborted())
            }
            Ok((through, answered)) => Ok((through, answered)),
        };
        match refused {
            Err(error) => {
                drop(status);
                self.app.runtime.callback(move || done(Err(error)));
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

    pub(super) fn pause(&self) {
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

    pub(super) fn resume(&self) {
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

    pub(super) fn state(&self) -> SessionState {
        let status = self.status();
        match () {
            () if status.ended => SessionState::Inactive,
            () if status.paused => SessionState::Paused,
            () if !may_run(&status) => SessionState::Inactive,
            () if status.opens == 0 && status.stop == StopPolicy::AfterChangesUploaded => SessionState::Dying,
            () if status.refreshing => SessionState::WaitingForAccessToken,
            () => SessionState::Active,
        }
    }

    pub(super) fn connection(&self) -> ConnectionState {
        self.status().connection
    }

    pub(super) fn observe(&self, observer: Observer) -> u64 {
        let mut status = self.status();
        let token = status.next_observer;
        status.next_observer += 1;
        status.observers.push((token, Arc::new(observer)));
        token
    }

    pub(super) fn unobserve(&self, token: u64) {
        let gone: Vec<_> = self
            .status()
            .observers
            .extract_if(.., |(known, _)| *known == token)
            .collect();
        // Outside the lock: an observer that is running may be calling back, and so may what it owns when it goes.
        let on_callback_thread = self.app.runtime.is_callback_thread();
        for (_, observer) in &gone {
            observer.end(on_callback_thread);
        }
    }
}

fn may_run(status: &Status) -> bool {
    !status.ended && !status.paused && !status.failed && status.user.state() == UserState::LoggedIn
}

/// Listens to one account for a session. An account that the session has left has nobody to tell any more.
struct Following(Weak<Core>);

impl Following {
    fn begin(core: Weak<Core>, user: &User) -> Arc<Following> {
        let following = Arc::new(Following(core));
        let follower: Weak<dyn Follower> = Arc::downgrade(&following) as Weak<dyn Follower>;
        user.account.follow(follower);
        following
    }
}

impl Follower for Following {
    fn logged_in(&self) {
        if let Some(core) = self.0.upgrade() {
            core.logged_in();
        }
    }

    fn logged_out(&self) {
        if let Some(core) = self.0.upgrade() {
            core.fail_waits(&Error::aborted());
            core.stopped();
        }
    }

    fn rejected(&self, reason: &Error, replaced: bool) {
        if let Some(core) = self.0.upgrade() {
            core.rejected(reason, replaced);
        }
    }

    fn succeeded_by(&self, successor: &User) {
        if let Some(core) = self.0.upgrade() {
            crate::realm::homes::move_to(&core, successor);
        }
    }
}

impl Core {
    fn logged_in(&self) {
        self.status().failed = false;
        self.notify_changed();
    }

    /// Waits go on where another user will.
    fn rejected(&self, reason: &Error, replaced: bool) {
        let text = if replaced {
            format!(
                "The server no longer accepts the anonymous user of this device: {reason}; another one is logged in, and \
                 what waits goes on under it"
            )
        } else {
            self.fail_waits(reason);
            format!("Unable to refresh the user access token: {reason}")
        };
        self.report_soon(SyncError {
            link: reason.link().to_owned(),
            ..sync_error(Code::AuthError, text, !replaced)
        });
        self.stopped();
    }
}

//! Whoever runs sends what waits in the app's directory: also what other users left, and processes that are gone.
//!
//! One task of the app looks for it: when the app is opened, when it is told to, as after a log-in, and when another
//! process has closed files in the directory or in a user's, as a process does that is killed. What a process writes
//! while it lives is its own to send. No timer is set while nothing happens and nothing fails; where nothing can be
//! watched, it is looked once a minute.
//!
//! What a look left is not opened again before it was written to, or its user came. So the looks of several processes,
//! which open and close files themselves, come to rest. What failed is tried again, rarer and rarer.

use std::collections::HashMap;
use std::fmt;
use std::future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::files::{Candidates, Found};
use super::homes::sender;
use super::options::Choices;
use super::{RealmConfig, files, outbox_options, unheard};
use crate::app::Inner;
use crate::error::{Error, Result};
use crate::outbox::{self, Footprint, Outbox, Owner};
use crate::process;
use crate::uploader;
use crate::uploader::core::Core;
use crate::uploader::registry;
use crate::uploader::session::StopPolicy;
use crate::watch::{self, Change};

/// A process that ends closes its files one after another, and what was only looked at is closed by then.
const SETTLE: Duration = Duration::from_secs(3);
/// Where others open and close files all the time, it is looked no more often than this.
const PERIOD: Duration = Duration::from_secs(60);

/// What an app knows of looks. Any thread may use it.
pub(crate) struct Neighbours {
    wanted: mpsc::Sender<Arc<Inner>>,
    /// Outboxes that the application closed so that they are not sent, by path, and their last rows then; until it is
    /// told that they are to be sent.
    kept: Mutex<HashMap<PathBuf, i64>>,
}

/// The looks that are wanted. Each keeps the app, so that one that is dropped right after a log-in sends what it promised.
pub(crate) type Wanted = mpsc::Receiver<Arc<Inner>>;

impl Neighbours {
    pub(crate) fn new() -> (Neighbours, Wanted) {
        // One that has not begun is as good as any number.
        let (wanted, looks) = mpsc::channel(1);
        let kept = Mutex::default();
        (Neighbours { wanted, kept }, looks)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<PathBuf, i64>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the last look left, by path. Whatever else is there has a session, or is to be looked at.
type AllLeft = HashMap<PathBuf, Left>;

#[derive(Clone)]
struct Left {
    footprint: Footprint,
    reason: Reason,
}

#[derive(Clone)]
enum Reason {
    /// Nothing waits there, or nobody knows whose it is, or this release cannot read it.
    Nothing,
    /// What waits is this owner's, and nobody who is logged in may send it.
    Nobody(Owner),
    /// What failed may work the next time. The text is what was told of it.
    Failure(String),
    /// It is encrypted, or kept for a policy of the application: a realm has to be opened there first.
    Sealed,
    /// The application closed it so, and nobody wrote there since.
    Kept,
}

impl Reason {
    /// What needs a key or a policy, which is told once.
    fn sealed(known: Option<&Left>, why: &dyn fmt::Display) -> Reason {
        if !matches!(
            known,
            Some(Left {
                reason: Reason::Sealed,
                ..
            })
        ) {
            log::info!(
                target: "ingest::session",
                "what waits is sent once a realm is opened for it: {why}"
            );
        }
        Reason::Sealed
    }

    /// Why something failed, which is told unless it was before.
    fn failure(path: &Path, known: Option<&Left>, text: String) -> Reason {
        let is_told = matches!(known, Some(Left { reason: Reason::Failure(told), .. }) if *told == text);
        let level = if is_told {
            log::Level::Debug
        } else {
            log::Level::Warn
        };
        log::log!(
            target: "ingest::session",
            level,
            "what waits in {} stays there for now: {text}",
            path.display()
        );
        Reason::Failure(text)
    }
}

impl Left {
    fn stands(&self, app: &Arc<Inner>, path: &Path) -> bool {
        let stands = match &self.reason {
            Reason::Nothing | Reason::Failure(_) | Reason::Sealed => true,
            Reason::Nobody(owner) => sender(app, owner).is_none(),
            Reason::Kept => app.neighbours.kept().contains_key(path),
        };
        stands && self.footprint == outbox::footprint(path)
    }
}

/// To be called once. Keeps the app for the first look, and for those that are wanted.
pub(crate) fn start(app: &Arc<Inner>, wanted: Wanted) {
    app.runtime.spawn(run(app.clone(), wanted));
}

/// Sends, in the background, what waits and can be sent by a user who is logged in. Realms that are open have their
/// sessions; between processes the right to upload decides.
pub(super) fn look_now(app: &Arc<Inner>) {
    // Where there is no room, a look is about to begin; where nobody takes it, the library was shut down.
    let _ = app.neighbours.wanted.try_send(app.clone());
}

/// As [`look_now`], with all that the application has kept until now.
pub(crate) fn send_all(app: &Arc<Inner>) {
    app.neighbours.kept().clear();
    look_now(app);
}

/// As [`look_now`], with this outbox even if the application has kept it.
pub(super) fn send_also(app: &Arc<Inner>, path: &Path) {
    app.neighbours.kept().remove(path);
    look_now(app);
}

/// To be called before a realm is closed. If the application wants its session to end with rows in the outbox, they stay
/// until it tells otherwise, or others write there.
pub(super) fn heed_close(core: &Core) {
    let ends = core.stop_policy() == StopPolicy::Immediately || core.is_paused();
    let last = ends.then(|| core.outbox.last_seq().ok()).flatten();
    let app = core.user().app;
    let mut kept = app.neighbours.kept();
    match last {
        Some(last) => kept.insert(core.path.clone(), last),
        None => kept.remove(&core.path),
    };
}

async fn run(app: Arc<Inner>, mut wanted: Wanted) {
    let clock = app.clock.clone();
    let (weak, mut looked) = (Arc::downgrade(&app), None);
    let mut left = look(app, Arc::default()).await;
    // How many looks in a row have failed somewhere, and whether anything has happened since the last.
    let (mut failures, mut has_happened) = (u32::from(has_failed(&left)), false);
    while let Some((change, is_new)) = watch_and_check(&weak, &left).await {
        let is_news = is_new || (failures > 0 && has_happened);
        let rest = looked.map_or(SETTLE, |at: Instant| PERIOD.saturating_sub(at.elapsed()));
        let happened = async {
            match change {
                _ if is_news => clock.sleep(rest.max(SETTLE)).await,
                Some(change) => {
                    change.happened().await;
                    clock.sleep(SETTLE).await;
                }
                None => clock.sleep(watch::until_next(PERIOD)).await,
            }
        };
        let retried = async {
            match failures.checked_sub(1) {
                Some(attempt) => clock.sleep(uploader::backoff(attempt, clock.random())).await,
                None => future::pending().await,
            }
        };
        let (app, is_due) = tokio::select! {
            biased;
            app = wanted.recv() => (app, true),
            () = happened => {
                looked = is_news.then(Instant::now).or(looked);
                (weak.upgrade(), is_news)
            }
            () = retried => (weak.upgrade(), true),
        };
        // It has ended.
        let Some(app) = app else { return };
        has_happened = !is_due;
        if is_due {
            left = look(app, left).await;
            failures = if has_failed(&left) { failures + 1 } else { 0 };
        }
    }
}

fn has_failed(left: &AllLeft) -> bool {
    left.values()
        .any(|left| matches!(left.reason, Reason::Failure(_)))
}

/// Watches the folders from now on, if that can be done, and tells whether there is something to look at by now. None
/// when the app has ended. What panics is a fault that must not end all looks: it counts as news.
async fn watch_and_check(app: &Weak<Inner>, left: &Arc<AllLeft>) -> Option<(Option<Change>, bool)> {
    let (app, left) = (app.upgrade()?, left.clone());
    let watched = app.clone();
    let change = spawn_blocking(move || watch_folders(&watched)).await;
    // Who logged in elsewhere may be the one who sends what was left.
    if let Err(error) = app.adopt_stored().await {
        log::warn!(target: "ingest::session", "{}", error.full_message());
    }
    let is_news = spawn_blocking(move || {
        process::check().ok()?;
        let Candidates { paths, .. } = files::candidates(&app);
        Some(paths.iter().any(|path| is_new(&app, &left, path)))
    });
    Some((change.unwrap_or(None), is_news.await.unwrap_or(Some(true))?))
}

fn watch_folders(app: &Inner) -> Option<Change> {
    // First the one in which the others are made.
    let mut change = app.runtime.watcher.watch_folder(&app.directory)?;
    for folder in files::user_folders(&app.directory) {
        change.and_folder(&folder)?;
    }
    Some(change)
}

fn is_new(app: &Arc<Inner>, left: &AllLeft, path: &Path) -> bool {
    registry::session(path).is_none() && left.get(path).is_none_or(|left| !left.stands(app, path))
}

/// Starts a session for each outbox with something to send and somebody who may. Returns what is left.
async fn look(app: Arc<Inner>, known: Arc<AllLeft>) -> Arc<AllLeft> {
    let looked = spawn_blocking(move || {
        let Candidates { paths, unread } = files::candidates(&app);
        let mut left: AllLeft = unread
            .into_iter()
            // What is closed to this process is another's to send.
            .filter(|(_, error)| error.kind() != ErrorKind::PermissionDenied)
            .map(|(folder, error)| {
                let reason = Reason::failure(&folder, known.get(&folder), error.to_string());
                let footprint = outbox::footprint(&folder);
                (folder, Left { footprint, reason })
            })
            .collect();
        for path in paths {
            if process::check().is_err() {
                break;
            }
            if let Some(stays) = look_at(&app, &known, &path) {
                left.insert(path, stays);
            }
        }
        left
    });
    // What made a look panic is looked at again.
    Arc::new(looked.await.unwrap_or_default())
}

fn look_at(app: &Arc<Inner>, known: &AllLeft, path: &Path) -> Option<Left> {
    let known = known.get(path);
    if let Some(left) = known {
        let has_failed = matches!(left.reason, Reason::Failure(_));
        if !has_failed && left.stands(app, path) {
            return Some(left.clone());
        }
    }
    let footprint = outbox::footprint(path);
    let reason = send(app, path, known)?;
    // If it was written to meanwhile, by whomever, nobody knows what was.
    (footprint == outbox::footprint(path)).then_some(Left { footprint, reason })
}

/// Starts a session for one outbox, or tells why there is none.
fn send(app: &Arc<Inner>, path: &Path, known: Option<&Left>) -> Option<Reason> {
    let mut left = None;
    let started = registry::open(
        path,
        |_| false,
        |_| Err(Error::aborted()),
        || match begin(app, path, known) {
            Ok(Begun::Session(core)) => Ok(core),
            Ok(Begun::Left(reason)) => {
                left = Some(reason);
                Err(Error::aborted())
            }
            Err(Error::Outbox(error @ outbox::Error::KeyRequired { .. })) => {
                left = Some(Reason::sealed(known, &error));
                Err(error.into())
            }
            Err(error) => {
                let failure = Reason::failure(path, known, error.full_message());
                let may_pass = !matches!(&error, Error::Outbox(error) if !error.is_retryable());
                left = Some(if may_pass { failure } else { Reason::Nothing });
                Err(error)
            }
        },
    );
    if let Ok(core) = started {
        registry::close(&core);
    }
    left
}

enum Begun {
    Session(Arc<Core>),
    Left(Reason),
}

fn begin(app: &Arc<Inner>, path: &Path, known: Option<&Left>) -> Result<Begun> {
    if outbox::is_drained(path) {
        return Ok(Begun::Left(Reason::Nothing));
    }
    let config = RealmConfig::new("");
    let choices = Choices::default();
    let (options, back) = outbox_options(&choices);
    let Some(found) = files::open(path, options)? else {
        return Ok(Begun::Left(Reason::Nothing));
    };
    let report = unheard::keep(path);
    let left = |found: &Found, reason| {
        // The file tells it once.
        if let Some(recovered) = &found.recovered {
            report(&super::recovery(recovered));
        }
        Ok(Begun::Left(reason))
    };
    if is_kept(app, path, &found.outbox)? {
        return left(&found, Reason::Kept);
    }
    if found.outbox.is_guarded()? {
        let why = format!("{} was opened with an upload policy", path.display());
        return left(&found, Reason::sealed(known, &why));
    }
    let (user, reason) = match files::owner(app, path, &found.outbox)? {
        Some(owner) if found.outbox.pending()?.transactions > 0 => {
            let known = app.known(&owner.user);
            if let Some(account) = known.filter(|account| account.awaits_successor()) {
                // Rejected, and the process that was to replace it is gone.
                app.replace(&account);
            }
            (sender(app, &owner), Reason::Nobody(owner))
        }
        _ => (None, Reason::Nothing),
    };
    let Some(user) = user else {
        return left(&found, reason);
    };
    let core = super::start(
        &user,
        path,
        (&config, &choices),
        found,
        back,
        Some(report),
        Duration::ZERO,
    )?;
    core.set_background();
    Ok(Begun::Session(core))
}

fn is_kept(app: &Inner, path: &Path, outbox: &dyn Outbox) -> Result<bool> {
    let kept = app.neighbours.kept().get(path).copied();
    Ok(match kept {
        Some(last) => outbox.last_seq()? <= last,
        None => false,
    })
}

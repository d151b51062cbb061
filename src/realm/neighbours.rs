//! Whoever runs sends what waits in the app's directory: also what other users left, and processes that are gone.
//!
//! One task of the app looks for it: when the app is opened, when it is told to, as after a log-in, and when another
//! process has closed files in the directory or in a user's, as a process does that is killed. What a process writes
//! while it lives is its own to send. No timer is set while nothing happens; where nothing can be watched, it is looked
//! once a minute.
//!
//! What a look left is not opened again before it was written to, or its user came. So the looks of several processes,
//! which open and close files themselves, come to rest.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::homes::sender;
use super::{RealmConfig, files, options, unheard};
use crate::app::Inner;
use crate::error::{Error, Result};
use crate::outbox::{self, Footprint, Outbox, Owner};
use crate::process;
use crate::uploader::core::Core;
use crate::uploader::registry;
use crate::uploader::session::StopPolicy;
use crate::watch::{self, Change};

/// A process that ends closes its files one after another, and what was only looked at is closed by then.
const SETTLE: Duration = Duration::from_secs(3);
/// Where others open and close files all the time, it is looked no more often than this.
const PERIOD: Duration = Duration::from_secs(60);

/// What an app knows of looks.
#[derive(Default)]
pub(crate) struct Neighbours {
    wanted: Arc<Notify>,
    /// Outboxes that the application closed so that they are not sent, by path, and their last rows then.
    kept: Mutex<HashMap<PathBuf, i64>>,
}

impl Neighbours {
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
    /// Nothing waits there, or nobody knows whose it is.
    Nothing,
    /// What waits is this owner's, and nobody who is logged in may send it.
    Nobody(Owner),
    /// Tried again by every look, as the next; but no look is begun for it.
    Failure,
    /// The application closed it so, and nobody wrote there since.
    Kept,
}

impl Left {
    fn stands(&self, app: &Arc<Inner>, path: &Path) -> bool {
        let may_be_sent = matches!(&self.reason, Reason::Nobody(owner) if sender(app, owner).is_some());
        !may_be_sent && self.footprint == outbox::footprint(path)
    }
}

/// To be called once. Keeps the app for the first look only.
pub(crate) fn start(app: &Arc<Inner>) {
    app.runtime.spawn(run(app.clone()));
}

/// Sends, in the background, what waits and can be sent by a user who is logged in. Realms that are open have their
/// sessions; between processes the right to upload decides.
pub(crate) fn look_now(app: &Inner) {
    app.neighbours.wanted.notify_one();
}

/// To be called before a realm is closed. If that ends the session with rows in the outbox, nothing but a look that is
/// told to sends them before others wrote there.
pub(super) fn heed_close(core: &Core) {
    let ends = core.stop_policy() == StopPolicy::Immediately || !core.may_run();
    let last = ends.then(|| core.outbox.last_seq().ok()).flatten();
    let app = core.user().app;
    let mut kept = app.neighbours.kept();
    match last {
        Some(last) => kept.insert(core.path.clone(), last),
        None => kept.remove(&core.path),
    };
}

async fn run(app: Arc<Inner>) {
    let (clock, wanted) = (app.clock.clone(), app.neighbours.wanted.clone());
    let (weak, mut looked) = (Arc::downgrade(&app), None);
    let mut left = look(app, Arc::default(), true).await;
    while let Some((change, is_news)) = watch_and_check(&weak, &left).await {
        let happened = async {
            match change {
                _ if is_news => {
                    let rest = looked.map_or(SETTLE, |at: Instant| PERIOD.saturating_sub(at.elapsed()));
                    clock.sleep(rest.max(SETTLE)).await;
                }
                Some(change) => {
                    change.happened().await;
                    clock.sleep(SETTLE).await;
                }
                None => clock.sleep(watch::until_next(PERIOD)).await,
            }
        };
        let is_wanted = tokio::select! {
            biased;
            () = wanted.notified() => true,
            () = happened => false,
        };
        let Some(app) = weak.upgrade() else { return };
        if is_wanted || is_news {
            looked = if is_wanted { looked } else { Some(Instant::now()) };
            left = look(app, left, is_wanted).await;
        }
    }
}

/// Watches the folders from now on, if that can be done, and tells whether there is something to look at by now. None
/// when the app has ended.
async fn watch_and_check(app: &Weak<Inner>, left: &Arc<AllLeft>) -> Option<(Option<Change>, bool)> {
    let (app, left) = (app.upgrade()?, left.clone());
    let watched = app.clone();
    let change = spawn_blocking(move || watch_folders(&watched)).await.ok()?;
    // Who logged in elsewhere may be the one who sends what was left.
    if let Err(error) = app.adopt_stored().await {
        log::warn!(target: "ingest::session", "{}", error.full_message());
    }
    let is_news = spawn_blocking(move || {
        process::check().ok()?;
        Some(
            files::candidates(&app)
                .iter()
                .any(|path| is_new(&app, &left, path)),
        )
    });
    Some((change, is_news.await.ok()??))
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
async fn look(app: Arc<Inner>, known: Arc<AllLeft>, is_wanted: bool) -> Arc<AllLeft> {
    let looked = spawn_blocking(move || {
        let mut left = AllLeft::new();
        for path in files::candidates(&app) {
            if process::check().is_err() {
                break;
            }
            if let Some(stays) = look_at(&app, &known, &path, is_wanted) {
                left.insert(path, stays);
            }
        }
        left
    });
    // What made a look panic is looked at again.
    Arc::new(looked.await.unwrap_or_default())
}

fn look_at(app: &Arc<Inner>, known: &AllLeft, path: &Path, is_wanted: bool) -> Option<Left> {
    if let Some(left) = known.get(path) {
        let is_retried = matches!(left.reason, Reason::Failure | Reason::Kept);
        if !is_retried && left.stands(app, path) {
            return Some(left.clone());
        }
    }
    let footprint = outbox::footprint(path);
    let reason = send(app, path, is_wanted)?;
    // If it was written to meanwhile, by whomever, nobody knows what was.
    (footprint == outbox::footprint(path)).then_some(Left { footprint, reason })
}

/// Starts a session for one outbox, or tells why there is none.
fn send(app: &Arc<Inner>, path: &Path, is_wanted: bool) -> Option<Reason> {
    let mut left = None;
    let started = registry::open(
        path,
        |_| Err(Error::aborted()),
        || match begin(app, path, is_wanted) {
            Ok(Begun::Session(core)) => Ok(core),
            Ok(Begun::Left(reason)) => {
                left = Some(reason);
                Err(Error::aborted())
            }
            Err(error) => {
                left = Some(Reason::Failure);
                Err(error)
            }
        },
    );
    match started {
        Ok(core) => registry::close(&core),
        Err(error) if matches!(left, Some(Reason::Failure)) => log::warn!(
            target: "ingest::session",
            "what waits in {} stays there for now: {}",
            path.display(),
            error.full_message()
        ),
        Err(_) => {}
    }
    left
}

enum Begun {
    Session(Arc<Core>),
    Left(Reason),
}

fn begin(app: &Arc<Inner>, path: &Path, is_wanted: bool) -> Result<Begun> {
    if outbox::is_drained(path) {
        return Ok(Begun::Left(Reason::Nothing));
    }
    let config = RealmConfig::new("");
    let (options, back) = options(&config);
    let Some(found) = files::open(path, options)? else {
        return Ok(Begun::Left(Reason::Nothing));
    };
    if !is_wanted && is_kept(app, path, &found.outbox)? {
        return Ok(Begun::Left(Reason::Kept));
    }
    let report = unheard::keep(path);
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
        if let Some(recovered) = found.recovered {
            report(&super::recovery(&recovered));
        }
        return Ok(Begun::Left(reason));
    };
    let core = super::start(&user, path, &config, found, back, Some(report))?;
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

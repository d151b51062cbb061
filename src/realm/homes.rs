//! Under which user what waits in an outbox is sent.
//!
//! The owner is noted in the file. It stays the owner as long as it can log in; after that what waits belongs to the
//! user who logs in in its place (`app::login` finds out who that is), and to nobody else: another user or app that
//! opens the path is refused while anything waits there.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::files::Found;
use crate::app::{ANONYMOUS, Inner, User, UserState};
use crate::error::{Code, Error, Result, SyncError};
use crate::outbox::{self, Options, Outbox, Owner, Pending, SqliteOutbox, UploaderGuard};
use crate::process;
use crate::uploader;
use crate::uploader::core::Core;

/// How often it is tried to be the one who uploads: who is doing that gives it back within a batch, or soon.
const RIGHT_POLL: Duration = Duration::from_millis(200);
/// How long a session of this process that has ended may take to let go of its outbox.
const GIVE_WAIT: Duration = Duration::from_secs(2);
/// How long to wait for another process that is uploading: what it has sent is answered within a minute, or given up.
pub(super) const RIGHT_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn owner_of(user: &User) -> Owner {
    Owner {
        app: user.app.app_id.clone(),
        user: user.id().to_owned(),
        principal: user.principal(),
    }
}

pub(crate) fn is_owner(user: &User, owner: &Owner) -> bool {
    (owner.user.as_str(), &owner.app) == (user.id(), &user.app.app_id)
}

/// Another process has given the session's outbox to this owner: the session goes on under that user, or under the one
/// who came in its place. False where neither is logged in here.
pub(crate) async fn follow(core: &Arc<Core>, owner: &Owner) -> bool {
    let app = core.user().app;
    if let Err(error) = app.adopt_stored().await {
        log::warn!(target: "ingest::session", "{}", error.full_message());
    }
    match sender(&app, owner) {
        Some(user) if is_owner(&user, owner) => {
            log::warn!(
                target: "ingest::session",
                "what waits in {} goes on under user {}: another process has re-homed it",
                core.path.display(),
                user.id()
            );
            core.rehome(user);
            true
        }
        Some(user) if app.known(&owner.user).is_some() => {
            move_now(core, Some(&user)).await;
            true
        }
        // Somebody of another directory, who can most likely log in there.
        _ => false,
    }
}

/// Opens the outbox for the user. One of somebody else in which nothing waits becomes the user's before.
///
/// # Errors
/// It cannot be opened, or somebody else has it open, also in another process.
pub(super) fn open_for(user: &User, path: &Path, options: Options) -> Result<Found> {
    let (outbox, recovered) = SqliteOutbox::open(path, options.clone())?;
    let other = outbox.owner()?.filter(|owner| !may_claim(user, owner));
    let Some(other) = other.filter(|_| is_empty(&outbox)) else {
        return Ok(Found { outbox, recovered });
    };
    drop(outbox);
    match outbox::give(path, options.key.as_ref(), &owner_of(user), GIVE_WAIT) {
        // If something waits there by now, it is not claimed.
        Ok(_) => {}
        Err(outbox::Error::Locked { .. }) => {
            return Err(Error::Mismatch(format!(
                "the outbox at {} is open for user '{}' of app '{}', perhaps in another process, and cannot be opened for \
                 user '{}' of app '{}' meanwhile",
                path.display(),
                other.user,
                other.app,
                user.id(),
                user.app.app_id
            )));
        }
        Err(error) => return Err(error.into()),
    }
    let (outbox, again) = SqliteOutbox::open(path, options)?;
    Ok(Found {
        outbox,
        recovered: recovered.or(again),
    })
}

fn is_empty(outbox: &dyn Outbox) -> bool {
    outbox.pending().is_ok_and(|pending| pending.transactions == 0)
}

/// Whether what waits for this owner is the user's to send.
fn may_claim(user: &User, owner: &Owner) -> bool {
    is_owner(user, owner) || (owner.app == user.app.app_id && goes_on_under(&user.app, owner, user))
}

/// Makes the user the owner of the outbox, if it may be. Waits so long for another process that is uploading it.
///
/// # Errors
/// Somebody else's data waits there, or that process does not come to an end.
pub(super) fn claim(user: &User, path: &Path, outbox: &dyn Outbox, patience: Duration) -> Result<()> {
    let claimant = owner_of(user);
    let owner = match outbox.owner()? {
        Some(owner) => owner,
        // Another process may be opening the new file, too, for somebody else: it is whose who comes first.
        None => outbox.set_first_owner(&claimant)?,
    };
    if is_owner(user, &owner) {
        let says_more = !claimant.principal.is_empty() || owner.principal == ANONYMOUS;
        if owner.principal != claimant.principal && says_more {
            outbox.set_owner(&claimant)?;
        }
        return Ok(());
    }
    check_claim(user, &owner, path, outbox)?;
    let _right = right(path, outbox, patience)?;
    if let Some(owner) = outbox.owner()? {
        // As whoever had the right has left it.
        check_claim(user, &owner, path, outbox)?;
    }
    take_over(user, path, outbox)
}

/// # Errors
/// What waits is this owner's, and cannot be the user's.
fn check_claim(user: &User, owner: &Owner, path: &Path, outbox: &dyn Outbox) -> Result<()> {
    if may_claim(user, owner) {
        return Ok(());
    }
    let (claimant, pending) = (owner_of(user), outbox.pending()?);
    Err(Error::Mismatch(format!(
        "the outbox at {} holds {} write transactions of user '{}' of app '{}', and cannot be opened for user '{}' of app \
         '{}' before they are uploaded: log that user in, or re-home them with realm::ingest::rehome",
        path.display(),
        pending.transactions,
        owner.user,
        owner.app,
        claimant.user,
        claimant.app
    )))
}

/// Whether the user may share the session: what it sends is the user's own, or comes to be.
pub(super) fn is_shared(core: &Arc<Core>, user: &User) -> bool {
    // Either may have been replaced a moment ago.
    let (current, user) = (core.user().heir(), user.heir());
    if current == user {
        return true;
    }
    let goes_on =
        Arc::ptr_eq(&current.app, &user.app) && goes_on_under(&user.app, &owner_of(&current), &user);
    if goes_on {
        let core = core.clone();
        user.app.clone().runtime.spawn(async move {
            move_now(&core, Some(&user)).await;
        });
    }
    goes_on
}

/// Whether the data of this owner may be sent as the user's. A principal stands for a person, whatever ids the server
/// gave it; but anonymous users who are logged in are several, and send each its own.
fn goes_on_under(app: &Arc<Inner>, owner: &Owner, user: &User) -> bool {
    if app.is_removed(&owner.user) {
        return false;
    }
    let heir = app.known(&owner.user).map(|account| app.user(account).heir());
    match heir {
        Some(heir) if heir == *user => true,
        Some(heir) if heir.state() == UserState::LoggedIn && heir.account.is_only_anonymous() => false,
        _ => {
            let principal = principal_of(app, owner);
            !principal.is_empty() && principal == user.principal()
        }
    }
}

/// How this owner logs in: a user who is known here may have been linked since the file was marked.
fn principal_of(app: &Inner, owner: &Owner) -> String {
    match app.known(&owner.user) {
        Some(account) => account.principal(),
        None => owner.principal.clone(),
    }
}

/// The user who is logged in and sends what this owner has left; none where nobody does.
pub(super) fn sender(app: &Arc<Inner>, owner: &Owner) -> Option<User> {
    if owner.app != app.app_id || app.is_removed(&owner.user) {
        return None;
    }
    let heir = app.known(&owner.user).map(|account| app.user(account).heir());
    heir.filter(|heir| heir.state() == UserState::LoggedIn)
        .or_else(|| app.logged_in_as(&principal_of(app, owner)))
}

/// A new name, because the gateway knows this outbox by its user and its name: under another user nothing of it has been
/// acknowledged. The name first: an owner without its own name would be taken for a gateway that lost data.
pub(super) fn take(outbox: &dyn Outbox, owner: &Owner) -> outbox::Result<()> {
    outbox.renew_identity()?;
    outbox.set_owner(owner)
}

/// The right to upload. Waits so long for who has it: also one whose tokens are no good goes on for a moment, and finds
/// out. Without patience it is tried once.
///
/// # Errors
/// It cannot be had, or the library is shut down.
pub(super) fn right(path: &Path, outbox: &dyn Outbox, patience: Duration) -> Result<UploaderGuard> {
    let begun = Instant::now();
    loop {
        process::check()?;
        if let Some(right) = outbox.try_become_uploader()? {
            return Ok(right);
        }
        if begun.elapsed() >= patience {
            return Err(busy(path));
        }
        std::thread::sleep(RIGHT_POLL);
    }
}

pub(super) fn busy(path: &Path) -> Error {
    Error::Logic(format!(
        "another process is uploading the outbox at {}: end it, or try again",
        path.display()
    ))
}

/// As [`take`], for a user, and says so. To be called with the right to upload, which others look for before they read
/// whose rows these are.
pub(super) fn take_over(user: &User, path: &Path, outbox: &dyn Outbox) -> Result<()> {
    let (known, owner) = (outbox.owner()?, owner_of(user));
    if known.as_ref() == Some(&owner) {
        return Ok(());
    }
    let pending = outbox.pending()?;
    take(outbox, &owner)?;
    if let Some(known) = known.filter(|_| pending.transactions > 0) {
        log_move(path, &known, user, pending);
    }
    Ok(())
}

fn log_move(path: &Path, from: &Owner, to: &User, pending: Pending) {
    log::warn!(
        target: "ingest::session",
        "{} write transactions of user {} in {} go on under user {}",
        pending.transactions,
        from.user,
        path.display(),
        to.id()
    );
}

/// The session goes on under the heir of its user, where that is another one. To be called whenever there may be a new
/// heir; who that is, is looked at when it can be done.
pub(crate) fn move_to_heir(core: &Arc<Core>) {
    let user = core.user();
    if user.heir() == user {
        return;
    }
    let core = core.clone();
    user.app.runtime.spawn(async move {
        move_now(&core, None).await;
    });
}

/// The session goes on under the user who was chosen, or under the heir of the one it has, and says so, once nobody is
/// uploading. Waits that have begun stay. False if nothing was done: the session has ended, or who was chosen is not
/// logged in any more.
pub(super) async fn move_now(core: &Arc<Core>, chosen: Option<&User>) -> bool {
    let app = core.user().app;
    let mut attempt = 0;
    while !core.has_ended() {
        let (moving, chosen) = (core.clone(), chosen.cloned());
        match spawn_blocking(move || try_move(&moving, chosen.as_ref())).await {
            Ok(Ok(Some(done))) => return done,
            Ok(Ok(None)) => app.clock.sleep(RIGHT_POLL).await,
            Ok(Err(error)) => {
                log::warn!(target: "ingest::outbox", "the owner cannot be changed yet: {error}");
                let pause = uploader::backoff(attempt, app.clock.random());
                attempt += 1;
                app.clock.sleep(pause).await;
            }
            // The runtime is ending.
            Err(_) => break,
        }
    }
    false
}

/// None while somebody is uploading.
fn try_move(core: &Arc<Core>, chosen: Option<&User>) -> outbox::Result<Option<bool>> {
    // Held until the session has moved: what else would move it comes after this, and goes by what it finds then.
    let Some(_right) = core.outbox.try_become_uploader()? else {
        return Ok(None);
    };
    let former = core.user();
    let successor = chosen.unwrap_or(&former).heir();
    if core.has_ended() || (chosen.is_some() && successor.state() != UserState::LoggedIn) {
        return Ok(Some(false));
    }
    let (known, owner) = (core.outbox.owner()?, owner_of(&successor));
    let is_taken = known.as_ref() == Some(&owner);
    if successor == former && (is_taken || chosen.is_none()) {
        return Ok(Some(true));
    }
    let pending = core.outbox.pending()?;
    // What another process has given to somebody else is not inherited; the session finds that out.
    let is_inherited = known.as_ref().is_none_or(|known| is_owner(&former, known));
    if !is_taken && (chosen.is_some() || is_inherited) {
        take(&*core.outbox, &owner)?;
    }
    log_move(
        &core.path,
        &known.unwrap_or_else(|| owner_of(&former)),
        &successor,
        pending,
    );
    core.rehome(successor.clone());
    core.report_soon(SyncError {
        code: Code::AuthError,
        message: format!(
            "what waits in the outbox at {} goes on under user {}, who logged in in the place of user {}",
            core.path.display(),
            successor.id(),
            former.id()
        ),
        link: String::new(),
        is_fatal: false,
        compensating_writes: Vec::new(),
    });
    Ok(Some(true))
}

#[cfg(test)]
#[path = "homes_tests.rs"]
mod tests;

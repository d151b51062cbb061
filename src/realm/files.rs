//! The outboxes of an app's directory, and their deletion. No other code deletes an outbox.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::app::Inner;
use crate::error::{Error, Result};
use crate::outbox::{self, Glance, Options, Outbox, Owner, Pending, Recovered, SqliteOutbox};
use crate::uploader::registry;

/// What is in the app's directory and is no user's.
const NOT_USERS: [&str; 2] = ["server-utility", "recovered-realms"];

/// An outbox that was opened to look at it.
pub(super) struct Found {
    pub(super) outbox: SqliteOutbox,
    pub(super) recovered: Option<Recovered>,
}

/// What may hold data of the app.
#[derive(Default)]
pub(super) struct Candidates {
    /// Files that may be outboxes.
    pub(super) paths: Vec<PathBuf>,
    /// Folders that could not be read, and may hold more of them.
    pub(super) unread: Vec<(PathBuf, io::Error)>,
}

/// Looks in the app's directory where the users' default outboxes are, and beside them.
pub(super) fn candidates(app: &Inner) -> Candidates {
    // Sessions go by the real name.
    let directory = match app.directory.canonicalize() {
        Ok(directory) => directory,
        Err(error) if error.kind() == ErrorKind::NotFound => return Candidates::default(),
        Err(error) => {
            return Candidates {
                unread: vec![(app.directory.clone(), error)],
                ..Candidates::default()
            };
        }
    };
    let mut unread = Vec::new();
    let mut read = |folder: &Path| {
        entries(folder).unwrap_or_else(|error| {
            unread.push((folder.to_owned(), error));
            Vec::new()
        })
    };
    let mut files = read(&directory);
    for folder in users_of(&files) {
        files.extend(read(&folder));
    }
    let mut paths: Vec<_> = files
        .into_iter()
        .filter(|(_, is_folder)| !is_folder)
        .map(|(path, _)| outbox::path_of(path))
        .filter(|path| path.extension().is_some_and(|ending| ending == "realm"))
        // As sessions know it. One that leads in a circle is none.
        .filter_map(|path| outbox::real_path(&path).ok())
        .collect();
    // What an interrupted exchange left may be beside the file it is to replace.
    paths.sort_unstable();
    paths.dedup();
    Candidates { paths, unread }
}

/// The folders of users in an app's directory.
pub(super) fn user_folders(directory: &Path) -> Vec<PathBuf> {
    users_of(&entries(directory).unwrap_or_default())
}

fn users_of(entries: &[(PathBuf, bool)]) -> Vec<PathBuf> {
    let folders = entries.iter().filter(|(_, is_folder)| *is_folder);
    folders
        .map(|(path, _)| path.clone())
        .filter(|path| NOT_USERS.iter().all(|known| !path.ends_with(known)))
        .collect()
}

/// What is in the folder, and whether it is a folder itself. One that is gone is empty.
fn entries(directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        Ok((entry.path(), is_folder))
    };
    entries.map(entry).collect()
}

/// The outbox at the path; none if there is another file, which is left alone.
///
/// # Errors
/// It cannot be opened, or nobody knows what it is.
pub(super) fn open(path: &Path, options: Options) -> Result<Option<Found>> {
    if !outbox::is_outbox(path)? {
        return Ok(None);
    }
    let (outbox, recovered) = SqliteOutbox::open(path, options)?;
    if let Some(recovered) = &recovered {
        // It is told once, and not every caller has somebody to tell.
        log::error!(target: "ingest::outbox", "{recovered}");
    }
    Ok(Some(Found { outbox, recovered }))
}

/// An outbox as far as it can be seen by who has no key.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// One that is open, or not encrypted.
    Open(&'a dyn Outbox),
    /// One whose key nobody has given.
    Sealed(&'a Glance),
    /// Such a one of which damage hides the rest as well, until its key is given.
    Hidden,
}

impl Seen<'_> {
    /// Whose it is; of one that is sealed, if that is a user whom the app knows or in whose folder it is.
    pub(super) fn owner(&self, app: &Inner, path: &Path) -> Result<Option<Owner>> {
        match self {
            Seen::Open(outbox) => owner(app, path, *outbox),
            Seen::Sealed(glance) => {
                let of_place = user_of(app, path);
                let user = app
                    .known_ids()
                    .into_iter()
                    .chain(of_place)
                    .find(|user| glance.is_of(&app.app_id, user));
                Ok(user.map(|user| owner_by_id(app, user)))
            }
            Seen::Hidden => Ok(None),
        }
    }

    fn is_of(&self, app: &Inner, path: &Path, user: &str) -> Result<bool> {
        match self {
            Seen::Open(outbox) => Ok(owner(app, path, *outbox)?.is_some_and(|owner| owner.user == user)),
            Seen::Sealed(glance) => Ok(glance.is_of(&app.app_id, user)),
            Seen::Hidden => Ok(false),
        }
    }

    pub(super) fn pending(&self) -> Result<Pending> {
        match self {
            Seen::Open(outbox) => Ok(outbox.pending()?),
            Seen::Sealed(glance) => Ok(glance.pending),
            Seen::Hidden => Ok(Pending::default()),
        }
    }

    /// The name it goes by and its last row.
    fn extent(&self) -> Result<(String, i64)> {
        match self {
            Seen::Open(outbox) => Ok((outbox.origin()?.identity, outbox.last_seq()?)),
            Seen::Sealed(glance) => Ok((glance.identity.clone(), glance.last_seq)),
            Seen::Hidden => Ok((String::new(), 0)),
        }
    }
}

/// What `look` sees of the outbox at the path; none if there is another file.
///
/// # Errors
/// Those of [`open`] and of `look`. That it is encrypted is none.
pub(super) fn see<T>(path: &Path, look: impl FnOnce(Seen<'_>) -> Result<T>) -> Result<Option<T>> {
    match open(path, Options::default()) {
        Ok(Some(found)) => look(Seen::Open(&found.outbox)).map(Some),
        Ok(None) => Ok(None),
        Err(Error::Outbox(outbox::Error::KeyRequired { .. })) => match outbox::glance(path) {
            Ok(glance) => look(Seen::Sealed(&glance)),
            Err(outbox::Error::Corrupt { .. }) => look(Seen::Hidden),
            Err(error) => Err(error.into()),
        }
        .map(Some),
        Err(error) => Err(error),
    }
}

/// Whose the outbox is: as it says itself, or, in one of an older release, as its place says.
pub(super) fn owner(app: &Inner, path: &Path, outbox: &dyn Outbox) -> Result<Option<Owner>> {
    if let Some(owner) = outbox.owner()? {
        return Ok(Some(owner));
    }
    let Some(user) = user_of(app, path) else {
        return Ok(None);
    };
    Ok(Some(owner_by_id(app, user)))
}

fn owner_by_id(app: &Inner, user: String) -> Owner {
    Owner {
        app: app.app_id.clone(),
        principal: app
            .known(&user)
            .map_or(String::new(), |account| account.principal()),
        user,
    }
}

/// Whose directory the file is in.
fn user_of(app: &Inner, path: &Path) -> Option<String> {
    let folder = path.parent()?;
    if app
        .directory
        .canonicalize()
        .is_ok_and(|directory| directory == folder)
    {
        return None;
    }
    crate::app::user_of_directory(folder)
}

/// The last rows of the outboxes of this user that hold any, by identity. One that cannot be read is not among them.
pub(crate) fn written(app: &Inner, user: &str) -> HashMap<String, i64> {
    let mut written = HashMap::new();
    let Candidates { paths, unread } = candidates(app);
    for (folder, error) in unread {
        log::warn!(target: "ingest::app", "what waits in {} will not be deleted: {error}", folder.display());
    }
    for path in paths {
        let look = |outbox: Seen<'_>| -> Result<Option<(String, i64)>> {
            match outbox.is_of(app, &path, user)? {
                true => outbox.extent().map(Some),
                false => Ok(None),
            }
        };
        let looked = registry::unless_open(&path, || {
            if outbox::is_drained(&path) {
                return Ok(None);
            }
            see(&path, look).map(Option::flatten)
        });
        match looked.unwrap_or_else(|core| look(Seen::Open(&*core.outbox))) {
            Ok(found) => written.extend(found),
            Err(error) => log::warn!(
                target: "ingest::app",
                "what waits in {} will not be deleted: {}",
                path.display(),
                error.full_message()
            ),
        }
    }
    written
}

/// Whether something waits in the outbox that came after all that was `written`.
fn has_more(outbox: Seen<'_>, written: &HashMap<String, i64>) -> Result<bool> {
    let (identity, last) = outbox.extent()?;
    let was_written = written.get(&identity).is_some_and(|written| last <= *written);
    Ok(!was_written && outbox.pending()?.transactions > 0)
}

/// Deletes the outboxes of users that were removed: an anonymous user who is logged out is gone, with what waits, and
/// that was asked for. Outboxes that went on under another user meanwhile stay, and so do those in which more waits than
/// what was `written` then. Returns the users of whom nothing is left.
pub(crate) fn delete_removed(app: &Inner, ids: Vec<String>, written: &HashMap<String, i64>) -> Vec<String> {
    if ids.is_empty() {
        return ids;
    }
    let mut left = Vec::new();
    let not_deleted = |path: &Path, reason: &dyn fmt::Display| {
        log::warn!(
            target: "ingest::app",
            "{} is not deleted yet, and may belong to a user who was removed: {reason}",
            path.display()
        );
    };
    let Candidates { paths, unread } = candidates(app);
    for (folder, error) in unread {
        not_deleted(&folder, &error);
        left.clone_from(&ids);
    }
    for path in paths {
        let is_theirs = |outbox: Seen<'_>| -> Result<bool> {
            for id in &ids {
                if outbox.is_of(app, &path, id)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let deleted = registry::unless_open(&path, || {
            let goes = see(&path, |outbox| {
                let goes = is_theirs(outbox)?;
                if goes && has_more(outbox, written)? {
                    return Err(Error::Logic(
                        "another process wrote to it after the log-out, so it is stranded until it is re-homed or discarded"
                            .to_owned(),
                    ));
                }
                Ok(goes)
            })?;
            if goes != Some(true) {
                return Ok(());
            }
            outbox::delete(&path)?;
            if let Some(folder) = path.parent() {
                // Only if nothing else is in it.
                let _ = fs::remove_dir(folder);
            }
            Ok(())
        });
        let kept = match deleted {
            Ok(deleted) => deleted,
            // It keeps its files until the next time.
            Err(core) => match is_theirs(Seen::Open(&*core.outbox)) {
                Ok(false) => Ok(()),
                Ok(true) => Err(Error::Logic("it is open".to_owned())),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = kept {
            not_deleted(&path, &error.full_message());
            left.clone_from(&ids);
        }
    }
    ids.into_iter().filter(|id| !left.contains(id)).collect()
}

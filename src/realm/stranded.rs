//! What waits in an app's directory and nobody sends, and what an application can do about it: re-home it, export it,
//! discard it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::files::{Candidates, Seen};
use super::{files, homes, neighbours};
use crate::app::{App, Inner, User, UserState};
use crate::ejson;
use crate::error::{Error, Result};
use crate::outbox::{self, Codec, Key, Options, Outbox, Pending, Row, SqliteOutbox};
use crate::process;
use crate::uploader::registry;

/// How much of an outbox is held in memory while it is exported.
const EXPORT_BYTES: u64 = 1024 * 1024;

/// An outbox with data that no user who is logged in will send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranded {
    /// The file.
    pub path: PathBuf,
    /// The id of the user whose data it is; empty where that is not known.
    pub user: String,
    /// How that user logs in, as [`User::principal`] has it; empty where that is not known.
    pub principal: String,
    /// What waits; nothing where the outbox is encrypted and so damaged that this cannot be seen without its key.
    pub pending: Pending,
}

impl App {
    /// The outboxes in the app's directory with data that no user who is logged in will send: their user was logged
    /// out, or is not known any more. They are sent once that user logs in, or one who logs in in the same way. Of one
    /// that is encrypted and not open the user is known if the app knows that one, or the file is in its folder. Reads
    /// files; does not use the network.
    ///
    /// # Errors
    /// A file or folder could not be read.
    pub fn stranded(&self) -> Result<Vec<Stranded>> {
        process::check()?;
        let mut all = Vec::new();
        let Candidates { paths, unread } = files::candidates(&self.inner);
        if let Some((path, source)) = unread.into_iter().next() {
            return Err(Error::File {
                action: "read",
                path,
                source,
            });
        }
        for path in paths {
            all.extend(stranded(&self.inner, &path)?);
        }
        Ok(all)
    }

    /// What waits in the outbox goes on under this user, whoever's it was. It is sent from now on, whether a realm is
    /// opened there or not; an encrypted one once a realm is opened there. Such a one needs its key, if it is not open.
    /// May wait, for the disk and for another process that is uploading it.
    ///
    /// # Errors
    /// The user is not logged in or is another app's, there is no outbox at the path, this is not its key, it cannot be
    /// written, or this is a callback of the app, for which the session of the outbox may be waiting.
    pub fn rehome(&self, path: &Path, user: &User, key: Option<&Key>) -> Result<()> {
        process::check()?;
        if self.inner.runtime.is_waited_for() {
            return Err(Error::Logic(
                "an outbox cannot be re-homed in a callback, for which its session may be waiting".to_owned(),
            ));
        }
        if !Arc::ptr_eq(&user.app, &self.inner) {
            return Err(Error::InvalidArgument(format!(
                "user '{}' is a user of another app",
                user.id()
            )));
        }
        let path = real(path)?;
        while !self.try_rehome(&path, user, key)? {}
        neighbours::send_also(&self.inner, &path);
        Ok(())
    }

    /// False where a session ended before it could go on under the user: then the outbox is open no more, or anew.
    fn try_rehome(&self, path: &Path, user: &User, key: Option<&Key>) -> Result<bool> {
        if user.state() != UserState::LoggedIn {
            return Err(Error::Logic(format!(
                "user '{}' is not logged in, so nothing can go on under it",
                user.id()
            )));
        }
        match registry::unless_open(path, || rehome(user, path, key)) {
            Ok(moved) => moved.map(|()| true),
            Err(core) => {
                let user = user.clone();
                let moved = self.inner.runtime.block_on(async move {
                    tokio::time::timeout(homes::RIGHT_LIMIT, homes::move_now(&core, Some(&user))).await
                })?;
                moved.map_err(|_| homes::busy(path))
            }
        }
    }

    /// Writes what waits in the outbox to a new file, one line of canonical Extended JSON a document, oldest first:
    /// `{"class":"Reading","document":{...}}`, or `{"class":"Reading","bson":"<base64>"}` for one that is not valid BSON.
    /// Returns the number of documents. The file is there as a whole and durable on return, or not at all. The outbox
    /// stays as it is. An encrypted one needs its key, if it is not open; the new file is not encrypted.
    ///
    /// # Errors
    /// There is no outbox at the path, this is not its key, something is at `destination`, or a file cannot be read or written.
    pub fn export(&self, path: &Path, destination: &Path, key: Option<&Key>) -> Result<u64> {
        process::check()?;
        let path = real(path)?;
        let exported = registry::unless_open(&path, || {
            let outbox = existing(&path, key)?;
            export(&outbox, destination)
        });
        exported.unwrap_or_else(|core| export(&*core.outbox, destination))
    }

    /// **Deletes the outbox with everything that waits in it**, for good, and returns what that was. With the logout
    /// of an anonymous user and the removal of any this is the only act that deletes what waits. Needs no key.
    ///
    /// # Errors
    /// There is no outbox at the path, or it is open, in this process or in another; it is there still.
    pub fn discard(&self, path: &Path) -> Result<Pending> {
        process::check()?;
        let path = real(path)?;
        let discarded = registry::unless_open(&path, || {
            let pending = files::see(&path, |outbox| outbox.pending())?;
            let pending = pending.ok_or_else(|| no_outbox(&path))?;
            outbox::delete(&path)?;
            log::warn!(
                target: "ingest::outbox",
                "{} was discarded with {} write transactions in it",
                path.display(),
                pending.transactions
            );
            Ok(pending)
        });
        discarded.unwrap_or_else(|_| {
            Err(Error::Logic(format!(
                "the outbox at {} is open: close its realms before it is discarded",
                path.display()
            )))
        })
    }
}

fn stranded(app: &Arc<Inner>, path: &Path) -> Result<Option<Stranded>> {
    let look = |outbox: Seen<'_>| -> Result<Option<Stranded>> {
        let pending = outbox.pending()?;
        let owner = outbox.owner(app, path)?;
        let is_sent = owner
            .as_ref()
            .is_some_and(|owner| homes::sender(app, owner).is_some());
        let is_drained = pending.transactions == 0 && !matches!(outbox, Seen::Hidden);
        if is_drained || is_sent {
            return Ok(None);
        }
        let (user, principal) = owner.map_or_else(Default::default, |owner| (owner.user, owner.principal));
        Ok(Some(Stranded {
            path: path.to_owned(),
            user,
            principal,
            pending,
        }))
    };
    let found = registry::unless_open(path, || {
        if outbox::is_drained(path) {
            return Ok(None);
        }
        files::see(path, look).map(Option::flatten)
    });
    found.unwrap_or_else(|core| look(Seen::Open(&*core.outbox)))
}

/// The path as sessions know it.
fn real(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|source| Error::File {
        action: "find",
        path: path.to_owned(),
        source,
    })
}

fn existing(path: &Path, key: Option<&Key>) -> Result<SqliteOutbox> {
    let options = Options {
        key: key.cloned(),
        ..Options::default()
    };
    let found = files::open(path, options)?;
    found.map(|found| found.outbox).ok_or_else(|| no_outbox(path))
}

fn no_outbox(path: &Path) -> Error {
    Error::InvalidArgument(format!("there is no outbox at {}", path.display()))
}

fn rehome(user: &User, path: &Path, key: Option<&Key>) -> Result<()> {
    let outbox = existing(path, key)?;
    let _right = homes::right(path, &outbox, homes::RIGHT_LIMIT)?;
    homes::take_over(user, path, &outbox)?;
    if outbox.is_guarded()? {
        // Whoever moves it wants it to be sent.
        outbox.set_guarded(false)?;
    }
    Ok(())
}

fn export(outbox: &dyn Outbox, destination: &Path) -> Result<u64> {
    let failed = |source| Error::File {
        action: "write",
        path: destination.to_owned(),
        source,
    };
    if destination.symlink_metadata().is_ok() {
        return Err(Error::InvalidArgument(format!(
            "there is a file at {} already",
            destination.display()
        )));
    }
    let mut part = destination.as_os_str().to_owned();
    part.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
    let part = PathBuf::from(part);
    let file = std::fs::File::create_new(&part).map_err(failed)?;
    let written = (|| {
        let mut file = std::io::BufWriter::new(file);
        let (mut after, mut count) = (0, 0);
        while let Some(lease) = outbox.lease(after, EXPORT_BYTES)? {
            after = lease.last_seq();
            for row in &lease.rows {
                count += write_row(row, &mut file, &failed)?;
            }
        }
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&part, destination).map_err(failed)?;
        realm_ingest_durable::sync_parent(destination).map_err(failed)?;
        Ok(count)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_row(row: &Row, file: &mut impl Write, failed: &impl Fn(std::io::Error) -> Error) -> Result<u64> {
    let unreadable = |reason: &dyn std::fmt::Display| {
        Error::InvalidArgument(format!(
            "write transaction {} cannot be exported: {reason}",
            row.seq
        ))
    };
    let unpacked;
    let mut rest = match row.codec {
        Codec::Identity => &row.payload[..],
        Codec::Zstd => {
            unpacked = zstd::bulk::decompress(&row.payload, usize::try_from(row.bytes).unwrap_or(usize::MAX))
                .map_err(|error| unreadable(&error))?;
            &unpacked[..]
        }
    };
    let mut count = 0;
    for run in row.runs.iter() {
        let class = serde_json::Value::from(run.class.as_str());
        for _ in 0..run.count {
            let (document, behind) =
                realm_ingest_protocol::document::split(rest).map_err(|error| unreadable(&error))?;
            rest = behind;
            match ejson::from_bson(document) {
                Ok(text) => writeln!(file, r#"{{"class":{class},"document":{text}}}"#),
                // One document that no server takes must not keep the others in.
                Err(_) => writeln!(
                    file,
                    r#"{{"class":{class},"bson":"{}"}}"#,
                    STANDARD.encode(document)
                ),
            }
            .map_err(failed)?;
            count += 1;
        }
    }
    Ok(count)
}

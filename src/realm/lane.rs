//! One outbox of a realm with its session. A realm has one for all of its classes; where some are urgent, those have
//! another beside it, so that they overtake whatever waits in the first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use realm_ingest_protocol::Schema;

use super::options::Choices;
use super::receipts::Desk;
use super::{ErrorHandler, RealmConfig, homes, neighbours, outbox_options, start, unheard, warn_of_changes};
use crate::app::User;
use crate::error::{Error, Result};
use crate::outbox::{self, Key, SchemaId};
use crate::process;
use crate::uploader::core::Core;
use crate::uploader::registry;

/// What the numbers of transactions of urgent classes say beside their place; those of the others say 0.
const URGENT: u8 = 1;

/// Dropping it closes it.
pub(super) struct Lane {
    /// Until it is closed: the file goes with the last one who has it.
    open: Mutex<Option<Arc<Core>>>,
    core: Weak<Core>,
    pub(super) schema: SchemaId,
    pub(super) id: u8,
    pub(super) desk: Desk,
}

impl Lane {
    /// Opens the outbox at the path, or shares what is open there.
    ///
    /// # Errors
    /// As [`super::Realm::open`].
    pub(super) fn open(
        user: &User,
        path: &Path,
        config: &RealmConfig,
        choices: &Choices,
        schema: &Schema,
        handler: Option<&ErrorHandler>,
    ) -> Result<Lane> {
        let key = config.key();
        let mut ended = false;
        let opened = registry::open(
            path,
            |core| {
                let is_others = core.is_background() && (config.has_own_transport() || core.user() != *user);
                ended = is_others || core.choices().storage != choices.storage;
                ended
            },
            |core| {
                check_key(core, key.as_ref(), path)?;
                if !homes::is_shared(core, user) {
                    return Err(Error::Mismatch(format!(
                        "Realm at path '{}' already opened with different sync user.",
                        path.display()
                    )));
                }
                core.adopt(config.stop_policy, handler.cloned(), choices)
            },
            || {
                let (mut options, back) = outbox_options(choices);
                options.key.clone_from(&key);
                let found = homes::open_for(user, path, options)?;
                start(
                    user,
                    path,
                    (config, choices),
                    found,
                    back,
                    handler.cloned(),
                    homes::RIGHT_LIMIT,
                )
            },
        );
        if opened.is_err() && ended {
            neighbours::look_now(&user.app);
        }
        let core = opened?;
        // From here on dropping closes.
        let mut lane = Lane {
            desk: Desk::of(&core),
            open: Mutex::new(Some(core.clone())),
            core: Arc::downgrade(&core),
            schema: SchemaId(0),
            id: 0,
        };
        let guarded = choices.gate.policy().binds_others();
        if core.outbox.is_guarded()? != guarded {
            core.outbox.set_guarded(guarded)?;
        }
        unheard::tell(&core);
        warn_of_changes(&core, schema);
        lane.schema = core
            .outbox
            .register_schema(&schema.fingerprint(), &schema.to_json())?;
        Ok(lane)
    }

    /// The lane of urgent classes.
    pub(super) fn urgent(mut self) -> Lane {
        self.id = URGENT;
        self
    }

    /// What is open.
    ///
    /// # Errors
    /// It is closed.
    pub(super) fn core(&self) -> Result<Arc<Core>> {
        self.opened().clone().ok_or(Error::Closed)
    }

    /// The same, also after the close as long as somebody has it.
    pub(super) fn last_core(&self) -> Option<Arc<Core>> {
        self.core.upgrade()
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<Core>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it, and gives the file back where nobody else has it open; the second time does nothing.
    pub(super) fn close(&self) {
        if process::is_foreign() || !self.desk.close() {
            return;
        }
        let core = self.opened().take();
        if let Some(core) = core {
            neighbours::heed_close(&core);
            registry::close(&core);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.desk.is_closed()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if process::is_foreign() {
            // The last one would close the file, which is the parent's; and the parent's threads may have the lock.
            let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(open.take());
        }
        self.close();
    }
}

/// # Errors
/// The session's outbox was opened with another key.
fn check_key(core: &Core, key: Option<&Key>, path: &Path) -> Result<()> {
    if core.outbox.is_opened_with(key) {
        return Ok(());
    }
    let path = path.to_owned();
    if core.is_background() {
        // Nobody gave a key for it.
        return Err(outbox::Error::NotEncrypted { path }.into());
    }
    Err(Error::Mismatch(format!(
        "Realm at path '{}' already opened with a different encryption key.",
        path.display()
    )))
}

/// Where urgent classes wait whose others wait at `path`: beside it, under a name by which it is found and sent also if
/// nobody opens it.
pub(super) fn urgent_path(path: &Path) -> PathBuf {
    let is_named = path.extension().is_some_and(|ending| ending == "realm");
    let stem = if is_named {
        path.file_stem()
    } else {
        path.file_name()
    };
    let mut name = OsString::from(stem.unwrap_or_default());
    name.push(".urgent.realm");
    path.with_file_name(name)
}

/// Whether urgent classes of an earlier release wait there.
pub(super) fn is_left(path: &Path) -> bool {
    outbox::is_outbox(path).unwrap_or(false) && !outbox::is_drained(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_classes_wait_beside_the_others() {
        let of = |path: &str| urgent_path(Path::new(path));
        assert_eq!(of("/a/default.realm"), Path::new("/a/default.urgent.realm"));
        assert_eq!(of("/a/data"), Path::new("/a/data.urgent.realm"));
        assert_eq!(of("/a/data.db"), Path::new("/a/data.db.urgent.realm"));
    }
}

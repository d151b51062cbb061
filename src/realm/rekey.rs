//! Another encryption key for the files of a realm.

use std::path::Path;

use super::{Realm, RealmConfig, lane, neighbours, resolved};
use crate::app::User;
use crate::error::{Error, Result};
use crate::outbox::{self, KEY_BYTES, Key};
use crate::process;
use crate::uploader::registry;

impl Realm {
    /// Encrypts the file that the configuration names, and the one of urgent classes beside it, with the `new` key; none
    /// stands for no encryption. Their present key is that of the configuration. All that waits stays. As long as it
    /// takes, which is about that of copying the file, nobody can open it. A process that ends meanwhile leaves a file
    /// with one key or with the other; called again, this does what is left.
    ///
    /// # Errors
    /// The configuration has another key than the file, a realm is open there, also in another process, there is no file,
    /// or no room for a second one. Each file has one key or the other, and nothing of it is lost. The call may be repeated
    /// with the same keys: it does what is left.
    pub fn rekey(user: &User, config: &RealmConfig, new: Option<[u8; KEY_BYTES]>) -> Result<()> {
        process::check()?;
        let path = resolved(user, config.path.as_deref())?;
        let (old, new) = (config.key(), new.map(Key::new));
        let beside = lane::urgent_path(&path);
        let rekeyed = rekey(&path, old.as_ref(), new.as_ref()).and_then(|()| {
            // Also one that an interrupted exchange has not given its name yet.
            if outbox::is_outbox(&beside)? {
                rekey(&beside, old.as_ref(), new.as_ref())?;
            }
            Ok(())
        });
        // A session that was in the way may go on.
        neighbours::look_now(&user.app);
        rekeyed
    }
}

fn rekey(path: &Path, old: Option<&Key>, new: Option<&Key>) -> Result<()> {
    // One that goes on after its realms were closed.
    registry::end_unused(path);
    let rekeyed = registry::unless_open(path, || Ok(outbox::rekey(path, old, new)?));
    rekeyed.unwrap_or_else(|_| {
        Err(Error::Logic(format!(
            "the outbox at {} is open: close its realms before its key is changed",
            path.display()
        )))
    })
}

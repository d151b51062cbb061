//! Another encryption key for the file of a realm.

use super::{Realm, RealmConfig, neighbours, resolved};
use crate::app::User;
use crate::error::{Error, Result};
use crate::outbox::{self, KEY_BYTES, Key};
use crate::process;
use crate::uploader::registry;

impl Realm {
    /// Encrypts the file that the configuration names with the `new` key; none stands for no encryption. Its present
    /// key is that of the configuration. All that waits stays. As long as it takes, which is about that of copying the
    /// file, nobody can open it. A process that ends meanwhile leaves the file with one key or with the other.
    ///
    /// # Errors
    /// The file is as it was: the configuration has another key than the file, a realm is open there, also in another
    /// process, there is no file, or no room for a second one.
    pub fn rekey(user: &User, config: &RealmConfig, new: Option<[u8; KEY_BYTES]>) -> Result<()> {
        process::check()?;
        let path = resolved(user, config.path.as_deref())?;
        let new = new.map(Key::new);
        // One that goes on after its realms were closed would be in the way.
        let ended = registry::end_unused(&path, |_| true);
        let rekeyed = registry::unless_open(&path, || {
            Ok(outbox::rekey(&path, config.key().as_ref(), new.as_ref())?)
        });
        if ended || new.is_none() {
            neighbours::look_now(&user.app);
        }
        rekeyed.unwrap_or_else(|_| {
            Err(Error::Logic(format!(
                "the outbox at {} is open: close its realms before its key is changed",
                path.display()
            )))
        })
    }
}

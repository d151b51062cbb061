//! What can be read of an encrypted outbox without its key.

use std::path::Path;

use super::remove::connect;
use super::{meta, rows, schema, seals};
use crate::outbox::{Error, Pending, Result};

/// What an outbox shows to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glance {
    /// As in [`crate::outbox::Origin`].
    pub(crate) identity: String,
    pub(crate) last_seq: i64,
    pub(crate) pending: Pending,
    mark: Option<seals::OwnerMark>,
}

impl Glance {
    /// Whether this user of this app owns what waits.
    pub(crate) fn is_of(&self, app: &str, user: &str) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.is_of(app, user))
    }
}

/// Changes nothing.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub(crate) fn glance(path: &Path) -> Result<Glance> {
    let look = || {
        let connection = connect(path)?;
        schema::leave_as_found(&connection, path)?;
        Ok(Glance {
            identity: meta::origin(&connection)?.identity,
            last_seq: rows::last_seq(&connection)?,
            pending: rows::pending(&connection)?,
            mark: seals::owner_mark(&connection)?,
        })
    };
    look().map_err(|source| Error::sqlite(path, source))
}

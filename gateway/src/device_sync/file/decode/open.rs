//! An upload whose changesets are being decoded.

use bytes::Bytes;

use super::Upload;
use crate::device_sync::errors::{ConnectionCode, ConnectionError, SessionError};
use crate::device_sync::file::failure::{Ending, of_upload};
use crate::device_sync::upload::{Entry, inflate};
use crate::memory::Budget;

/// Bytes of changesets that one upload may have. Clients make uploads of 16 MiB, and larger ones of a single write transaction. A user
/// has memory for both, such an upload and the documents that may become of it.
const MAX_INFLATED: usize = 64 * 1024 * 1024;

/// Changesets of one upload that may change classes: an application does so where a new release of it starts.
pub(super) const MAX_CHANGES: u32 = 1_000;

/// An upload that is being decoded.
pub(super) struct Open {
    pub(super) progress: u64,
    pub(super) body: Bytes,
    /// How many bytes of it are decoded.
    pub(super) done: usize,
    /// How many of its changesets have changed classes.
    pub(super) changes: u32,
    _memory: Budget,
}

impl Open {
    pub(super) fn new(upload: Upload) -> Result<Self, Ending> {
        let Upload { header, body, budget } = upload;
        let (body, memory) = if header.compressed {
            let mut memory = budget.another();
            let inflated = inflate(&body, header.uncompressed, MAX_INFLATED, &mut memory);
            (inflated.map_err(of_upload)?.into(), memory)
        } else {
            (body, budget)
        };
        Ok(Self {
            progress: header.progress_client,
            body,
            done: 0,
            changes: 0,
            _memory: memory,
        })
    }

    /// Notes whether a changeset has changed classes.
    pub(super) fn changed(&mut self, has_changed: bool) -> Result<(), Ending> {
        self.changes += u32::from(has_changed);
        if self.changes > MAX_CHANGES {
            let message = format!("more than {MAX_CHANGES} changesets of the upload change classes");
            return Err(SessionError::bad_changeset(message).into());
        }
        Ok(())
    }

    /// Whether the changeset belongs to this upload and comes behind the last one.
    pub(super) fn check(&self, entry: &Entry<'_>, last: u64) -> Result<(), Ending> {
        let version = entry.client_version;
        let message = if version <= last {
            format!("changeset {version} comes behind {last}")
        } else if version > self.progress {
            format!("changeset {version} is beyond the progress of its upload")
        } else {
            return Ok(());
        };
        Err(ConnectionError::new(ConnectionCode::BadChangesetHeader, message).into())
    }
}

/// How many bytes of `whole` come behind its part.
pub(super) fn behind(whole: &Bytes, part: &[u8]) -> usize {
    let end = part.as_ptr().addr() + part.len();
    (whole.as_ptr().addr() + whole.len()).saturating_sub(end)
}

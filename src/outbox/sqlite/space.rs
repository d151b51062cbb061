//! Giving space back to the file system.

use super::{SqliteOutbox, pages, schema};
use crate::outbox::Result;

/// Unused pages that are kept for the next writes rather than given back: a small outbox would
/// otherwise shrink and grow with every batch.
const KEEP_FREE_BYTES: u64 = 1024 * 1024;

/// Pages given back in one turn, so that writers wait some milliseconds at most.
const PAGES_PER_TURN: u64 = 2048;

/// Up to this many pages in use, copying them to a new file is quicker than taking unused ones out
/// one by one.
const COPY_PAGES: u64 = 1024;

impl SqliteOutbox {
    /// One step of giving space back; returns whether there is more to do.
    pub(super) fn compact_step(&self) -> Result<bool> {
        self.turns.alone(|| {
            // The log is moved into the database below, and has to be checked before.
            self.be_sure_of_log()?;
            let mut drain = self.drain();
            let connection = &mut drain.connection;
            let mut writer = self.writer();
            let failed = |source| self.failed(source);
            let usage = pages::usage(connection).map_err(failed)?;
            if usage.free_bytes() <= KEEP_FREE_BYTES {
                if writer.log.file_bytes() > schema::WAL_BYTES {
                    writer.log.cut(connection).map_err(failed)?;
                }
                return Ok(false);
            }
            let given_back = if usage.used_pages() <= COPY_PAGES {
                pages::copy_to_fit(connection)
            } else {
                pages::give_back(connection, PAGES_PER_TURN)
            };
            given_back
                .map_err(failed)
                .inspect_err(|error| writer.log.doubt_after(error, connection))?;
            let left = pages::usage(connection).map_err(failed)?;
            let more = left.free_bytes() > KEEP_FREE_BYTES && left.pages < usage.pages;
            if !more {
                writer.log.cut(connection).map_err(failed)?;
            }
            Ok(more)
        })
    }
}

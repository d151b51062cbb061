//! Whether a batch continues what its outbox sent before, is sent again, or comes from a copy of the outbox's file.
//!
//! An outbox draws a new lineage whenever acknowledged transactions have left it, and sends it with every batch. So two
//! batches with overlapping numbers and one lineage are one batch, cut anew perhaps; with two lineages they come from
//! two states of the file of which neither led to the other: it was cloned, or turned back and written on. Within one
//! lineage the first transaction tells the two apart. The order of arrival decides who keeps the name.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tracing::warn;

use crate::sink::{Batch, Digest};
use crate::storage::StorageError;

/// What is kept of an outbox.
struct Known {
    /// Highest sequence number ever taken.
    position: i64,
    /// Of the batch taken last, none when that was before lineages were sent.
    lineage: Option<String>,
    /// First sequence number sent under that lineage.
    first: Option<i64>,
    /// Digest of the transaction with that number.
    digest: Option<Digest>,
}

/// The statements that decide; see the module.
pub(super) struct Lineages<'c> {
    find: CachedStatement<'c>,
    begin: CachedStatement<'c>,
    advance: CachedStatement<'c>,
    record: CachedStatement<'c>,
}

impl<'c> Lineages<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection
                .prepare_cached("SELECT seq, lineage, first, digest FROM positions WHERE outbox = ?1")?,
            begin: connection.prepare_cached(
                "INSERT INTO positions (outbox, seq, lineage, first, digest) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (outbox) DO UPDATE SET seq = max(seq, excluded.seq), lineage = excluded.lineage,
                   first = excluded.first, digest = excluded.digest",
            )?,
            advance: connection
                .prepare_cached("UPDATE positions SET seq = max(seq, ?2) WHERE outbox = ?1")?,
            record: connection.prepare_cached(
                "INSERT INTO setbacks (time, outbox, position, acked) VALUES (?1, ?2, ?3, ?4)",
            )?,
        })
    }

    /// Moves the outbox's position to the end of the batch; false, and nothing is changed, when the batch comes from a
    /// copy.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<bool, StorageError> {
        let header = &batch.header;
        let known = self.find.query_one([&header.outbox], |row| {
            Ok(Known {
                position: row.get(0)?,
                lineage: row.get(1)?,
                first: row.get(2)?,
                digest: row.get(3)?,
            })
        });
        let known = known.optional()?;
        let position = known.as_ref().map_or(0, |known| known.position);
        let lineage = known.as_ref().and_then(|known| known.lineage.as_deref());
        let same = lineage == Some(header.lineage.as_str());
        if let Some(known) = &known
            && header.first_seq <= position
            && is_copy(known, same, batch)
        {
            warn!(
                outbox = header.outbox,
                position,
                first = header.first_seq,
                last = header.last_seq,
                "a copy of an outbox sends under its name; it is told to take another"
            );
            return Ok(false);
        }
        if header.acked > position {
            warn!(
                outbox = header.outbox,
                position,
                acked = header.acked,
                first = header.first_seq,
                "an outbox was acknowledged more than is known here: this data is older than that, or another gateway's"
            );
            self.record
                .execute(params![batch.received, header.outbox, position, header.acked])?;
        }
        if same {
            self.advance.execute(params![header.outbox, header.last_seq])?;
        } else {
            self.begin.execute(params![
                header.outbox,
                header.last_seq,
                header.lineage,
                header.first_seq,
                batch.digest
            ])?;
        }
        Ok(true)
    }
}

/// Of a batch that begins at or below the position.
fn is_copy(known: &Known, same_lineage: bool, batch: &Batch) -> bool {
    if !same_lineage {
        return known.lineage.is_some();
    }
    known.first == Some(batch.header.first_seq) && known.digest.is_some_and(|digest| digest != batch.digest)
}

//! How far each outbox is, and what its device said of itself.

use realm_ingest_protocol::DeviceReport;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use tracing::warn;

use crate::backend::BackendError;
use crate::ingest::Batch;
use crate::ingest::order::{self, Known, Order};
use crate::sink::OutboxKey;

/// Before positions were kept by user the user's place was empty; the first who sends from the outbox takes it over.
const FIND: &str = "SELECT position, lineage, first, digest, user FROM outboxes
    WHERE app IN (?1, '') AND user IN (?2, '') AND outbox = ?3 ORDER BY user DESC LIMIT 1";

/// What is known of an outbox.
pub(super) fn known(connection: &Connection, outbox: &OutboxKey) -> rusqlite::Result<Option<Known>> {
    let mut find = connection.prepare_cached(FIND)?;
    let OutboxKey { app, user, outbox } = outbox;
    find.query_one([app, user, outbox], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        position: row.get(0)?,
        lineage: row.get(1)?,
        first: row.get(2)?,
        digest: row.get(3)?,
    })
}

/// The statements that move positions, within one SQLite transaction.
pub(super) struct Positions<'c> {
    connection: &'c Connection,
    advance: CachedStatement<'c>,
    adopt: CachedStatement<'c>,
}

impl<'c> Positions<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            advance: connection.prepare_cached(
                "INSERT OR REPLACE INTO outboxes
                   (app, user, outbox, position, lineage, first, digest, heard, schema, device)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            adopt: connection
                .prepare_cached("DELETE FROM outboxes WHERE app = '' AND user = '' AND outbox = ?1")?,
        })
    }

    /// What is to be done with the batch.
    pub(super) fn decide(&self, batch: &Batch) -> Result<Order, BackendError> {
        let known = known(self.connection, &OutboxKey::from(&batch.context))?;
        let order = order::decide(known.as_ref(), batch.arrival());
        let source = &batch.context.source;
        let (outbox, position) = (&source.outbox, known.map_or(0, |known| known.position));
        let (first, last) = (batch.first(), batch.last());
        match &order {
            Order::Copied => warn!(
                outbox,
                position, first, last, "a copy of an outbox sends under its name; it is told to take another"
            ),
            Order::Hole { .. } => warn!(
                outbox,
                position,
                first,
                last,
                "what an outbox sent before has not arrived; it is told to go on from there"
            ),
            Order::Take { setback: true, .. } => {
                warn!(
                    outbox,
                    position,
                    acked = source.acked,
                    first,
                    "an outbox was acknowledged more than is known here: this data is older than that, or another \
                     gateway's"
                );
                self.connection
                    .prepare_cached(
                        "INSERT INTO setbacks (time, app, user, outbox, position, acked)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        batch.received,
                        batch.context.app,
                        batch.context.user,
                        outbox,
                        position,
                        source.acked
                    ])?;
            }
            Order::Take { .. } => {}
        }
        Ok(order)
    }

    /// From now on this is known of the batch's outbox.
    pub(super) fn advance(&mut self, batch: &Batch, known: &Known) -> Result<(), BackendError> {
        let context = &batch.context;
        let device = context.source.device.as_ref().map(DeviceReport::to_json);
        self.adopt.execute([&context.source.outbox])?;
        self.advance.execute(params![
            context.app,
            context.user,
            context.source.outbox,
            known.position,
            known.lineage,
            known.first,
            known.digest,
            batch.received,
            batch.transactions.last().map(|last| &**last.schema()),
            device
        ])?;
        Ok(())
    }
}

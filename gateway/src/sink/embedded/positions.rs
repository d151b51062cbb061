//! How far each outbox is, and what its device said of itself.

use realm_ingest_protocol::DeviceReport;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use tracing::warn;

use super::reader::count;
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
                "INSERT INTO outboxes
                   (app, user, outbox, position, lineage, first, digest, schema, setbacks, set_back)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, iif(?9, ?10, NULL))
                 ON CONFLICT (outbox, user, app) DO UPDATE SET position = excluded.position,
                   lineage = excluded.lineage, first = excluded.first, digest = excluded.digest,
                   schema = excluded.schema, setbacks = setbacks + excluded.setbacks,
                   set_back = coalesce(excluded.set_back, set_back)
                 RETURNING setbacks",
            )?,
            adopt: connection
                .prepare_cached("DELETE FROM outboxes WHERE app = '' AND user = '' AND outbox = ?1")?,
        })
    }

    /// What is to be done with the batch.
    pub(super) fn decide(&self, batch: &Batch) -> Result<Order, BackendError> {
        let _within = batch.span.enter();
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
            Order::Take { .. } => {}
        }
        Ok(order)
    }

    /// From now on this is known of the batch's outbox, which was set back or not.
    pub(super) fn advance(
        &mut self,
        batch: &Batch,
        known: &Known,
        setback: bool,
    ) -> Result<(), BackendError> {
        let _within = batch.span.enter();
        let context = &batch.context;
        self.adopt.execute([&context.source.outbox])?;
        heard(self.connection, batch, true)?;
        let values = params![
            context.app,
            context.user,
            context.source.outbox,
            known.position,
            known.lineage,
            known.first,
            known.digest,
            batch.schema(),
            setback,
            batch.received
        ];
        let setbacks: u64 = self.advance.query_one(values, |row| count(row, 0))?;
        // A sender can make up as many as it likes: ever fewer of them are told.
        if setback && setbacks.is_power_of_two() {
            warn!(
                outbox = context.source.outbox,
                acked = context.source.acked,
                first = batch.first(),
                setbacks,
                "an outbox was acknowledged more than is known here: this data is older than that, or another gateway's"
            );
        }
        Ok(())
    }
}

/// Notes that the outbox has sent, and what its device says of itself, whether the batch is taken or not; before the
/// position moves. Unless that is about to happen, a report that was made later stays: this one was long on its way.
pub(super) fn heard(connection: &Connection, batch: &Batch, taken: bool) -> rusqlite::Result<()> {
    let OutboxKey { app, user, outbox } = OutboxKey::from(&batch.context);
    let mut find = connection.prepare_cached(
        "SELECT position, device FROM outboxes WHERE app IN (?1, '') AND user IN (?2, '') AND outbox = ?3",
    )?;
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let before = find.query_one([&app, &user, &outbox], read).optional()?;
    let is_known = before.is_some();
    let (position, kept) = before.unwrap_or_default();
    let kept: Option<DeviceReport> = kept.and_then(|kept| serde_json::from_str(&kept).ok());
    let is_newest = taken && batch.last() > position;
    let is_late =
        |told: &&DeviceReport| kept.as_ref().is_some_and(|kept| kept.clock > told.clock) && !is_newest;
    let told = batch.context.source.device.as_ref();
    let told = told.filter(|told| !is_late(told)).map(DeviceReport::to_json);
    let mut hear = connection.prepare_cached(if is_known {
        "UPDATE outboxes SET heard = ?4, device = coalesce(?5, device)
         WHERE app IN (?1, '') AND user IN (?2, '') AND outbox = ?3"
    } else {
        "INSERT INTO outboxes (app, user, outbox, position, heard, device) VALUES (?1, ?2, ?3, 0, ?4, ?5)"
    })?;
    hear.execute(params![app, user, outbox, batch.received, told])?;
    Ok(())
}

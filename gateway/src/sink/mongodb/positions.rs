//! How far each outbox is, and what its device said of itself: a record of `outboxes` each. What moves a position names what it
//! was moved from, so of two gateways one does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database};
use realm_ingest_protocol::DeviceReport;
use tracing::warn;

use super::copying::CopiedOutbox;
use super::moves::{Moved, Moves};
use super::request::{answered, collection, inserted};
use crate::backend::BackendError;
use crate::ingest::Batch;
use crate::ingest::order::{Digest, Known};
use crate::sink::OutboxKey;

/// Outboxes of which is remembered what is known: a few megabytes. Beyond that all are forgotten, and read again.
const REMEMBERED: usize = 20_000;

/// See the module. Any thread may use it.
pub(super) struct Positions {
    outboxes: Collection<Document>,
    moves: Moves,
    /// What was known when it was last read or moved here. Another gateway may have moved it since: then moving it fails.
    remembered: Mutex<HashMap<OutboxKey, Known>>,
}

impl Positions {
    pub(super) fn new(database: &Database) -> Self {
        let outboxes = collection(database, "outboxes");
        Self {
            moves: Moves::of(database, &outboxes),
            outboxes,
            remembered: Mutex::default(),
        }
    }

    /// What is known of an outbox; unless it has to be `fresh`, what is remembered of it.
    pub(super) async fn known(&self, outbox: &OutboxKey, fresh: bool) -> Result<Option<Known>, BackendError> {
        if !fresh && let Some(known) = self.remembered().get(outbox) {
            return Ok(Some(known.clone()));
        }
        let record = answered(self.outboxes.find_one(doc! {"_id": id(outbox)})).await?;
        let known = record.map(|record| read(&record)).transpose()?;
        self.remember(outbox, known.clone());
        Ok(known)
    }

    /// Moves what is known of the outbox of a batch; false when it is not `before` any more.
    pub(super) async fn advance(
        &self,
        batch: &Batch,
        before: Option<&Known>,
        after: &Known,
        setback: bool,
    ) -> Result<bool, BackendError> {
        let outbox = OutboxKey::from(&batch.context);
        // Whether it happens is not known until it is answered.
        self.remember(&outbox, None);
        let told = batch.context.source.device.as_ref();
        let is_newest = before.is_none_or(|before| batch.last() > before.position);
        let mut set = write(after);
        set.insert("heard", DateTime::from_millis(batch.received));
        if let Some(schema) = batch.schema() {
            set.insert("schema", schema);
        }
        if setback {
            set.insert("set_back", DateTime::from_millis(batch.received));
        }
        if is_newest && let Some(told) = told {
            set.extend(report(told));
        }
        let moved = match before {
            None => {
                let mut record = doc! {"_id": id(&outbox), "setbacks": i64::from(setback)};
                record.extend(set);
                inserted(self.outboxes.insert_one(record))
                    .await?
                    .then_some(i64::from(setback))
            }
            Some(before) if setback => self.set_back(&outbox, before, set).await?,
            Some(before) => self.update(&outbox, before, after, set).await?.then_some(0),
        };
        let Some(setbacks) = moved else {
            return Ok(false);
        };
        self.remember(&outbox, Some(after.clone()));
        if !is_newest && let Some(told) = told {
            self.tell(&outbox, told).await?;
        }
        // A sender can make up as many as it likes: ever fewer of them are told.
        if setback && setbacks.cast_unsigned().is_power_of_two() {
            warn!(
                outbox = outbox.outbox,
                acked = batch.context.source.acked,
                first = batch.first(),
                setbacks,
                "an outbox was acknowledged more than is known here: this data is older than that, or another gateway's"
            );
        }
        Ok(true)
    }

    /// The answer is how often it was set back, if it was still `before`.
    async fn set_back(
        &self,
        outbox: &OutboxKey,
        before: &Known,
        set: Document,
    ) -> Result<Option<i64>, BackendError> {
        let update = doc! {"$set": set, "$inc": {"setbacks": 1_i64}};
        let update = self
            .outboxes
            .find_one_and_update(as_known(outbox, before), update);
        let record = answered(update.return_document(ReturnDocument::After)).await?;
        Ok(record.map(|record| record.get_i64("setbacks").unwrap_or_default()))
    }

    /// Whether it was still `before`. One that others had moved to `after` meanwhile has taken the same.
    async fn update(
        &self,
        outbox: &OutboxKey,
        before: &Known,
        after: &Known,
        set: Document,
    ) -> Result<bool, BackendError> {
        match self.moves.make(as_known(outbox, before), set).await? {
            Moved::Yes => Ok(true),
            Moved::No => Ok(false),
            Moved::Unclear => Ok(self.known(outbox, true).await?.as_ref() == Some(after)),
        }
    }

    /// Notes that an outbox has sent a batch that is not taken, and what its device says of itself.
    pub(super) async fn heard(&self, batch: &Batch) -> Result<(), BackendError> {
        let outbox = OutboxKey::from(&batch.context);
        let heard = DateTime::from_millis(batch.received);
        let update = doc! {"$set": {"heard": heard}, "$setOnInsert": {"position": 0_i64, "setbacks": 0_i64}};
        let update = self.outboxes.update_one(doc! {"_id": id(&outbox)}, update);
        inserted(update.upsert(true)).await?;
        match &batch.context.source.device {
            Some(told) => self.tell(&outbox, told).await,
            None => Ok(()),
        }
    }

    /// Keeps what a device says of itself, unless a report that was made later is kept: this one was long on its way.
    async fn tell(&self, outbox: &OutboxKey, told: &DeviceReport) -> Result<(), BackendError> {
        let earlier = [doc! {"clock": Bson::Null}, doc! {"clock": {"$lte": told.clock}}];
        let filter = doc! {"_id": id(outbox), "$or": earlier.to_vec()};
        answered(self.outboxes.update_one(filter, doc! {"$set": report(told)})).await?;
        Ok(())
    }

    fn remember(&self, outbox: &OutboxKey, known: Option<Known>) {
        let mut remembered = self.remembered();
        match known {
            None => {
                remembered.remove(outbox);
            }
            Some(known) => {
                if remembered.len() >= REMEMBERED && !remembered.contains_key(outbox) {
                    remembered.clear();
                }
                remembered.insert(outbox.clone(), known);
            }
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<OutboxKey, Known>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `_id` of the record of an outbox.
pub(super) fn id(outbox: &OutboxKey) -> Document {
    let OutboxKey { app, user, outbox } = outbox;
    doc! {"app": app, "user": user, "outbox": outbox}
}

/// The record of an outbox that comes from another sink.
pub(super) fn copied(outbox: &OutboxKey, copied: &CopiedOutbox) -> Document {
    let mut record = doc! {"_id": id(outbox), "setbacks": copied.setbacks};
    record.extend(write(&copied.known));
    for (field, time) in [("heard", copied.heard), ("set_back", copied.set_back)] {
        if let Some(time) = time {
            record.insert(field, DateTime::from_millis(time));
        }
    }
    if let Some(schema) = &copied.schema {
        record.insert("schema", schema);
    }
    if let Some(told) = &copied.device {
        record.extend(report(told));
    }
    record
}

/// The record of an outbox of which this is known.
fn as_known(outbox: &OutboxKey, known: &Known) -> Document {
    let mut filter = doc! {"_id": id(outbox)};
    filter.extend(write(known));
    filter
}

fn report(told: &DeviceReport) -> Document {
    doc! {"device": told.to_json(), "clock": told.clock}
}

/// What is known as it is stored, and as it is looked for: no value and null are the same.
fn write(known: &Known) -> Document {
    let digest = known.digest.map(|digest| Binary {
        subtype: BinarySubtype::Generic,
        bytes: digest.to_vec(),
    });
    doc! {
        "position": known.position,
        "lineage": known.lineage.as_deref(),
        "first": known.first,
        "digest": digest,
    }
}

fn read(record: &Document) -> Result<Known, BackendError> {
    let damaged = |field| {
        let text = format!("the record of an outbox in MongoDB has a field '{field}' that cannot be read");
        BackendError::Damaged(text)
    };
    let digest = match record.get("digest") {
        Some(Bson::Binary(digest)) => {
            let digest = Digest::try_from(&digest.bytes[..]).map_err(|_| damaged("digest"))?;
            Some(digest)
        }
        _ => None,
    };
    Ok(Known {
        position: record.get_i64("position").map_err(|_| damaged("position"))?,
        lineage: record.get_str("lineage").ok().map(str::to_owned),
        first: record.get_i64("first").ok(),
        digest,
    })
}

//! Documents, dead letters and positions that come from another sink.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, doc};
use realm_ingest_protocol::DeviceReport;

use super::DataSources;
use super::compare;
use super::counts;
use super::documents;
use super::letters::{self, Kept};
use super::lines::Lines;
use super::positions;
use super::request::{answered, collection};
use super::time_series;
use crate::backend::BackendError;
use crate::definition::Definition;
use crate::ingest::order::Known;
use crate::ingest::{Place, Refusals};
use crate::sink::DeadLetter;
use crate::sink::OutboxKey;
use crate::sink::same::same;

/// The collections that records of the sink are in.
pub(crate) const OUTBOXES: &str = "outboxes";
pub(crate) const LETTERS: &str = letters::LETTERS;
pub(crate) const PARTS: &str = letters::PARTS;
pub(crate) const COUNTS: &str = "letter_counts";

/// Documents on their way to where the app has them. Any thread may use it.
#[derive(Clone)]
pub(crate) struct Documents {
    lines: Arc<Lines>,
    definition: Arc<Definition>,
}

/// What another sink knows of an outbox.
pub(crate) struct CopiedOutbox {
    pub(crate) known: Known,
    pub(crate) heard: Option<i64>,
    pub(crate) schema: Option<String>,
    pub(crate) device: Option<DeviceReport>,
    pub(crate) setbacks: i64,
    pub(crate) set_back: Option<i64>,
}

impl Documents {
    pub(crate) fn new(sources: DataSources, definition: Arc<Definition>) -> Self {
        Self {
            lines: Arc::new(Lines::new(sources)),
            definition,
        }
    }

    /// Stores documents. Those that are stored already are that; those that the database does not take are added to `found`.
    pub(crate) async fn store(
        &self,
        documents: &[Place<'_>],
        found: &mut Refusals,
    ) -> Result<(), BackendError> {
        documents::store_all(&self.lines, &self.definition, documents.iter().copied(), found).await
    }

    /// What the database has under the `_id` of each of the documents, which are of one class.
    pub(crate) async fn read_back(
        &self,
        class: &str,
        documents: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, BackendError> {
        let line = self.lines.of(&self.definition.destination(class));
        let stored = collection::<RawDocumentBuf>(&line.database, &line.collection);
        let ids = documents.iter().filter_map(|document| compare::id_of(document));
        let filter = doc! {"_id": {"$in": ids.collect::<Vec<_>>()}};
        let mut cursor = answered(stored.find(filter)).await?;
        let mut found = HashMap::new();
        while answered(cursor.advance()).await? {
            let stored = cursor.current().as_bytes();
            let same_id: &mut Vec<_> = found.entry(compare::key(stored)).or_default();
            same_id.push(stored.to_vec());
        }
        // Where several have one `_id`, the document is among them or none is its.
        let of = |document: &&[u8]| {
            let same_id = found.get(&compare::key(document))?;
            let same = same_id
                .iter()
                .find(|stored| self.is_same(class, document, stored));
            same.or_else(|| same_id.first()).cloned()
        };
        Ok(documents.iter().map(of).collect())
    }

    /// Whether a document was stored as it was sent.
    pub(crate) fn is_same(&self, class: &str, sent: &[u8], stored: &[u8]) -> bool {
        if self.definition.destination(class).has_unique_ids() {
            same(sent, stored)
        } else {
            time_series::same(sent, stored)
        }
    }
}

/// The record of an outbox.
pub(crate) fn outbox(outbox: &OutboxKey, copied: &CopiedOutbox) -> Document {
    positions::copied(outbox, copied)
}

/// The record of a dead letter of this app, and the parts of its document if that is large. `index` is where its document was in
/// the transaction.
pub(crate) fn letter(app: &str, letter: &DeadLetter, index: u32) -> (Document, Vec<Document>) {
    let mut place = positions::id(&OutboxKey {
        app: app.to_owned(),
        user: letter.user.clone(),
        outbox: letter.outbox.clone(),
    });
    place.insert("seq", letter.seq);
    place.insert("index", i64::from(index));
    let digest = letters::digest_of(&letter.collection, &letter.document);
    let kept = Kept {
        class: &letter.collection,
        code: &letter.code,
        reason: &letter.reason,
        time: letter.time,
        schema: letter.schema.as_deref(),
        document: &letter.document,
    };
    let parts = letters::parts(&place, &digest, &letter.document).collect();
    (kept.record(place, &digest), parts)
}

/// The record of how many dead letters a user has, or everybody under the empty name.
pub(crate) fn letter_count(app: &str, user: &str, letters: i64, bytes: i64) -> Document {
    doc! {"_id": counts::id(app, user), "letters": letters, "bytes": bytes}
}

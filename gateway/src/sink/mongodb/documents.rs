//! Stores the documents of a batch, each in the collection of its class.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::{RawDocumentBuf, doc};
use mongodb::Collection;

use super::compare::{self, Identity, Stored};
use super::errors::{self, Fault, Unique};
use super::insert::{self, Inserted};
use super::intents::Intent;
use super::lines::{Answered, Line, Lines};
use super::request::{answered, collection, local};
use super::time_series;
use crate::backend::BackendError;
use crate::definition::{Definition, Destination, TimeSeries};
use crate::ingest::{Batch, Place, Refusals};

/// The documents of one class. Of two with one `_id` the first is to stand, so the next request is made once the one before it is
/// answered; those of different classes wait for nothing of each other.
struct Class<'b> {
    line: Arc<Line>,
    /// Set where nothing keeps the database from taking a document twice.
    time_series: Option<&'b TimeSeries>,
    sent: Option<Sent<'b>>,
    /// Those that go next, in one request.
    next: Vec<Place<'b>>,
    bytes: usize,
}

/// Documents on their way.
struct Sent<'b> {
    places: Vec<Place<'b>>,
    answer: Answered,
}

/// Documents that have an `_id`, or another unique value, of one that is there.
type Duplicates<'b> = Vec<(Place<'b>, Unique)>;

/// Stores the documents of a batch, under an intent if they [may double](may_double). The answer is those that the database does not
/// take.
pub(super) async fn store(
    lines: &Lines,
    batch: &Batch,
    intent: Option<&Intent>,
) -> Result<Refusals, BackendError> {
    let mut found = batch.none_found();
    store_under(lines, &batch.definition, batch.documents(), intent, &mut found).await?;
    Ok(found)
}

/// The same with documents that come from anywhere.
pub(super) async fn store_all<'b>(
    lines: &Lines,
    definition: &'b Definition,
    documents: impl Iterator<Item = Place<'b>>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    store_under(lines, definition, documents, None, found).await
}

async fn store_under<'b>(
    lines: &Lines,
    definition: &'b Definition,
    documents: impl Iterator<Item = Place<'b>>,
    intent: Option<&Intent>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
    for place in documents {
        let class = classes.entry(place.class).or_insert_with(|| {
            let destination = definition.destination(place.class);
            Class::new(lines.of(&destination), destination)
        });
        if !class.has_room(&place) {
            class.send(intent, found).await?;
        }
        class.bytes += place.document.len();
        class.next.push(place);
    }
    for class in classes.values_mut() {
        class.send(intent, found).await?;
    }
    for class in classes.values_mut() {
        class.settle(found).await?;
    }
    found.sort();
    Ok(())
}

/// Whether a batch has documents for collections that may take one twice.
pub(super) fn may_double(batch: &Batch) -> bool {
    let all = batch
        .definition
        .synced()
        .map_or(&[][..], |source| &source.collections);
    // Where there is none, documents are not walked through.
    all.iter().any(|one| one.time_series.is_some())
        && batch
            .documents()
            .any(|place| !batch.definition.destination(place.class).has_unique_ids())
}

impl<'b> Class<'b> {
    const fn new(line: Arc<Line>, destination: Destination<'b>) -> Self {
        Self {
            line,
            time_series: destination.time_series,
            sent: None,
            next: Vec::new(),
            bytes: 0,
        }
    }

    const fn has_room(&self, place: &Place<'_>) -> bool {
        insert::has_room(self.next.len(), self.bytes, 1, place.document.len())
    }

    /// Sends what goes next.
    async fn send(&mut self, intent: Option<&Intent>, found: &mut Refusals) -> Result<(), BackendError> {
        self.settle(found).await?;
        let places = std::mem::take(&mut self.next);
        self.bytes = 0;
        if let Some(options) = self.time_series {
            return time_series::store(&self.line, options, &places, intent, found).await;
        }
        let answer = self.line.join(&places).await?;
        self.sent = Some(Sent { places, answer });
        Ok(())
    }

    /// Waits until what was sent is stored.
    async fn settle(&mut self, found: &mut Refusals) -> Result<(), BackendError> {
        let Some(Sent { places, answer }) = self.sent.take() else {
            return Ok(());
        };
        match answer.await.map_err(|_| BackendError::Closed)?? {
            Inserted::Except(faults) => settle_faults(&self.line, &places, faults, found).await,
            Inserted::None => settle_apart(&self.line, &places, None, found).await,
        }
    }
}

/// Stores documents of which one, or one that went with them, makes the database refuse all; each request only while the intent lasts.
pub(super) async fn settle_apart(
    line: &Line,
    places: &[Place<'_>],
    intent: Option<&Intent>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let mut waiting = vec![places];
    while let Some(places) = waiting.pop() {
        match line.alone(places, intent).await? {
            Inserted::Except(faults) => settle_faults(line, places, faults, found).await?,
            // Which of them it is shows when they go apart.
            Inserted::None => {
                let (first, second) = places.split_at(places.len() / 2);
                waiting.extend([second, first]);
            }
        }
    }
    Ok(())
}

async fn settle_faults(
    line: &Line,
    places: &[Place<'_>],
    faults: Vec<(usize, Fault)>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let mut duplicates = Vec::new();
    let mut unknown = None;
    for (index, fault) in faults {
        let Some(place) = places.get(index) else {
            let text = "MongoDB has reported a write error of a document that was not sent";
            return Err(BackendError::Unavailable(text.to_owned()));
        };
        match fault {
            Fault::Duplicate(index) => duplicates.push((*place, index)),
            Fault::Refused(violation) => found.push(place.seq, place.index, violation)?,
            Fault::Unknown(code) => unknown = Some(code),
        }
    }
    if let Some(code) = unknown {
        return Err(errors::not_stored(&line.collection, code));
    }
    settle_duplicates(line, duplicates, found).await
}

/// A duplicate that is stored as it was sent is stored; another one is refused.
async fn settle_duplicates(
    line: &Line,
    duplicates: Duplicates<'_>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let by_majority = collection(&line.database, &line.collection);
    let absent = taken(&by_majority, duplicates, found).await?;
    if absent.is_empty() {
        return Ok(());
    }
    // Either nothing has its `_id`, or a majority does not have that yet.
    let on_primary = local(&line.database, &line.collection);
    let places: Vec<_> = absent.iter().map(|(place, _)| *place).collect();
    let stored = compare::stored(&on_primary, &places, &doc! {}, Identity::BY_ID).await?;
    for ((place, index), stored) in absent.into_iter().zip(stored) {
        match (stored, index) {
            (Stored::Nothing, Unique::Id) => {
                // The collection may take for one `_id` what is two elsewhere, as its collation says.
                let id = compare::id_of(place.document);
                let similar = by_majority.find_one(doc! {"_id": id});
                if answered(similar).await?.is_none() {
                    return Err(unsettled());
                }
                found.push_taken(&place)?;
            }
            (Stored::Nothing, index) => found.push(place.seq, place.index, errors::not_unique(&index))?,
            (Stored::Same | Stored::Other, _) => return Err(unsettled()),
        }
    }
    Ok(())
}

/// Refuses those whose `_id` another document has; gives back those whose `_id` nothing has.
async fn taken<'b>(
    collection: &Collection<RawDocumentBuf>,
    duplicates: Duplicates<'b>,
    found: &mut Refusals,
) -> Result<Duplicates<'b>, BackendError> {
    let places: Vec<_> = duplicates.iter().map(|(place, _)| *place).collect();
    let stored = compare::stored(collection, &places, &doc! {}, Identity::BY_ID).await?;
    let mut absent = Vec::new();
    for (duplicate, stored) in duplicates.into_iter().zip(stored) {
        match stored {
            Stored::Same => found.count_equal(),
            Stored::Other => found.push_taken(&duplicate.0)?,
            Stored::Nothing => absent.push(duplicate),
        }
    }
    Ok(absent)
}

fn unsettled() -> BackendError {
    let text = "a document with the _id of one that was sent is being written or deleted in MongoDB, or a majority does not have it yet";
    BackendError::Unavailable(text.to_owned())
}

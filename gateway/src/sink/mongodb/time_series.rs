//! Stores documents in time-series collections. They have no unique `_id`, so what is stored already is looked up first, by `_id`
//! and the time of the documents: there, and only there, a document is told by both. An [intent](super::intents) keeps requests of
//! one outbox apart. Of two outboxes that bring the same document at the same moment, both may store it.

use std::collections::HashMap;

use bson::{DateTime, Document, RawDocument, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{TimeseriesGranularity, TimeseriesOptions};
use realm_ingest_protocol::{Document as Sound, Value};

use super::compare::{self, Equality, Stored};
use super::documents::settle_apart;
use super::lines::Line;
use super::request::{answered, collection, local};
use crate::backend::BackendError;
use crate::definition::{Granularity, TimeSeries};
use crate::ingest::{Place, Refusals};

/// The collection is there.
const NAMESPACE_EXISTS: i32 = 48;

/// Makes the collection of a line, unless it is there.
async fn create(line: &Line, options: &TimeSeries) -> Result<(), BackendError> {
    let granularity = options.granularity.map(|granularity| match granularity {
        Granularity::Seconds => TimeseriesGranularity::Seconds,
        Granularity::Minutes => TimeseriesGranularity::Minutes,
        Granularity::Hours => TimeseriesGranularity::Hours,
    });
    let series = TimeseriesOptions::builder()
        .time_field(options.time_field.clone())
        .meta_field(options.meta_field.clone())
        .granularity(granularity)
        .build();
    let mut create = line
        .database
        .create_collection(&line.collection)
        .timeseries(series);
    if let Some(seconds) = options.expire_after_seconds {
        create = create.expire_after_seconds(std::time::Duration::from_secs(seconds));
    }
    let created = answered(async {
        match create.await {
            Err(error) if matches!(&*error.kind, ErrorKind::Command(error) if error.code == NAMESPACE_EXISTS) => {
                Ok(())
            }
            created => created,
        }
    });
    created.await
}

/// Stores documents of one class, after those before them are stored.
pub(super) async fn store(
    line: &Line,
    options: &TimeSeries,
    places: &[Place<'_>],
    found: &mut Refusals,
) -> Result<(), BackendError> {
    line.made.get_or_try_init(|| create(line, options)).await?;
    let mut first: HashMap<Vec<u8>, &Place<'_>> = HashMap::new();
    let mut distinct = Vec::new();
    for place in places {
        match first.get(&compare::key(place.document)) {
            None => {
                first.insert(compare::key(place.document), place);
                distinct.push(*place);
            }
            Some(first) if same(first.document, place.document) => {}
            Some(_) => found.push_taken(place)?,
        }
    }
    let within = bounds(&options.time_field, &distinct);
    let on_primary = local(&line.database, &line.collection);
    let there = compare::stored(&on_primary, &distinct, &within, Equality(same)).await?;
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for (place, stored) in distinct.into_iter().zip(there) {
        match stored {
            Stored::Nothing => new.push(place),
            Stored::Same => known.push(place),
            Stored::Other => found.push_taken(&place)?,
        }
    }
    if !known.is_empty() {
        let by_majority = collection(&line.database, &line.collection);
        let there = compare::stored(&by_majority, &known, &within, Equality(same)).await?;
        if there.contains(&Stored::Nothing) {
            let text = "a majority of MongoDB does not have a document yet that is there";
            return Err(BackendError::Unavailable(text.to_owned()));
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    settle_apart(line, &new, found).await
}

/// The filter by the time of the documents.
fn bounds(time_field: &str, places: &[Place<'_>]) -> Document {
    let time = |place: &Place<'_>| {
        let document = RawDocument::from_bytes(place.document).ok()?;
        document
            .get_datetime(time_field)
            .ok()
            .map(DateTime::timestamp_millis)
    };
    let times = || places.iter().filter_map(time);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) => {
            let (first, last) = (DateTime::from_millis(first), DateTime::from_millis(last));
            doc! {time_field: {"$gte": first, "$lte": last}}
        }
        // Without a time the database takes none of them.
        _ => doc! {},
    }
}

/// Whether a document was stored as it was sent: to the bit, but that a time-series collection keeps fields in an order of its
/// own.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || same_document(Sound::assume_valid(one), Sound::assume_valid(other))
}

fn same_document(one: Sound<'_>, other: Sound<'_>) -> bool {
    let fields = |document: Sound<'_>| document.fields().count();
    let has = |field: realm_ingest_protocol::document::Field<'_>| {
        other.field(field.key).is_some_and(|found| {
            found.kind == field.kind
                && match (field.value, found.value) {
                    (Value::Document(one), Value::Document(other)) => same_document(one, other),
                    _ => field.raw == found.raw,
                }
        })
    };
    fields(one) == fields(other) && one.fields().all(has)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::Bson;

    use super::*;

    fn are_same(one: Document, other: Document) -> bool {
        same(&one.to_vec().unwrap(), &other.to_vec().unwrap())
    }

    #[test]
    fn a_measurement_is_the_same_whatever_the_order_of_its_fields() {
        let sent = doc! {"_id": 1, "at": 5, "meta": {"a": 1, "b": [1, 2]}};
        assert!(are_same(
            sent.clone(),
            doc! {"at": 5, "meta": {"b": [1, 2], "a": 1}, "_id": 1}
        ));
        for other in [
            doc! {"_id": 1, "at": 5, "meta": {"a": 1, "b": [2, 1]}},
            doc! {"_id": 1, "at": 5, "meta": {"a": 1_i64, "b": [1, 2]}},
            doc! {"_id": 1, "at": 5, "meta": {"a": 1, "b": [1, 2]}, "more": Bson::Null},
            doc! {"_id": 1, "at": 5, "other": {"a": 1, "b": [1, 2]}},
        ] {
            assert!(!are_same(sent.clone(), other));
        }
    }
}

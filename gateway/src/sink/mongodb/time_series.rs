//! Stores documents in time-series collections. They have no unique `_id`, so what is stored already is looked up first, by `_id`
//! and the time of the documents: there, and only there, a document is told by both. An [intent](super::intents) keeps requests of
//! one outbox apart. Of two outboxes that bring the same document at the same moment, both may store it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use bson::{DateTime, Document, RawDocument, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{TimeseriesGranularity, TimeseriesOptions};
use realm_ingest_protocol::{Document as Sound, Value};

use super::compare::{self, Identity, Stored};
use super::documents::settle_apart;
use super::intents::Intent;
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

/// Stores documents of one class, after those before them are stored, while the intent lasts.
pub(super) async fn store(
    line: &Line,
    options: &TimeSeries,
    places: &[Place<'_>],
    intent: Option<&Intent>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    line.made.get_or_try_init(|| create(line, options)).await?;
    let identity = identity(&options.time_field);
    let distinct = distinct(identity, places, found)?;
    let within = bounds(&options.time_field, &distinct);
    let on_primary = local(&line.database, &line.collection);
    let there = compare::stored(&on_primary, &distinct, &within, identity).await?;
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for (place, stored) in distinct.into_iter().zip(there) {
        match stored {
            Stored::Nothing => new.push(place),
            Stored::Same => {
                known.push(place);
                found.count_equal();
            }
            Stored::Other => found.push_taken(&place)?,
        }
    }
    if !known.is_empty() {
        let by_majority = collection(&line.database, &line.collection);
        let there = compare::stored(&by_majority, &known, &within, identity).await?;
        if there.contains(&Stored::Nothing) {
            let text = "a majority of MongoDB does not have a document yet that is there";
            return Err(BackendError::Unavailable(text.to_owned()));
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    settle_apart(line, &new, intent, found).await
}

/// What a document is told by.
const fn identity(time_field: &str) -> Identity<'_> {
    Identity {
        time_field: Some(time_field),
        same,
    }
}

/// The documents without those that are told by the same as one before them.
fn distinct<'b>(
    identity: Identity<'_>,
    places: &[Place<'b>],
    found: &mut Refusals,
) -> Result<Vec<Place<'b>>, BackendError> {
    let mut first: HashMap<Vec<u8>, &Place<'_>> = HashMap::new();
    let mut distinct = Vec::new();
    for place in places {
        match first.entry(identity.key(place.document)) {
            Entry::Vacant(entry) => {
                entry.insert(place);
                distinct.push(*place);
            }
            Entry::Occupied(first) if same(first.get().document, place.document) => found.count_equal(),
            Entry::Occupied(_) => found.push_taken(place)?,
        }
    }
    Ok(distinct)
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
    let hasher = RandomState::new();
    let digest = |bytes| digest(Sound::assume_valid(bytes), &hasher);
    one == other || digest(one) == digest(other)
}

/// What tells a document from all that have other fields, in whatever order: 128 bits under a secret key. A dictionary can have a
/// million entries, so none is looked for.
fn digest(document: Sound<'_>, hasher: &RandomState) -> [u64; 2] {
    let mut sum = [0_u64; 2];
    for field in document.fields() {
        let inner = match field.value {
            Value::Document(inner) => Ok(digest(inner, hasher)),
            _ => Err(field.raw),
        };
        for (half, sum) in sum.iter_mut().enumerate() {
            let hash = hasher.hash_one((half, field.key, field.kind, inner));
            *sum = sum.wrapping_add(hash);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use bson::Bson;
    use realm_ingest_protocol::RefusalCode;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::memory::Budget;

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

    #[test]
    fn fields_of_one_name_are_each_compared() {
        // As a device can send a dictionary.
        let of = |second: u8| {
            let inner = [
                &[19, 0, 0, 0][..],
                b"\x10a\0",
                &[1, 0, 0, 0],
                b"\x10a\0",
                &[second, 0, 0, 0],
                &[0],
            ];
            let inner = inner.concat();
            let length = u8::try_from(inner.len() + 8).unwrap();
            [&[length, 0, 0, 0][..], b"\x03d\0", &inner, &[0]].concat()
        };
        for bytes in [of(1), of(2)] {
            let limits = realm_ingest_protocol::Limits::default();
            Sound::validate(&bytes, &limits).unwrap();
        }
        assert!(!same(&of(1), &of(2)) && !same(&of(2), &of(1)));
    }

    #[test]
    fn entries_of_a_large_dictionary_are_not_looked_for_one_by_one() {
        // To look for each of them takes minutes.
        let entries = 0..200_000;
        let of = |entries: &mut dyn Iterator<Item = i32>| {
            let dictionary: Document = entries.map(|entry| (format!("{entry}"), Bson::Null)).collect();
            doc! {"_id": 1, "dictionary": dictionary}
        };
        let sent = of(&mut entries.clone());
        assert!(are_same(sent, of(&mut entries.rev())));
    }

    #[test]
    fn a_measurement_is_told_by_its_id_and_time() {
        let of = |at: i64, value: i32| {
            let document = doc! {"_id": 1, "at": DateTime::from_millis(at), "value": value};
            document.to_vec().unwrap()
        };
        let sent = [of(10, 1), of(20, 2), of(10, 1), of(20, 3)];
        let places: Vec<_> = (0..)
            .zip(&sent)
            .map(|(index, document)| Place {
                seq: 1,
                index,
                class: "Reading",
                document,
            })
            .collect();
        let mut found = Refusals::new(Budget::new(Arc::new(Semaphore::new(1 << 20))));
        let identity = identity("at");
        let distinct = distinct(identity, &places, &mut found).unwrap();
        let distinct: Vec<_> = distinct.iter().map(|place| place.index).collect();
        assert_eq!((distinct, found.equal()), (vec![0, 1], 1));
        let refused = found.as_slice().iter().map(|one| (one.index, one.code));
        assert_eq!(refused.collect::<Vec<_>>(), [(3, RefusalCode::DuplicateId)]);
    }
}

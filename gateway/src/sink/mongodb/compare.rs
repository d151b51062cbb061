//! What is stored under the `_id` of a document that the database did not take as another one has it.

use std::collections::HashMap;

use bson::{Bson, RawDocument, RawDocumentBuf, doc};
use mongodb::Collection;
use realm_ingest_protocol::Document;

use super::request::answered;
use crate::backend::BackendError;
use crate::comparison::Number;
use crate::ingest::{Place, id};
use crate::sink::same::same;

/// `_id`s that are looked up at once.
const MAX_IDS: usize = 1_000;

/// Bytes of documents whose `_id`s are looked up at once: no `_id` is longer than its document.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What has the `_id` of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// The document itself.
    Same,
    /// Another one.
    Other,
    /// Nothing.
    Nothing,
}

/// What a document is told by in its collection, and when it was stored as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Identity<'i> {
    /// The field that tells it beside `_id`.
    pub(super) time_field: Option<&'i str>,
    /// Whether the first was stored as the second.
    pub(super) same: fn(&[u8], &[u8]) -> bool,
}

/// Documents that are looked for, by their keys. Several can have one, in different transactions.
struct Wanted<'w, 'p> {
    identity: Identity<'w>,
    places: HashMap<Vec<u8>, Vec<(&'w Place<'p>, &'w mut Stored)>>,
}

impl Identity<'_> {
    /// Where a document is told by its `_id`.
    pub(super) const BY_ID: Self = Self {
        time_field: None,
        same,
    };

    /// Two documents with one key are told apart by nothing but the rest of them.
    pub(super) fn key(self, document: &[u8]) -> Vec<u8> {
        let mut bytes = key(document);
        let time = self
            .time_field
            .map(|name| Document::assume_valid(document).field(name));
        if let Some(time) = time.flatten() {
            bytes.extend_from_slice(time.raw);
        }
        bytes
    }
}

impl<'w, 'p> Wanted<'w, 'p> {
    fn new(identity: Identity<'w>, places: &'w [Place<'p>], found: &'w mut [Stored]) -> Self {
        let mut wanted: HashMap<_, Vec<_>> = HashMap::new();
        for (place, found) in places.iter().zip(found) {
            let same_key = wanted.entry(identity.key(place.document)).or_default();
            same_key.push((place, found));
        }
        Self {
            identity,
            places: wanted,
        }
    }

    /// Notes that this is stored. Several can be, under one `_id` on different shards: one that is the same makes it stored, in
    /// whatever order they come.
    fn note(&mut self, stored: &[u8]) {
        let places = self.places.get_mut(&self.identity.key(stored));
        for (place, found) in places.into_iter().flatten() {
            if (self.identity.same)(place.document, stored) {
                **found = Stored::Same;
            } else if **found == Stored::Nothing {
                **found = Stored::Other;
            }
        }
    }
}

/// What is stored of each of the documents, among what else fulfils a condition.
pub(super) async fn stored(
    collection: &Collection<RawDocumentBuf>,
    places: &[Place<'_>],
    condition: &bson::Document,
    identity: Identity<'_>,
) -> Result<Vec<Stored>, BackendError> {
    let mut found = vec![Stored::Nothing; places.len()];
    let mut rest = (places, &mut found[..]);
    while !rest.0.is_empty() {
        let mut bytes = 0;
        let fits = |place: &&Place<'_>| {
            bytes += place.document.len();
            bytes <= MAX_BYTES
        };
        let count = rest.0.iter().take(MAX_IDS).take_while(fits).count().max(1);
        let (places, later) = rest.0.split_at(count);
        let (found, unknown) = rest.1.split_at_mut(count);
        look_up(collection, places, found, condition, identity).await?;
        rest = (later, unknown);
    }
    Ok(found)
}

async fn look_up(
    collection: &Collection<RawDocumentBuf>,
    places: &[Place<'_>],
    found: &mut [Stored],
    condition: &bson::Document,
    identity: Identity<'_>,
) -> Result<(), BackendError> {
    let mut wanted = Wanted::new(identity, places, found);
    let ids: Vec<_> = places.iter().filter_map(|place| id_of(place.document)).collect();
    let mut filter = doc! {"_id": {"$in": ids}};
    filter.extend(condition.clone());
    let mut cursor = answered(collection.find(filter)).await?;
    while answered(cursor.advance()).await? {
        wanted.note(cursor.current().as_bytes());
    }
    Ok(())
}

/// The `_id` of a sound document.
pub(super) fn id_of(document: &[u8]) -> Option<Bson> {
    let id = RawDocument::from_bytes(document).ok()?.get("_id").ok()??;
    Bson::try_from(id).ok()
}

/// What the database takes for the same `_id` is the same here: a number whatever its type.
pub(super) fn key(document: &[u8]) -> Vec<u8> {
    let value = Document::assume_valid(document).get("_id");
    let integer = value.and_then(Number::of).and_then(Number::to_int);
    let key = integer.map(id::Key::Int).or_else(|| id::key(document));
    let mut bytes = Vec::new();
    if let Some(key) = key {
        key.write(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_is_stored_beside_another_with_its_id_is_stored_in_whatever_order_they_are_found() {
        let of = |station: i32| doc! {"_id": 1, "station": station}.to_vec().unwrap();
        let sent = of(2);
        let place = Place {
            seq: 1,
            index: 0,
            class: "Reading",
            document: &sent,
        };
        for (order, wanted) in [
            (&[1, 2, 3][..], Stored::Same),
            (&[2, 1], Stored::Same),
            (&[1, 3], Stored::Other),
            (&[], Stored::Nothing),
        ] {
            let mut found = [Stored::Nothing];
            let places = [place];
            let mut looked_for = Wanted::new(Identity::BY_ID, &places, &mut found);
            for station in order {
                looked_for.note(&of(*station));
            }
            assert_eq!(found, [wanted], "{order:?}");
        }
    }

    #[test]
    fn a_number_of_another_type_is_another_value_under_the_same_id() {
        assert!(!same(
            &doc! {"_id": 5_i32}.to_vec().unwrap(),
            &doc! {"_id": 5_i64}.to_vec().unwrap()
        ));
        let key_of = |document: bson::Document| key(&document.to_vec().unwrap());
        let decimal: bson::Decimal128 = "5".parse().unwrap();
        for document in [doc! {"_id": 5_i64}, doc! {"_id": 5.0}, doc! {"_id": decimal}] {
            assert_eq!(key_of(document), key_of(doc! {"_id": 5_i32}));
        }
        assert_ne!(key_of(doc! {"_id": 5.5}), key_of(doc! {"_id": 5}));
        assert_ne!(key_of(doc! {"_id": "5"}), key_of(doc! {"_id": 5}));
    }
}

//! What is stored under the `_id` of a document that the database did not take as another one has it.

use std::collections::HashMap;

use bson::{Bson, RawDocument, RawDocumentBuf, doc};
use mongodb::Collection;
use realm_ingest_protocol::Document;

use super::request::answered;
use crate::backend::BackendError;
use crate::comparison::Number;
use crate::ingest::{Place, id};

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

/// Whether a document was stored as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Equality(pub(super) fn(&[u8], &[u8]) -> bool);

/// What has the `_id` of each of the documents, among what else fulfils a condition.
pub(super) async fn stored(
    collection: &Collection<RawDocumentBuf>,
    places: &[Place<'_>],
    condition: &bson::Document,
    equality: Equality,
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
        look_up(collection, places, found, condition, equality).await?;
        rest = (later, unknown);
    }
    Ok(found)
}

async fn look_up(
    collection: &Collection<RawDocumentBuf>,
    places: &[Place<'_>],
    found: &mut [Stored],
    condition: &bson::Document,
    Equality(same): Equality,
) -> Result<(), BackendError> {
    // Several can have one `_id`, in different transactions.
    let mut wanted: HashMap<_, Vec<_>> = HashMap::new();
    for (place, found) in places.iter().zip(found) {
        let same_id = wanted.entry(key(place.document)).or_default();
        same_id.push((place, found));
    }
    let ids: Vec<_> = places.iter().filter_map(|place| id_of(place.document)).collect();
    let mut filter = doc! {"_id": {"$in": ids}};
    filter.extend(condition.clone());
    let mut cursor = answered(collection.find(filter)).await?;
    while answered(cursor.advance()).await? {
        let stored = cursor.current().as_bytes();
        for (place, found) in wanted.get_mut(&key(stored)).into_iter().flatten() {
            **found = if same(place.document, stored) {
                Stored::Same
            } else {
                Stored::Other
            };
        }
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

/// To the bit, but that the database puts `_id` first.
pub(super) fn same(sent: &[u8], stored: &[u8]) -> bool {
    let id = |bytes| {
        Document::assume_valid(bytes)
            .field("_id")
            .map(|id| (id.kind, id.raw))
    };
    let rest = |bytes| {
        let fields = Document::assume_valid(bytes).fields();
        let rest = fields.filter(|field| field.key != "_id");
        rest.map(|field| (field.key, field.kind, field.raw))
    };
    sent == stored || (id(sent) == id(stored) && rest(sent).eq(rest(stored)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn are_same(one: bson::Document, other: bson::Document) -> bool {
        same(&one.to_vec().unwrap(), &other.to_vec().unwrap())
    }

    #[test]
    fn a_document_is_the_same_wherever_its_id_stands_and_in_no_other_order() {
        assert!(are_same(
            doc! {"a": 1, "_id": 5, "b": 2},
            doc! {"_id": 5, "a": 1, "b": 2}
        ));
        assert!(!are_same(
            doc! {"_id": 5, "a": 1, "b": 2},
            doc! {"_id": 5, "b": 2, "a": 1}
        ));
        assert!(!are_same(
            doc! {"_id": 5, "a": 1},
            doc! {"_id": 5, "a": 1, "b": 2}
        ));
    }

    #[test]
    fn a_number_of_another_type_is_another_value_under_the_same_id() {
        assert!(!are_same(doc! {"_id": 5_i32}, doc! {"_id": 5_i64}));
        assert!(!are_same(doc! {"_id": 5, "a": 0.0}, doc! {"_id": 5, "a": -0.0}));
        let key_of = |document: bson::Document| key(&document.to_vec().unwrap());
        let decimal: bson::Decimal128 = "5".parse().unwrap();
        for document in [doc! {"_id": 5_i64}, doc! {"_id": 5.0}, doc! {"_id": decimal}] {
            assert_eq!(key_of(document), key_of(doc! {"_id": 5_i32}));
        }
        assert_ne!(key_of(doc! {"_id": 5.5}), key_of(doc! {"_id": 5}));
        assert_ne!(key_of(doc! {"_id": "5"}), key_of(doc! {"_id": 5}));
    }
}

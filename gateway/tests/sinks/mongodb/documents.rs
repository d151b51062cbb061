//! What becomes of documents in MongoDB.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, Document, RawDocument, Regex, Timestamp, cstr, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use realm_ingest_gateway::sink::{Quota, Sink};
use realm_ingest_protocol::RefusalCode::{DocumentTooLarge, DuplicateId, ValidationFailed};
use realm_ingest_protocol::batch::Documents;

use super::{Mongo, all, unchecked};
use crate::common::bytes;
use crate::server::Server;
use crate::stores::Store;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/types.bson");

async fn opened() -> (Arc<dyn Sink>, Mongo) {
    let server = Server::shared().await;
    let store = Mongo::over(server).await;
    (store.sink(server.cluster().await, Quota::default()), store)
}

/// The documents of the class, in the bytes in which they are stored.
async fn stored(store: &Mongo) -> Vec<Vec<u8>> {
    bytes(&all(&store.data, "Reading").await)
}

/// With `_id` in front, where MongoDB puts it.
fn with_id_first(bytes: &[u8]) -> Vec<u8> {
    let document = Document::from_reader(bytes).unwrap();
    let mut moved = doc! {"_id": document.get("_id").unwrap().clone()};
    moved.extend(document.into_iter().filter(|(key, _)| key != "_id"));
    moved.to_vec().unwrap()
}

#[tokio::test]
async fn every_document_that_a_device_can_write_is_stored_to_the_bit() {
    let golden = std::fs::read(GOLDEN).unwrap();
    // Those with one `_id` go to different outboxes, and databases.
    let mut sent: Vec<BTreeMap<String, Vec<u8>>> = Vec::new();
    for entry in Documents::new(&golden) {
        let entry = RawDocument::from_bytes(entry).unwrap();
        let document = entry.get_document("document").unwrap();
        let id = format!("{:?}", document.get("_id").unwrap().unwrap());
        let free = sent.iter().position(|group| !group.contains_key(&id));
        let at = free.unwrap_or_else(|| {
            sent.push(BTreeMap::new());
            sent.len() - 1
        });
        sent[at].insert(id, document.as_bytes().to_vec());
    }
    assert!(sent.iter().map(BTreeMap::len).sum::<usize>() > 50);
    for group in sent {
        let (sink, store) = opened().await;
        let sent: Vec<_> = group.into_values().collect();
        let batch = unchecked(&store, 1, &sent, &[]);
        for _ in 0..2 {
            assert_eq!(super::store(&*sink, &batch).await.unwrap(), []);
            let stored: BTreeSet<_> = stored(&store).await.into_iter().collect();
            assert_eq!(stored, sent.iter().map(|one| with_id_first(one)).collect());
        }
    }
}

#[tokio::test]
async fn every_value_is_stored_to_the_bit_whatever_its_type() {
    let (sink, store) = opened().await;
    let decimal = |text: &str| Bson::from(text.parse::<Decimal128>().unwrap());
    let binary = |subtype, bytes: &[u8]| {
        Bson::from(Binary {
            subtype,
            bytes: bytes.to_vec(),
        })
    };
    let values: Vec<Bson> = vec![
        f64::from_bits(0x7ff8_0000_0000_1234).into(),
        f64::NEG_INFINITY.into(),
        (-0.0).into(),
        f64::MIN_POSITIVE.into(),
        5.0.into(),
        5_i32.into(),
        5_i64.into(),
        i64::MIN.into(),
        decimal("5.000"),
        decimal("NaN"),
        decimal("-Infinity"),
        decimal("-0E+3"),
        "\0 a\u{10ffff}".into(),
        "".into(),
        true.into(),
        Bson::Null,
        DateTime::from_millis(-1).into(),
        DateTime::from_millis(i64::MAX).into(),
        binary(BinarySubtype::Generic, &[]),
        binary(BinarySubtype::Uuid, &[7; 16]),
        binary(BinarySubtype::UserDefined(0x81), &[1]),
        bson::oid::ObjectId::from_bytes([9; 12]).into(),
        Regex {
            pattern: cstr!("a.*").into(),
            options: cstr!("i").into(),
        }
        .into(),
        Timestamp {
            time: 1,
            increment: 2,
        }
        .into(),
        Bson::MinKey,
        Bson::MaxKey,
        doc! {"a.b": 1, "$c": {"": []}, "d": [[], [1, {"e": Bson::Null}]]}.into(),
    ];
    let documents: Vec<_> = (0_i64..)
        .zip(values)
        .map(|(id, value)| doc! {"value": value, "_id": id, "after": 1})
        .collect();
    let sent = bytes(&documents);
    let batch = unchecked(&store, 1, &sent, &[]);
    for _ in 0..2 {
        assert_eq!(super::store(&*sink, &batch).await.unwrap(), []);
        let wanted: Vec<_> = sent.iter().map(|one| with_id_first(one)).collect();
        let mut stored = all(&store.data, "Reading").await;
        stored.sort_by_key(|one| one.get_i64("_id").unwrap());
        assert_eq!(bytes(&stored), wanted);
    }
}

#[tokio::test]
async fn what_the_database_takes_for_one_id_is_one_document() {
    let (sink, store) = opened().await;
    let there = store.data.collection::<Document>("Reading");
    let others = [
        doc! {"_id": 1.0, "value": "there"},
        doc! {"_id": 2_i64, "value": "there"},
    ];
    there.insert_many(others).await.unwrap();
    let sent = bytes(&[
        doc! {"_id": 1_i32, "value": "there"},
        doc! {"value": "there", "_id": 2_i64},
        doc! {"_id": 3_i64, "value": "new"},
    ]);
    let batch = unchecked(&store, 1, &sent, &[]);
    for _ in 0..2 {
        let refused = super::store(&*sink, &batch).await.unwrap();
        let told: Vec<_> = refused.iter().map(|(index, code, _)| (*index, *code)).collect();
        assert_eq!(told, [(0, DuplicateId)]);
        assert_eq!(stored(&store).await.len(), 3);
        assert_eq!(store.letters().await.len(), 1);
    }
}

#[tokio::test]
async fn what_another_unique_index_has_is_refused_and_its_neighbours_are_stored() {
    let (sink, store) = opened().await;
    let index = IndexModel::builder().keys(doc! {"serial": 1}).options(
        IndexOptions::builder()
            .unique(true)
            .name("by_serial".to_owned())
            .build(),
    );
    store
        .data
        .collection::<Document>("Reading")
        .create_index(index.build())
        .await
        .unwrap();
    let sent = bytes(&[
        doc! {"_id": 1, "serial": "a"},
        doc! {"_id": 2, "serial": "a"},
        doc! {"_id": 3, "serial": "b"},
    ]);
    let batch = unchecked(&store, 1, &sent, &[]);
    for _ in 0..2 {
        let refused = super::store(&*sink, &batch).await.unwrap();
        let [(1, ValidationFailed, reason)] = &refused[..] else {
            panic!("{refused:?}")
        };
        assert!(reason.contains("'by_serial'"), "{reason}");
        assert_eq!(stored(&store).await.len(), 2);
        assert_eq!(store.letters().await.len(), 1);
    }
}

/// A document of so many bytes.
fn of_length(id: i32, length: usize) -> Vec<u8> {
    let empty = doc! {"_id": id, "text": ""}.to_vec().unwrap();
    let text = "x".repeat(length - empty.len());
    let document = doc! {"_id": id, "text": text}.to_vec().unwrap();
    assert_eq!(document.len(), length);
    document
}

#[tokio::test]
async fn the_largest_document_is_stored_and_a_larger_one_refused_beside_it() {
    const LARGEST: usize = 16 * 1024 * 1024;
    let (sink, store) = opened().await;
    let small = |id| doc! {"_id": id}.to_vec().unwrap();
    let sent = [
        small(1),
        of_length(2, LARGEST),
        of_length(3, LARGEST + 1),
        small(4),
    ];
    let batch = unchecked(&store, 1, &sent, &[]);
    for _ in 0..2 {
        let refused = super::store(&*sink, &batch).await.unwrap();
        let told: Vec<_> = refused.iter().map(|(index, code, _)| (*index, *code)).collect();
        assert_eq!(told, [(2, DocumentTooLarge)]);
        let mut lengths: Vec<_> = stored(&store).await.iter().map(Vec::len).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [small(1).len(), small(4).len(), LARGEST]);
    }
}

#[tokio::test]
async fn a_refused_document_that_is_too_large_for_one_record_is_kept_whole() {
    let (sink, store) = opened().await;
    let large = of_length(1, 20 * 1024 * 1024);
    let batch = unchecked(&store, 1, std::slice::from_ref(&large), &[0]);
    for _ in 0..2 {
        assert_eq!(super::store(&*sink, &batch).await.unwrap(), []);
        assert_eq!(store.letters().await.len(), 1);
        let mut parts = all(&store.state, "dead_letter_parts").await;
        parts.sort_by_key(|part| part.get_document("_id").unwrap().get_i64("part").unwrap());
        let kept = parts
            .iter()
            .flat_map(|part| part.get_binary_generic("bytes").unwrap());
        assert!(kept.copied().eq(large.iter().copied()));
    }
}

#[tokio::test]
async fn documents_of_many_commands_are_all_stored_and_found_again() {
    let (sink, store) = opened().await;
    let sent: Vec<_> = (0..12_000).map(|id| doc! {"_id": id, "value": id}).collect();
    let batch = unchecked(&store, 1, &bytes(&sent), &[]);
    for _ in 0..2 {
        assert_eq!(super::store(&*sink, &batch).await.unwrap(), []);
    }
    let others: Vec<_> = (0..12_000)
        .map(|id| doc! {"_id": id, "value": id / 10 * 10})
        .collect();
    let batch = unchecked(&store, 2, &bytes(&others), &[]);
    let refused = super::store(&*sink, &batch).await.unwrap();
    assert_eq!(refused.len(), 12_000 / 10 * 9);
    assert!(refused.is_sorted_by_key(|(index, ..)| *index));
    assert_eq!(stored(&store).await.len(), 12_000);
}

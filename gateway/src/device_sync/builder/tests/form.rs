//! The form of documents: that of the vectors, and of the golden documents, to the byte.

use super::client::Client;
use super::*;

#[path = "../../../../tests/common/golden.rs"]
mod golden;

#[test]
fn changesets_of_clients_become_the_documents_that_headers_write() {
    let mut count = 0;
    for vector in vectors::all() {
        let Some(schema) = &vector.schema else { continue };
        let mut registry = registry_of(schema);
        let built = documents(&vector.changeset(), &mut registry, LIMITS, &mut budget()).unwrap();
        let expected: Vec<u8> = vector.documents.iter().flat_map(|one| one.bytes()).collect();
        let found = super::built(&vector.changeset(), &mut registry).unwrap();
        for (found, expected) in found.iter().zip(&vector.documents) {
            assert_eq!(found.0, expected.class, "{}", vector.name);
            let expected = ::bson::Document::from_reader(expected.bytes().as_slice()).unwrap();
            assert_eq!(
                format!("{:?}", found.1),
                format!("{expected:?}"),
                "{}",
                vector.name
            );
        }
        assert_eq!(built.payload, expected, "{}", vector.name);
        assert!(!built.changed && built.skipped == 0);
        count += built.documents;
    }
    assert!(count >= 15, "{count} documents");
}

#[test]
fn golden_documents_come_through_this_door_to_the_byte() {
    let schema = golden::schema();
    let mut registry = Registry::default();
    let mut client = Client::default();
    client.schema(&schema);
    documents(&client.finish(), &mut registry, LIMITS, &mut budget()).unwrap();
    assert_eq!(registry.schema().fingerprint(), schema.fingerprint());
    for (name, golden) in golden::documents() {
        let class = schema.class(golden::class_of(&name)).unwrap();
        let mut document = ::bson::Document::from_reader(golden.as_slice()).unwrap();
        let key = document.remove("_id").unwrap();
        let mut expected = ::bson::doc! {"_id": key};
        expected.extend(document);
        for says_nulls in [false, true] {
            let mut client = Client::new(says_nulls);
            client.object(&schema, class, &expected);
            let built = documents(&client.finish(), &mut registry, LIMITS, &mut budget()).unwrap();
            assert_eq!(&*built.runs[0].class, class.name);
            assert_eq!(
                built.payload,
                expected.to_vec().unwrap(),
                "{name}: {:?} and {expected:?}",
                ::bson::Document::from_reader(built.payload.as_slice())
            );
        }
    }
}

#[test]
fn golden_objects_that_realm_core_sent_become_the_golden_documents() {
    #[derive(serde::Deserialize)]
    struct Sent {
        name: String,
        changeset: String,
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/changesets.json");
    let all: Vec<Sent> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let golden: std::collections::HashMap<_, _> = golden::documents().into_iter().collect();
    let mut registry = Registry::default();
    let mut count = 0;
    for sent in all {
        let changeset = vectors::unhexed(&sent.changeset);
        let built = documents(&changeset, &mut registry, LIMITS, &mut budget()).unwrap();
        let Some(document) = golden.get(&sent.name) else {
            assert_eq!((sent.name.as_str(), built.documents), ("schema", 0));
            continue;
        };
        let mut document = ::bson::Document::from_reader(document.as_slice()).unwrap();
        let mut expected = ::bson::doc! {"_id": document.remove("_id").unwrap()};
        expected.extend(document);
        assert_eq!(
            ::bson::Document::from_reader(built.payload.as_slice())
                .unwrap()
                .to_string(),
            expected.to_string(),
            "{}",
            sent.name
        );
        assert_eq!(built.payload, expected.to_vec().unwrap(), "{}", sent.name);
        count += 1;
    }
    assert!(count > 50, "{count} objects");
}

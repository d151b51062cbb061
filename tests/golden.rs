//! The golden documents: the bson crate encodes `types.json` to the bytes in `types.bson`, which another implementation
//! wrote (tests/golden/make.py). The C++ headers are held to the same file by tests/cpp/golden_test.cpp.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that fails shall stop

use std::fs;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    /// Read by the bson crate's own deserializer, which understands Extended JSON and keeps the order of fields.
    document: bson::Document,
}

fn read(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name),
    )
    .unwrap()
}

#[test]
fn bson_crate_encodes_the_golden_bytes() {
    let cases: Vec<Case> = serde_json::from_slice(&read("types.json")).unwrap();
    let stored = read("types.bson");
    let mut rest = stored.as_slice();
    for case in &cases {
        let entry = bson::RawDocument::from_bytes(&rest[..size_of_first(rest)]).unwrap();
        rest = &rest[entry.as_bytes().len()..];
        assert_eq!(entry.get_str("name").unwrap(), case.name);
        let wanted = entry.get_document("document").unwrap();
        let encoded = case.document.to_vec().unwrap();
        assert!(
            encoded == wanted.as_bytes(),
            "{}: stored {wanted:?}\nencoded {:?}",
            case.name,
            case.document
        );
    }
    assert!(rest.is_empty(), "types.bson holds more than types.json");
    assert!(
        cases.len() > 50,
        "the file is the whole type matrix, not a part of it"
    );
}

fn size_of_first(documents: &[u8]) -> usize {
    let size = i32::from_le_bytes(documents[..4].try_into().unwrap());
    usize::try_from(size).unwrap()
}

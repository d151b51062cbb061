//! Schemas of files, the classes that are compared with them, and documents.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bounds;
mod classes;
mod documents;
mod files;

use bson::{Bson, doc};
use realm_ingest_protocol::{Document, Violation};
use serde_json::{Value, json};

use super::*;

fn parsed(json: &Value) -> (Option<CollectionSchema>, Findings) {
    let mut findings = Findings::new();
    let schema = CollectionSchema::parse(json, &mut findings);
    (schema, findings)
}

fn sound(json: &Value) -> CollectionSchema {
    let (schema, findings) = parsed(json);
    assert_eq!(findings, [], "{json}");
    schema.unwrap()
}

/// With a property `a` beside the key.
fn with_a(a: &Value) -> CollectionSchema {
    sound(&json!({
        "title": "Reading", "bsonType": "object", "required": ["_id"],
        "properties": {"_id": {"bsonType": "long"}, "a": a}
    }))
}

fn check(schema: &CollectionSchema, a: impl Into<Bson>) -> Result<(), Violation> {
    let bytes = doc! {"_id": 1, "a": a}.to_vec().unwrap();
    schema.check(&Document::assume_valid(&bytes))
}

//! MongoDB Extended JSON v2 of stored documents.

use base64::Engine as _;
pub use realm_ingest_protocol::ejson::{Form, value};
use realm_ingest_protocol::{Document, Value as Scalar};
use serde_json::{Value, json};

/// Bytes of an `_id` that an answer repeats. Longer ones, and those that are no key at all, are told as null.
const MAX_ID: usize = 1_024;

/// The `_id` of a document as canonical Extended JSON, where it is one of the types a key has; otherwise null. The
/// document need not be sound.
#[must_use]
pub fn id_of(bytes: &[u8]) -> Value {
    match Document::assume_valid(bytes).get("_id") {
        Some(Scalar::Int32(id)) => json!({"$numberInt": id.to_string()}),
        Some(Scalar::Int64(id)) => json!({"$numberLong": id.to_string()}),
        Some(Scalar::String(id)) if id.len() <= MAX_ID => id.into(),
        Some(Scalar::ObjectId(id)) => json!({"$oid": bson::oid::ObjectId::from_bytes(id).to_hex()}),
        Some(Scalar::Binary { subtype, bytes }) if bytes.len() <= MAX_ID => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            json!({"$binary": {"base64": base64, "subType": format!("{subtype:02x}")}})
        }
        _ => Value::Null,
    }
}

/// A stored document as Extended JSON; none when it is no document that can be shown.
#[must_use]
pub fn document(bytes: &[u8], form: Form) -> Option<Value> {
    realm_ingest_protocol::ejson::document(bytes, form).ok()
}

/// As [`document`], or as binary where there is none.
#[must_use]
pub fn document_or_binary(bytes: &[u8], form: Form) -> Value {
    document(bytes, form).unwrap_or_else(|| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        json!({"$binary": {"base64": base64, "subType": "00"}})
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use bson::doc;
    use serde_json::json;

    #[test]
    fn ids_are_canonical() {
        let id = |document: bson::Document| id_of(&document.to_vec().unwrap());
        assert_eq!(id(doc! {"a": 1, "_id": 5_i64}), json!({"$numberLong": "5"}));
        assert_eq!(id(doc! {"_id": "key"}), json!("key"));
        assert_eq!(id(doc! {"a": 1}), json!(null));
        assert_eq!(
            id_of(b"\x10\0\0\0\x02_id\0\xff\xff\xff\xff\0\0"),
            json!(null),
            "an id that cannot be read"
        );
        let uuid = bson::Binary {
            subtype: bson::spec::BinarySubtype::Uuid,
            bytes: vec![0; 16],
        };
        assert_eq!(
            id(doc! {"_id": uuid}),
            json!({"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}})
        );
        let oid = bson::oid::ObjectId::new();
        assert_eq!(id(doc! {"_id": oid}), json!({"$oid": oid.to_hex()}));
    }

    #[test]
    fn what_is_no_key_is_not_repeated() {
        let id = |document: bson::Document| id_of(&document.to_vec().unwrap());
        assert_eq!(id(doc! {"_id": {"a": 1}}), json!(null));
        assert_eq!(id(doc! {"_id": "x".repeat(MAX_ID + 1)}), json!(null));
        assert_eq!(id(doc! {"_id": "x".repeat(MAX_ID)}), json!("x".repeat(MAX_ID)));
    }

    #[test]
    fn a_document_that_is_nested_without_end_is_shown_as_binary() {
        let mut bytes = bson::Document::new().to_vec().unwrap();
        for _ in 0..100_000 {
            let length = i32::try_from(bytes.len() + 8).unwrap();
            bytes = [&length.to_le_bytes()[..], b"\x03a\0", &bytes, b"\0"].concat();
            if bytes.len() > 200_000 {
                break;
            }
        }
        assert!(document_or_binary(&bytes, Form::Canonical)["$binary"].is_object());
        assert!(id_of(&bytes).is_null());
    }
}

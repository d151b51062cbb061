//! MongoDB Extended JSON v2 of stored documents.

use realm_ingest_protocol::Document;
pub use realm_ingest_protocol::ejson::{Form, document, value};
use serde_json::Value;

/// The `_id` of a document as canonical Extended JSON; null where there is none that can be read.
#[must_use]
pub fn id_of(bytes: &[u8]) -> Value {
    let Some(id) = Document::assume_valid(bytes).field("_id") else {
        return Value::Null;
    };
    // A document with this one field lets the bson crate do the conversion.
    let mut wrapped = vec![0; 4];
    wrapped.extend_from_slice(&[id.kind, b'v', 0]);
    wrapped.extend_from_slice(id.raw);
    wrapped.push(0);
    let Ok(length) = i32::try_from(wrapped.len()) else {
        return Value::Null;
    };
    wrapped.splice(..4, length.to_le_bytes());
    match document(&wrapped, Form::Canonical) {
        Ok(Value::Object(mut fields)) => fields.remove("v").unwrap_or_default(),
        _ => Value::Null,
    }
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
    }
}

//! Extended JSON (version 2) to BSON and back, for what crosses the bridge as text: function arguments and
//! results, custom user data, keys in error reports.

use bson::{Bson, Document};
use realm_ingest_protocol::ejson::{self, Form};

/// The canonical Extended JSON of one BSON document.
///
/// # Errors
/// A sentence that says where the bytes stop being a document.
pub(crate) fn from_bson(document: &[u8]) -> Result<String, String> {
    let value = ejson::document(document, Form::Canonical).map_err(|e| e.to_string())?;
    Ok(value.to_string())
}

/// The BSON of `{"v": <value>}`, so that any JSON value, not only an object, has bytes.
///
/// # Errors
/// The JSON parser's text, or what is wrong with a `$` key.
pub(crate) fn to_bson(text: &str) -> Result<Vec<u8>, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let value = Bson::try_from(json).map_err(|e| e.to_string())?;
    let mut document = Document::new();
    document.insert("v", value);
    bson::serialize_to_vec(&document).map_err(|e| e.to_string())
}

/// The BSON of one JSON object.
///
/// # Errors
/// The JSON parser's text, or what is wrong with a `$` key, or that the text is another value than an object.
pub(crate) fn to_document(text: &str) -> Result<Vec<u8>, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match Bson::try_from(json).map_err(|e| e.to_string())? {
        Bson::Document(document) => bson::serialize_to_vec(&document).map_err(|e| e.to_string()),
        _ => Err("a document is a JSON object, and this is another value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic"
    )]

    use super::*;

    #[test]
    fn any_value_comes_back_as_it_was() {
        for text in [
            r#"{"b":{"$numberInt":"1"},"a":{"$numberLong":"2"}}"#,
            r#"{"$numberDouble":"0.1"}"#,
            r#"{"$numberDouble":"NaN"}"#,
            r#"{"$oid":"57e193d7a9cc81b4027498b5"}"#,
            r#"{"$numberDecimal":"1.50"}"#,
            r#"{"$date":{"$numberLong":"-1"}}"#,
            r#"{"$binary":{"base64":"AQI=","subType":"04"}}"#,
            r#"[null,true,"z\u0000z"]"#,
            r#""text""#,
        ] {
            let bytes = to_bson(text).unwrap();
            assert_eq!(from_bson(&bytes).unwrap(), format!("{{\"v\":{text}}}"));
        }
    }

    #[test]
    fn what_is_not_json_or_not_bson_is_refused() {
        assert!(to_bson("{").unwrap_err().contains("EOF"));
        assert!(to_bson(r#"{"$oid":"short"}"#).is_err());
        assert!(from_bson(&[5, 0, 0, 0]).is_err());
        assert!(from_bson(&[]).is_err());
    }
}

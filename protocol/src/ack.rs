//! The JSON answers of the ingest endpoints.

use serde::{Deserialize, Serialize};

/// Answer to a batch: every transaction up to `acked` is settled, stored durably or refused for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ack<R = Refusal> {
    /// Highest sequence number that is settled.
    pub acked: i64,
    /// Everything up to here is settled for the outbox: more than `acked` where a batch is sent again in smaller pieces. 0
    /// from a gateway that does not say.
    #[serde(default)]
    pub position: i64,
    /// The documents that were refused, in the order of the batch; the first of them where they are too many.
    #[serde(default = "Vec::new")]
    pub refused: Vec<R>,
    /// The refused documents that are not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<Unlisted>,
}

/// One document refused for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The transaction the document belongs to.
    pub seq: i64,
    /// Position of the document in its transaction, from 0.
    pub index: u32,
    /// Class the document was sent for.
    pub class: String,
    /// The document's `_id` as canonical Extended JSON, null where it has none, or one of more parts than a key can have.
    #[serde(rename = "_id", default, deserialize_with = "crate::key::bounded")]
    pub id: serde_json::Value,
    /// A name of [`RefusalCode`](crate::RefusalCode); kept as text so that an older client passes on a
    /// newer gateway's codes.
    pub code: String,
    /// What is wrong, for a person.
    pub reason: String,
}

/// Documents refused for good that [`Ack::refused`] has no room for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlisted {
    /// Class the documents were sent for; empty where too many classes and reasons occur.
    pub class: String,
    /// As [`Refusal::code`].
    pub code: String,
    /// What is wrong, for a person; empty where `class` is.
    pub reason: String,
    /// How many there are.
    pub count: u64,
}

/// Answer to the question how far an outbox has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Highest sequence number ever acknowledged to this outbox, 0 if it is not known.
    pub position: i64,
    /// Decompressed bytes the gateway takes in one batch, and so in one transaction.
    pub max_batch_bytes: u64,
}

/// Body of every answer that is not a success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong, for a person.
    pub error: String,
    /// Name from [`error_code`](crate::code::error_code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Where the operator's log speaks about it; may be empty.
    #[serde(default)]
    pub link: String,
    /// With `SchemaRequired`: fingerprints of the schemas the gateway has not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// With `BatchOutOfOrder`: everything up to here is settled, and the sender goes on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn acknowledgement_looks_as_documented() {
        let ack = Ack {
            acked: 12,
            position: 14,
            refused: vec![Refusal {
                seq: 11,
                index: 3,
                class: "Reading".into(),
                id: json!({"$oid": "64a000000000000000000000"}),
                code: "TypeMismatch".into(),
                reason: "property 'Reading.at' is a date, not a string".into(),
            }],
            unlisted: Vec::new(),
        };
        let text = serde_json::to_value(&ack).unwrap();
        assert!(
            text.get("unlisted").is_none(),
            "a small answer is what it always was"
        );
        assert_eq!(text["refused"][0]["_id"]["$oid"], "64a000000000000000000000");
        assert_eq!(serde_json::from_value::<Ack>(text).unwrap(), ack);
        let old: Ack = serde_json::from_str(r#"{"acked":5}"#).unwrap();
        assert_eq!((old.acked, old.position), (5, 0));
    }

    #[test]
    fn error_body_leaves_out_what_is_not_there() {
        let body = ErrorBody {
            error: "no".into(),
            ..ErrorBody::default()
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"error":"no","link":""}"#
        );
        let body: ErrorBody = serde_json::from_str(r#"{"error":"x","error_code":"AuthError"}"#).unwrap();
        assert_eq!(body.error_code.as_deref(), Some("AuthError"));
    }
}

//! What is made of a schema is bounded, and so is what is said of a document.

use bson::Bson;
use realm_ingest_gateway::collection_schema::CollectionSchema;
use realm_ingest_gateway::json_path::Findings;
use realm_ingest_protocol::Document;
use serde_json::Value;

/// Bytes of what is said of one document.
const MAX_REASON: usize = 64 * 1024;

/// `[schema, document]`, the latter in Extended JSON.
pub(crate) fn run(data: &[u8]) {
    let Ok([schema, document]) = serde_json::from_slice::<[Value; 2]>(data) else {
        return;
    };
    let mut findings = Findings::new();
    let schema = CollectionSchema::parse(&schema, &mut findings);
    assert!(findings.len() <= 1_000);
    for (path, _) in &findings {
        assert!(path.starts_with('$'), "{path}");
    }
    let Some(schema) = schema else {
        assert!(!findings.is_empty());
        return;
    };
    let Ok(Bson::Document(document)) = Bson::try_from(document) else {
        return;
    };
    let Ok(bytes) = document.to_vec() else { return };
    if let Err(violation) = schema.check(&Document::assume_valid(&bytes)) {
        assert!(violation.reason.len() <= MAX_REASON, "{}", violation.reason);
        assert!(violation.reason.starts_with('\''));
    }
}

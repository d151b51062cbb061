//! What is made to be expensive costs little.

use std::time::{Duration, Instant};

use bson::Bson;
use serde_json::{Value, json};

use super::*;

/// In the time that is taken for a hundred times as much.
fn bounded(json: &Value) -> Findings {
    let start = Instant::now();
    let (schema, findings) = parsed(json);
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(20), "{taken:?}");
    drop(schema);
    findings
}

#[test]
fn a_schema_that_is_made_to_be_expensive_is_bounded() {
    let of = |a: Value| json!({"title": "A", "properties": {"_id": {"bsonType": "uuid"}, "a": a}});
    let deep = (0..300).fold(json!({}), |inner, _| json!({"items": inner}));
    let findings = bounded(&of(deep));
    assert!(findings[0].1.contains("nested deeper"), "{findings:?}");

    let many: serde_json::Map<_, _> = (0..100_000).map(|at| (at.to_string(), json!({}))).collect();
    let findings = bounded(&of(json!({"properties": many})));
    assert!(findings[0].1.contains("more than 50000 parts"), "{findings:?}");

    let patterns: serde_json::Map<_, _> = (0..10_000)
        .map(|at| (format!("{at}(a|b|c){{1000}}"), json!({})))
        .collect();
    let findings = bounded(&of(json!({"patternProperties": patterns})));
    assert!(
        findings
            .iter()
            .any(|(_, text)| text.contains("more than 200 patterns"))
    );

    let wrong: serde_json::Map<_, _> = (0..100_000).map(|at| (at.to_string(), json!(1))).collect();
    assert!(bounded(&of(json!({"properties": wrong}))).len() <= 1_000);
}

#[test]
fn a_large_document_takes_linear_time() {
    let schema = with_a(&json!({"bsonType": "array", "uniqueItems": true, "items": {"pattern": "^(a+)+$"}}));
    let elements: Vec<Bson> = (0..100_000).map(|at| format!("{at}").into()).collect();
    let start = Instant::now();
    assert!(check(&schema, elements).is_err());
    let schema = with_a(&json!({"bsonType": "array", "uniqueItems": true}));
    let elements: Vec<Bson> = (0..200_000).map(Bson::Int32).collect();
    assert_eq!(check(&schema, elements), Ok(()));
    assert_eq!(
        check(&with_a(&json!({"pattern": "^(a+)+$"})), "a".repeat(1_000_000)),
        Ok(())
    );
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn elements_beyond_those_that_there_may_be_are_not_looked_at() {
    let schema = with_a(&json!({
        "bsonType": "array", "maxItems": 2, "uniqueItems": true, "items": {"bsonType": "int", "minimum": 1}
    }));
    let refused = check(&schema, vec![1, 2, 0]).unwrap_err();
    assert!(
        refused.reason.ends_with("has more than 2 elements"),
        "{refused:?}"
    );
}

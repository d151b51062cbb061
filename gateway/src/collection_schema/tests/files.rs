//! What is read of a file, and what is found wrong with it.

use serde_json::json;

use super::*;

#[test]
fn what_is_wrong_or_not_served_is_found_with_its_path() {
    for (a, path, text) in [
        (
            json!({"bsonType": "timestamp"}),
            "$.properties.a.bsonType",
            "type 'timestamp' is none",
        ),
        (
            json!({"bsonType": ["string", "null"]}),
            "$.properties.a.bsonType",
            "expected one type",
        ),
        (
            json!({"bsonType": "int", "type": "string"}),
            "$.properties.a.bsonType",
            "contradict",
        ),
        (
            json!({"oneOf": []}),
            "$.properties.a.oneOf",
            "keyword 'oneOf' is not served",
        ),
        (json!({"validate": {}}), "$.properties.a.validate", "expressions"),
        (
            json!({"items": [{}]}),
            "$.properties.a.items",
            "expected a schema, found an array",
        ),
        (json!({"enum": [[1]]}), "$.properties.a.enum", "only texts"),
        (
            json!({"enum": []}),
            "$.properties.a.enum",
            "expected an array of 1",
        ),
        (
            json!({"pattern": "(?=a)"}),
            "$.properties.a.pattern",
            "no look-around",
        ),
        (
            json!({"pattern": "\\w{1000}{1000}"}),
            "$.properties.a.pattern",
            "too large",
        ),
        (json!({"minLength": -1}), "$.properties.a.minLength", "whole"),
        (json!({"maxItems": 1.5}), "$.properties.a.maxItems", "whole"),
        (
            json!({"minimum": "1"}),
            "$.properties.a.minimum",
            "expected a number",
        ),
        (json!({"multipleOf": 0}), "$.properties.a.multipleOf", "above 0"),
        (
            json!({"exclusiveMinimum": true}),
            "$.properties.a.exclusiveMinimum",
            "no 'minimum'",
        ),
        (
            json!({"required": "b"}),
            "$.properties.a.required",
            "array of names",
        ),
        (
            json!({"dependencies": {"b": {}}}),
            "$.properties.a.dependencies.b",
            "array of names",
        ),
        (json!(1), "$.properties.a", "expected a schema"),
    ] {
        let json = json!({"title": "A", "properties": {"_id": {"bsonType": "uuid"}, "a": a}});
        let (_, findings) = parsed(&json);
        let [(found, what)] = &findings[..] else {
            panic!("{json}: {findings:?}")
        };
        assert_eq!(found, path);
        assert!(what.contains(text), "{what}");
    }
}

#[test]
fn a_collection_has_objects_with_a_key() {
    for (json, path) in [
        (json!([]), "$"),
        (json!({"bsonType": "array"}), "$"),
        (json!({"title": "A"}), "$.properties"),
        (
            json!({"title": "A", "properties": {"_id": {"bsonType": "double"}}}),
            "$.properties._id",
        ),
        (
            json!({"title": "x".repeat(58), "properties": {"_id": {"bsonType": "long"}}}),
            "$.title",
        ),
    ] {
        let (_, findings) = parsed(&json);
        assert!(
            findings.iter().any(|(found, _)| found == path),
            "{json}: {findings:?}"
        );
    }
}

#[test]
fn annotations_and_what_is_in_no_document_are_passed_over() {
    let schema = with_a(&json!({
        "bsonType": "object", "title": "B", "description": "b", "default": {}, "id": "b",
        "properties": {"c": {"bsonType": "string"}, "back": {"bsonType": "linkingObjects"}}
    }));
    assert!(!schema.has_constraints());
}

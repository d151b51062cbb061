#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use std::time::{Duration, Instant};

use bson::{Bson, doc};
use realm_ingest_protocol::{Document, RefusalCode, Schema, Violation};
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

fn telemetry() -> Value {
    json!({
        "title": "SensorReading", "type": "object", "required": ["_id", "freemem", "timestamp", "uptime"],
        "properties": {
            "_id": {"bsonType": "objectId"},
            "freemem": {"bsonType": "long"},
            "timestamp": {"bsonType": "date"},
            "uptime": {"bsonType": "float"},
            "loadAvg": {"bsonType": "array", "items": {"bsonType": "float"}},
            "machineInfo": {
                "title": "MachineInfo", "type": "object", "required": ["platform"],
                "properties": {"platform": {"bsonType": "string"}}
            },
            "tags": {"bsonType": "array", "items": {"bsonType": "string"}, "uniqueItems": true},
            "names": {"bsonType": "object", "additionalProperties": {"bsonType": "string"}},
            "extra": {"bsonType": "mixed"}
        }
    })
}

fn class() -> Value {
    json!({"classes": [
        {"name": "MachineInfo", "kind": "embedded", "properties": [{"name": "platform", "type": "string"}]},
        {"name": "SensorReading", "kind": "asymmetric", "primary_key": "_id", "properties": [
            {"name": "_id", "type": "objectId"},
            {"name": "freemem", "type": "int"},
            {"name": "timestamp", "type": "date"},
            {"name": "uptime", "type": "float"},
            {"name": "loadAvg", "type": "double", "optional": true, "collection": "list"},
            {"name": "machineInfo", "type": "object", "object": "MachineInfo", "optional": true},
            {"name": "tags", "type": "string", "collection": "set"},
            {"name": "names", "type": "string", "collection": "dictionary"},
            {"name": "extra", "type": "mixed"}
        ]}
    ]})
}

/// What contradicts the telemetry schema once `edit` has changed the class.
fn contradictions(development: bool, edit: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut json = class();
    edit(&mut json["classes"]);
    let schema = Schema::parse(&json.to_string()).unwrap();
    let class = schema.class("SensorReading").unwrap();
    sound(&telemetry()).contradictions(&schema, class, development)
}

#[test]
fn a_class_of_the_same_types_contradicts_nothing() {
    assert_eq!(contradictions(false, |_| {}), [""; 0]);
    assert_eq!(sound(&telemetry()).title(), Some("SensorReading"));
}

#[test]
fn a_class_may_leave_out_what_is_not_required() {
    let removed = |classes: &mut Value| {
        classes[1]["properties"].as_array_mut().unwrap().truncate(4);
    };
    assert_eq!(contradictions(false, removed), [""; 0]);
}

#[test]
fn contradictions_name_class_and_property() {
    let properties =
        |classes: &mut Value, at: usize, property: Value| classes[1]["properties"][at] = property;
    for (at, property, sentence) in [
        (
            1,
            json!({"name": "freemem", "type": "string"}),
            "property 'SensorReading.freemem' is 'string', and 'int' in the application's schema",
        ),
        (
            1,
            json!({"name": "freemem", "type": "int", "optional": true}),
            "property 'SensorReading.freemem' is optional, and required in the application's schema",
        ),
        (
            1,
            json!({"name": "freemem", "type": "int", "collection": "list"}),
            "property 'SensorReading.freemem' is 'array<int>', and 'int' in the application's schema",
        ),
        (
            4,
            json!({"name": "loadAvg", "type": "int", "collection": "list"}),
            "property 'SensorReading.loadAvg' is 'array<int>', and 'array<double>' in the application's schema",
        ),
        (
            5,
            json!({"name": "machineInfo", "type": "object", "object": "Other"}),
            "property 'SensorReading.machineInfo' is '<Other>', and '<MachineInfo>' in the application's schema",
        ),
        (
            6,
            json!({"name": "tags", "type": "string", "collection": "list"}),
            "property 'SensorReading.tags' is 'array<string>', and 'set<string>' in the application's schema",
        ),
        (
            7,
            json!({"name": "names", "type": "int", "collection": "dictionary"}),
            "property 'SensorReading.names' is 'dictionary<string, int>', and 'dictionary<string, string>' in the \
             application's schema",
        ),
        (
            8,
            json!({"name": "extra", "type": "int"}),
            "property 'SensorReading.extra' is 'int', and 'mixed' in the application's schema",
        ),
    ] {
        assert_eq!(
            contradictions(true, |classes| properties(classes, at, property)),
            [sentence]
        );
    }
}

#[test]
fn embedded_classes_are_compared_as_well() {
    let found = contradictions(true, |classes| classes[0]["properties"][0]["type"] = json!("int"));
    assert_eq!(
        found,
        ["property 'MachineInfo.platform' is 'int', and 'string' in the application's schema"]
    );
}

#[test]
fn a_property_that_is_required_has_to_be_in_the_class() {
    let removed = |classes: &mut Value| {
        classes[1]["properties"].as_array_mut().unwrap().remove(1);
    };
    assert_eq!(
        contradictions(true, removed),
        ["property 'SensorReading.freemem' is missing, which the application's schema requires"]
    );
}

#[test]
fn what_is_not_in_the_schema_can_be_added_in_development_mode_only() {
    let added = |classes: &mut Value| {
        let more = json!({"name": "more", "type": "int"});
        classes[0]["properties"].as_array_mut().unwrap().push(more);
    };
    assert_eq!(contradictions(true, added), [""; 0]);
    assert_eq!(
        contradictions(false, added),
        ["property 'MachineInfo.more' is not in the application's schema"]
    );
}

#[test]
fn a_schema_of_types_alone_has_nothing_to_say_of_documents() {
    let mut plain = telemetry();
    plain["properties"]["tags"] = json!({"bsonType": "array", "items": {"bsonType": "string"}});
    assert!(!sound(&plain).has_constraints());
    for (pointer, value) in [
        ("freemem", json!({"bsonType": "long", "minimum": 0})),
        (
            "loadAvg",
            json!({"bsonType": "array", "items": {"bsonType": "double", "maximum": 1}}),
        ),
        ("tags", json!({"bsonType": "array", "uniqueItems": true})),
        (
            "names",
            json!({"bsonType": "object", "additionalProperties": {"enum": ["a"]}}),
        ),
        (
            "names",
            json!({"bsonType": "object", "patternProperties": {"^a": {}}}),
        ),
        (
            "machineInfo",
            json!({"properties": {"platform": {"bsonType": "string", "pattern": "a"}}}),
        ),
    ] {
        let mut json = plain.clone();
        json["properties"][pointer] = value;
        assert!(sound(&json).has_constraints(), "{json}");
    }
    for required in ["machineInfo", "loadAvg", "extra"] {
        let mut json = plain.clone();
        json["required"] = json!(["_id", required]);
        assert!(sound(&json).has_constraints(), "classes can leave out {required}");
    }
}

#[test]
fn numbers_strings_arrays_and_documents_are_constrained() {
    let date = Bson::DateTime(bson::DateTime::from_millis(0));
    for (schema, good, bad, text) in [
        (
            json!({"minimum": 1.5}),
            Bson::Int64(2),
            Bson::Int64(1),
            "is below the minimum of 1.5",
        ),
        (
            json!({"minimum": 1, "exclusiveMinimum": true}),
            Bson::Double(1.5),
            Bson::Double(1.0),
            "is below the minimum of 1",
        ),
        (
            json!({"maximum": 1}),
            Bson::Int32(1),
            Bson::Double(1.1),
            "is above the maximum of 1",
        ),
        (
            json!({"maximum": 1, "exclusiveMaximum": true}),
            "0.9".parse::<bson::Decimal128>().unwrap().into(),
            "1".parse::<bson::Decimal128>().unwrap().into(),
            "is above the maximum of 1",
        ),
        (
            json!({"multipleOf": 5}),
            Bson::Int64(10),
            Bson::Int64(11),
            "is no multiple of 5",
        ),
        (
            json!({"enum": [1, "a"]}),
            Bson::Int64(1),
            Bson::Int64(2),
            "is none of the values in 'enum'",
        ),
        (
            json!({"minLength": 2}),
            "äö".into(),
            "ä".into(),
            "has fewer than 2 characters",
        ),
        (
            json!({"maxLength": 2}),
            "äö".into(),
            "äöü".into(),
            "has more than 2 characters",
        ),
        (
            json!({"pattern": "^[a-z]+$"}),
            "abc".into(),
            "aBc".into(),
            "does not match 'pattern'",
        ),
        (
            json!({"minItems": 1}),
            vec![1].into(),
            Bson::Array(vec![]),
            "has fewer than 1 elements",
        ),
        (
            json!({"maxItems": 1}),
            vec![1].into(),
            vec![1, 2].into(),
            "has more than 1 elements",
        ),
        (
            json!({"uniqueItems": true}),
            Bson::Array(vec![1.into(), 1.5.into(), "1".into()]),
            Bson::Array(vec![1.into(), 1.0.into()]),
            "has an element twice",
        ),
        (
            json!({"minProperties": 1}),
            doc! {"a": 1}.into(),
            doc! {}.into(),
            "has fewer than 1 fields",
        ),
        (
            json!({"maxProperties": 1}),
            doc! {"a": 1}.into(),
            doc! {"a": 1, "b": 1}.into(),
            "has more than 1 fields",
        ),
        (
            json!({"minimum": 1}),
            "a string".into(),
            Bson::Int32(0),
            "is below the minimum of 1",
        ),
        (
            json!({"bsonType": "date"}),
            date.clone(),
            Bson::Int64(1),
            "is long, which the schema of the application has as date",
        ),
        (
            json!({"bsonType": "long"}),
            Bson::Null,
            date,
            "is date, which the schema of the application has as int",
        ),
    ] {
        let schema = with_a(&schema);
        assert_eq!(check(&schema, good), Ok(()), "{text}");
        assert_eq!(
            check(&schema, bad).unwrap_err().reason,
            format!("'Reading.a' {text}")
        );
    }
}

#[test]
fn a_reason_says_where_in_the_document_something_is_wrong() {
    let schema = with_a(&json!({"items": {"properties": {"b": {"additionalProperties": {"maximum": 5}}}}}));
    let violation = check(&schema, vec![doc! {}, doc! {"b": {"c": 6}}]).unwrap_err();
    assert_eq!(violation.code, RefusalCode::ValidationFailed);
    assert_eq!(violation.reason, "'Reading.a[1].b.c' is above the maximum of 5");
}

#[test]
fn fields_are_required_depend_on_each_other_and_can_be_forbidden() {
    let schema = with_a(&json!({
        "bsonType": "object", "required": ["b"], "properties": {"b": {"bsonType": "string"}},
        "patternProperties": {"^x": {"bsonType": "long"}}, "additionalProperties": false,
        "dependencies": {"x1": ["x2"]}
    }));
    assert_eq!(check(&schema, doc! {"b": "", "x1": 1, "x2": 2}), Ok(()));
    for (a, code, reason) in [
        (
            doc! {},
            RefusalCode::MissingProperty,
            "'Reading.a.b' is required and missing",
        ),
        (
            doc! {"b": Bson::Null},
            RefusalCode::TypeMismatch,
            "'Reading.a.b' is null, which the schema of the application has as string",
        ),
        (
            doc! {"b": "", "y": 1},
            RefusalCode::UnknownProperty,
            "'Reading.a.y' is not among the properties that the schema of the application allows",
        ),
        (
            doc! {"b": "", "x1": ""},
            RefusalCode::TypeMismatch,
            "'Reading.a.x1' is string, which the schema of the application has as int",
        ),
        (
            doc! {"b": "", "x1": 1},
            RefusalCode::MissingProperty,
            "'Reading.a.x2' is missing, which 'x1' depends on",
        ),
    ] {
        let violation = check(&schema, a).unwrap_err();
        assert_eq!((violation.code, violation.reason.as_str()), (code, reason));
    }
}

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

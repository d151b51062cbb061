//! What of a class contradicts a schema.

use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use super::sound;

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
    let found = sound(&telemetry()).contradictions(&schema, class, development);
    found.iter().map(ToString::to_string).collect()
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
fn the_class_that_is_made_of_a_schema_contradicts_nothing_of_it() {
    let schema = sound(&telemetry());
    let described = schema.classes("SensorReading", &|class, property| format!("{class}_{property}"));
    let made = described.schema();
    made.validate().unwrap();
    let class = made.class("SensorReading").unwrap();
    assert_eq!(schema.contradictions(&made, class, false), []);
    assert_eq!(class.properties.first().unwrap().name, "_id");
    assert_eq!((class.properties.len(), made.classes.len()), (9, 2));
}

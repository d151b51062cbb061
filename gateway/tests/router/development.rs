//! Development mode with a directory of the app: devices bring what it does not describe.

use bson::oid::ObjectId;
use bson::{Bson, doc};
use realm_ingest_protocol::Schema;
use serde_json::json;

use crate::common::{batch, note, one_run, outbox, reading, schema};
use crate::directory::{Directory, send};

/// The class 'Reading' with another property.
fn extended(property: &str) -> Schema {
    let json = schema().to_json();
    let value = r#"{"name":"value","type":"double"}"#;
    assert!(json.contains(value));
    Schema::parse(&json.replace(value, &format!("{value},{property}"))).unwrap()
}

#[tokio::test]
async fn a_property_that_the_schema_does_not_have_is_taken_in_development_mode_only() {
    let mut directory = Directory::new();
    for (development, expected) in [
        (
            false,
            Some(
                "class 'Reading' contradicts the application's schema: property 'Reading.height' is not in the application's schema",
            ),
        ),
        (true, None),
    ] {
        directory.sync["development_mode_enabled"] = json!(development);
        let gateway = directory.gateway().await;
        let token = gateway.token().await;
        let mut document = reading(1.0);
        document.insert("height", 1_i64);
        let schema = extended(r#"{"name":"height","type":"int"}"#);
        let refused = send(&gateway, &token, &schema, &[one_run(1, "Reading", &[document])]).await;
        assert_eq!(refused.first().map(|one| one.reason.as_str()), expected);
    }
}

#[tokio::test]
async fn without_development_mode_no_device_comes_before_the_others_with_a_class_of_its_own() {
    let gateway = Directory::new().gateway().await;
    let token = gateway.token().await;
    let json = schema().to_json().replace(
        r#""name":"value","type":"double""#,
        r#""name":"value","type":"int""#,
    );
    assert_eq!(
        gateway
            .put_schema(&token, &Schema::parse(&json).unwrap())
            .await
            .status,
        204
    );
    let refused = send(
        &gateway,
        &token,
        &schema(),
        &[one_run(1, "Reading", &[reading(1.0)])],
    )
    .await;
    assert_eq!(refused, []);
}

#[tokio::test]
async fn in_development_mode_no_device_comes_before_the_others_with_a_class_that_contradicts_the_directory() {
    let mut directory = Directory::new();
    directory.sync["development_mode_enabled"] = json!(true);
    let gateway = directory.gateway().await;
    let stranger = gateway.token().await;
    let json = schema().to_json().replace(
        r#""name":"value","type":"double""#,
        r#""name":"value","type":"int""#,
    );
    let wrong = Schema::parse(&json).unwrap();
    assert_ne!(wrong.fingerprint(), schema().fingerprint());
    assert_eq!(gateway.put_schema(&stranger, &wrong).await.status, 204);
    let token = gateway.token().await;
    let transactions = [one_run(1, "Reading", &[reading(1.0)])];
    let refused = send(&gateway, &token, &schema(), &transactions).await;
    assert_eq!(refused, []);
    let document = doc! {"_id": ObjectId::new(), "value": 1_i64, "note": ""};
    let body = batch(&outbox(2), &wrong, &[one_run(1, "Reading", &[document])]);
    let refused = gateway.post(&stranger, "identity", body).await.ack().refused;
    assert_eq!(refused[0].code, "SchemaConflict", "{refused:?}");
}

#[tokio::test]
async fn in_development_mode_rules_without_a_schema_hold_for_the_class_of_the_collections_name() {
    let mut directory = Directory::new();
    directory.sync["development_mode_enabled"] = json!(true);
    let rules = |collection: &str| {
        json!({"database": "weather", "collection": collection, "roles": [{
            "name": "nobody", "apply_when": {}, "document_filters": {"read": true, "write": true}, "write": false
        }]})
    };
    let file = "data_sources/mongodb-atlas/weather/Note/rules.json";
    directory.files = vec![
        (file, rules("Note")),
        (
            // The class of this name has a collection by its title.
            "data_sources/mongodb-atlas/weather/Reading/rules.json",
            rules("Reading"),
        ),
    ];
    let gateway = directory.gateway().await;
    let token = gateway.token().await;
    let transactions = [
        one_run(1, "Note", &[note("a", "b")]),
        one_run(2, "Reading", &[reading(1.0)]),
    ];
    let refused = send(&gateway, &token, &schema(), &transactions).await;
    let told: Vec<_> = refused.iter().map(|one| (one.seq, one.code.as_str())).collect();
    assert_eq!(told, [(1, "NotPermitted")]);
    assert_eq!(refused[0].reason, "role 'nobody' forbids it: 'write' is false");
}

#[tokio::test]
async fn in_development_mode_devices_bring_classes_but_cannot_change_those_that_are_there() {
    let mut directory = Directory::new();
    directory.sync["development_mode_enabled"] = json!(true);
    directory.schema["properties"]["value"] = json!({"bsonType": "string"});
    let gateway = directory.gateway().await;
    let token = gateway.token().await;
    let transactions = [
        one_run(1, "Note", &[note("a", "b")]),
        one_run(2, "Reading", &[reading(1.0)]),
    ];
    let refused = send(&gateway, &token, &schema(), &transactions).await;
    let told: Vec<_> = refused
        .iter()
        .map(|one| (one.seq, one.code.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [(
            2,
            "SchemaConflict",
            "class 'Reading' contradicts the application's schema: property 'Reading.value' is 'double', and 'string' in the \
             application's schema"
        )]
    );
    assert_eq!(gateway.counts(), (1, 1));
}

#[tokio::test]
async fn in_development_mode_devices_are_compared_by_what_they_add_to_a_class_of_the_directory() {
    let mut directory = Directory::new();
    directory.sync["development_mode_enabled"] = json!(true);
    let gateway = directory.gateway().await;
    let token = gateway.token().await;
    let height = |kind: &str| extended(&format!(r#"{{"name":"height","type":"{kind}"}}"#));
    let edited = |schema: &Schema, from: &str, to: &str| {
        let json = schema.to_json();
        assert!(json.contains(from));
        Schema::parse(&json.replace(from, to)).unwrap()
    };
    let contradicting = edited(
        &height("string"),
        r#""name":"value","type":"double""#,
        r#""name":"value","type":"int""#,
    );
    // The directory does not ask for 'note', so whether a device does is no concern of the others.
    let asking = edited(
        &height("int"),
        r#""name":"note","type":"string","optional":true"#,
        r#""name":"note","type":"string""#,
    );
    let inside = |kind: &str| {
        let name = r#"{"name":"name","type":"string"}"#;
        let more = format!(r#"{name},{{"name":"height","type":"{kind}"}}"#);
        edited(&schema(), name, &more)
    };
    let of_value = |value: Bson, height: Bson| doc! {"_id": ObjectId::new(), "value": value, "note": "", "height": height};
    let of_place = |height: Bson| {
        doc! {"_id": ObjectId::new(), "value": 1.0, "note": "", "place": {"name": "", "height": height}}
    };
    let added = |class: &str| {
        format!(
            "class 'Reading' contradicts the accepted definition: Property '{class}.height' has been changed from 'int' to \
             'string'"
        )
    };
    let directorys = "class 'Reading' contradicts the application's schema: property 'Reading.value' is 'int', and 'double' in \
                      the application's schema";
    for (at, (schema, document, reason)) in (1..).zip([
        (
            contradicting,
            of_value(1_i64.into(), "1".into()),
            Some(directorys.to_owned()),
        ),
        (height("int"), of_value(1.0.into(), 1_i64.into()), None),
        (
            height("string"),
            of_value(1.0.into(), "1".into()),
            Some(added("Reading")),
        ),
        (asking, of_value(1.0.into(), 1_i64.into()), None),
        (inside("int"), of_place(1_i64.into()), None),
        (
            inside("string"),
            of_place("1".into()),
            Some(added("Place").replace("'Reading'", "'Place'")),
        ),
    ]) {
        assert_eq!(gateway.put_schema(&token, &schema).await.status, 204);
        let body = batch(&outbox(at), &schema, &[one_run(1, "Reading", &[document])]);
        let refused = gateway.post(&token, "identity", body).await.ack().refused;
        let told = refused.first().map(|one| one.reason.clone());
        assert_eq!(told, reason, "device {at}");
    }
}

#[tokio::test]
async fn in_development_mode_default_roles_may_ask_queryable_fields_of_classes_that_have_no_folder() {
    let transactions = [one_run(1, "Note", &[note("a", "mine"), note("b", "other")])];
    for (fields, of_collections, expected) in [
        (
            json!(["text"]),
            json!({}),
            vec!["role 'devices' forbids it: 'insert' does not hold"],
        ),
        (
            json!([]),
            json!({"Note": ["text"]}),
            vec!["role 'devices' forbids it: 'insert' does not hold"],
        ),
        (
            json!([]),
            json!({"Other": ["text"]}),
            vec!["role 'devices' cannot be used to stream: it asks 'text', which is no queryable field"; 2],
        ),
    ] {
        let mut directory = Directory::with_role(&json!({"insert": {"text": "mine"}}));
        directory.sync["development_mode_enabled"] = json!(true);
        directory.sync["queryable_fields_names"] = fields;
        directory.sync["collection_queryable_fields_names"] = of_collections;
        let gateway = directory.gateway().await;
        let token = gateway.token().await;
        let refused = send(&gateway, &token, &schema(), &transactions).await;
        let told: Vec<_> = refused.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(told, expected);
    }
}

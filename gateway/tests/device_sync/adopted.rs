//! Files that have said elsewhere what their classes are.

use bson::{Bson, doc};
use realm_ingest_gateway::collection_schema::CollectionSchema;
use realm_ingest_gateway::definition::{Collection, DataSource, Definition};
use serde_json::json;

use crate::changesets::{heavy, object, schema};
use crate::device::{Device, Name, fields};
use crate::gate::Gate;

const FOREIGN: Name = Name(4_711, 946_016_527_359_837_633);

/// A file of a device that was told all of its classes by the closed service.
async fn foreign(gate: &Gate, token: &str, name: Name) -> Device {
    let mut device = Device::connect(gate, token).await;
    device.bind_foreign(1, name, (40, 12)).await;
    device
}

/// Waits until the first upload is acknowledged, up to this version.
async fn taken_in(device: &mut Device, version: u64) {
    let told = fields(&device.hear().await);
    assert_eq!((told[2], told[8]), (version, 1), "{told:?}");
}

/// An application that describes its class, as its directory does.
fn described(development: bool) -> Definition {
    let schema = json!({
        "title": "Reading", "bsonType": "object", "required": ["_id", "n"],
        "properties": {
            "_id": {"bsonType": "objectId"},
            "n": {"bsonType": "long"},
            "at": {"bsonType": "date"},
            "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
            "pos": {"title": "Pos", "bsonType": "object", "required": ["lat"],
                "properties": {"lat": {"bsonType": "double"}}},
            "text": {"bsonType": "string"}
        }
    });
    let mut definition = Definition::development(None);
    definition.sync.development_mode = development;
    definition.sync.classes.insert("Reading".to_owned());
    let source = definition.synced().unwrap().clone();
    let collection = Collection {
        database: "app".to_owned(),
        name: "Reading".to_owned(),
        class: Some("Reading".to_owned()),
        schema: CollectionSchema::parse(&schema, &mut Vec::new()),
        rules: source.default_rules.clone(),
        relationships: [].into(),
        time_series: None,
    };
    let source = DataSource::new(source.name.clone(), source.default_rules, vec![collection]);
    definition.data_sources.insert(source.name.clone(), source);
    definition
}

#[tokio::test]
async fn the_directory_of_the_application_says_what_they_are() {
    for development in [false, true] {
        let gate = Gate::of(described(development)).await;
        let token = gate.local.token().await;
        let mut device = foreign(&gate, &token, FOREIGN).await;
        device
            .upload(1, &[(13, object(1, 5)), (14, heavy(2, 3)), (15, object(3, 6))])
            .await;
        taken_in(&mut device, 15).await;
        assert_eq!(gate.local.counts(), (3, 0));
        let stored = gate.local.stored();
        let names: Vec<_> = stored[0].keys().map(String::as_str).collect();
        assert_eq!(names, ["_id", "n", "at", "tags", "pos", "text"]);
        // What is required and was not sent is what a device would have had.
        assert_eq!(stored[1].get("n"), Some(&Bson::Int64(0)));
        assert_eq!(stored[1].get_str("text").unwrap(), "xxx");
        assert_eq!(stored[1].get("at"), Some(&Bson::Null));
        assert!(!stored[1].contains_key("pos"));
    }
}

#[tokio::test]
async fn what_nobody_says_is_guessed_and_keeps_nobody_else_out() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = foreign(&gate, &token, FOREIGN).await;
    device.upload(1, &[(13, object(1, 5)), (14, object(2, 6))]).await;
    taken_in(&mut device, 14).await;
    // A property that was not seen before.
    device.upload(1, &[(15, heavy(3, 3)), (16, object(4, 7))]).await;
    let server = device.acknowledged(1, 16).await;
    assert_eq!(gate.local.counts(), (4, 0));
    // Another file says what the class is, which is not what was guessed.
    let mut other = Device::connect(&gate, &token).await;
    other.bind_new(1).await;
    other.upload(1, &[(5, schema()), (6, object(5, 8))]).await;
    other.acknowledged(1, 6).await;
    assert_eq!(gate.local.counts(), (5, 0));
    let stored = gate.local.stored();
    assert_eq!(stored[0].get("n"), Some(&Bson::Int64(5)));
    assert_eq!(stored[0].get_document("pos").unwrap(), &doc! {"lat": 1.5});
    // The gateway knows by now what it has found out.
    drop(device);
    let gate = Gate::over(gate.local.restart().await).await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind(1, FOREIGN, (server, 16)).await;
    device.upload(1, &[(17, heavy(6, 3))]).await;
    device.acknowledged(1, 17).await;
    let stored = gate.local.stored();
    let last = stored.last().unwrap();
    assert_eq!(last.get_str("text").unwrap(), "xxx");
    assert_eq!(last.get("n"), Some(&Bson::Null));
}

#[tokio::test]
async fn what_other_devices_have_said_counts() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    device.acknowledged(1, 6).await;
    let mut other = foreign(&gate, &token, FOREIGN).await;
    other.upload(1, &[(13, object(2, 1))]).await;
    taken_in(&mut other, 13).await;
    let stored = gate.local.stored();
    let [mut one, mut same] = [stored[0].clone(), stored[1].clone()];
    assert_ne!(one.remove("_id"), same.remove("_id"));
    assert_eq!(one.to_vec().unwrap(), same.to_vec().unwrap(), "to the byte");
}

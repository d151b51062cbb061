//! The schemas and rules of an app's directory decide what is stored.

use std::sync::Arc;

use bson::{Bson, doc};
use realm_ingest_gateway::sink::embedded::EmbeddedSink;
use realm_ingest_gateway::state::{EmbeddedState, Users};
use realm_ingest_gateway::{Gateway, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::common::{Local, note, one_run, reading, schema};
use crate::directory::{Directory, refused, send};

#[tokio::test]
async fn what_the_schema_does_not_have_is_refused_and_the_rest_of_the_batch_is_stored() {
    let gateway = Directory::new().gateway().await;
    let token = gateway.token().await;
    let transactions = [
        one_run(1, "Note", &[note("a", "b")]),
        one_run(2, "Reading", &[reading(1.0), reading(2.0)]),
    ];
    let refused = send(&gateway, &token, &schema(), &transactions).await;
    let told: Vec<_> = refused
        .iter()
        .map(|one| (one.seq, one.code.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [(
            1,
            "SchemaConflict",
            "class 'Note' is not among the application's asymmetric_tables"
        )]
    );
    assert_eq!(gateway.counts(), (2, 1));
}

#[tokio::test]
async fn a_document_that_a_constraint_refuses_becomes_a_dead_letter_alone() {
    let mut directory = Directory::new();
    directory.schema["properties"]["value"]["maximum"] = json!(50);
    let gateway = directory.gateway().await;
    let token = gateway.token().await;
    let (hot, warm) = (reading(51.0), reading(20.0));
    let transaction = one_run(1, "Reading", &[warm.clone(), hot.clone(), reading(50.0)]);
    let refused = send(&gateway, &token, &schema(), &[transaction]).await;
    let reason = "'Reading.value' is above the maximum of 50";
    let told: Vec<_> = refused
        .iter()
        .map(|one| (one.index, one.code.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(told, [(1, "ValidationFailed", reason)]);
    assert_eq!(
        refused[0].id,
        json!({"$oid": hot.get_object_id("_id").unwrap().to_hex()})
    );
    let letters = gateway.letters();
    assert_eq!(
        (letters[0].code.as_str(), letters[0].reason.as_str()),
        ("ValidationFailed", reason)
    );
    assert_eq!(letters[0].document, hot.to_vec().unwrap());
    assert_eq!(gateway.stored().len(), 2);
    assert_eq!(gateway.stored()[0], warm);
}

#[tokio::test]
async fn a_role_decides_as_app_services_did() {
    let filters = |write: Value| json!({"document_filters": {"read": true, "write": write}});
    for (role, reason) in [
        (json!({}), None),
        (json!({"insert": null}), None),
        (
            json!({"apply_when": {"%%values.region": "north", "%%environment.tag": "qa"}}),
            None,
        ),
        (
            json!({"apply_when": {"%%values.region": "south"}}),
            Some("no role applies to the user"),
        ),
        (
            filters(json!(false)),
            Some("role 'devices' forbids it: 'document_filters.write' is false"),
        ),
        (filters(json!({"note": "open"})), None),
        (
            filters(json!({"note": "closed"})),
            Some("role 'devices' forbids it: 'document_filters.write' does not hold"),
        ),
        (filters(json!({"note": {"$in": ["open", "half"]}})), None),
        (
            json!({"write": false}),
            Some("role 'devices' forbids it: 'write' is false"),
        ),
        (
            json!({"insert": false}),
            Some("role 'devices' forbids it: 'insert' is false"),
        ),
        (
            json!({"insert": {"note": "closed"}}),
            Some("role 'devices' forbids it: 'insert' does not hold"),
        ),
        (json!({"write": null, "additional_fields": {"write": true}}), None),
        (
            json!({"write": null, "fields": {"value": {"write": true}, "note": {"write": true}}}),
            None,
        ),
        (
            json!({"write": null, "fields": {"value": {"write": true}}}),
            Some("role 'devices' forbids it: field 'note' may not be written"),
        ),
    ] {
        let mut directory = Directory::with_role(&role);
        directory.files = vec![
            ("values/region.json", json!({"name": "region", "value": "north"})),
            ("environments/qa.json", json!({"values": {}})),
        ];
        let mut document = reading(1.0);
        document.insert("note", "open");
        let definition = {
            let mut definition = directory.definition();
            "qa".clone_into(&mut definition.environment.tag);
            definition
        };
        let gateway = Local::of(definition, Settings::default()).await;
        let token = gateway.token().await;
        let refused = send(&gateway, &token, &schema(), &[one_run(1, "Reading", &[document])]).await;
        let told = refused
            .first()
            .map(|one| (one.code.as_str(), one.reason.as_str()));
        assert_eq!(told, reason.map(|reason| ("NotPermitted", reason)), "{role}");
    }
}

#[tokio::test]
async fn rules_of_a_collection_replace_the_default_ones() {
    let mut directory = Directory::with_role(&json!({"write": false}));
    let own = json!({"name": "own", "document_filters": {"read": true, "write": true}, "write": true});
    directory.files = vec![(
        "data_sources/mongodb-atlas/weather/readings/rules.json",
        json!({"database": "weather", "collection": "readings", "roles": [own]}),
    )];
    assert_eq!(refused(&directory, reading(1.0)).await, None);
    let other = json!({"name": "own", "apply_when": false, "document_filters": {"read": true, "write": true}, "write": true});
    directory.role["write"] = json!(true);
    directory.files[0].1["roles"] = json!([other]);
    let (code, reason) = refused(&directory, reading(1.0)).await.unwrap();
    assert_eq!(
        (code.as_str(), reason.as_str()),
        ("NotPermitted", "no role applies to the user")
    );
}

#[tokio::test]
async fn rules_know_the_user_who_sends() {
    let rules = json!({
        "apply_when": {
            "%%user.type": "normal", "%%user.identities.0.provider_type": "anon-user",
            "%%user.custom_data.team": "red"
        },
        "insert": {"note": "%%user.id"}
    });
    let directory = Directory::with_role(&rules);
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let sink = Arc::new(EmbeddedSink::open(data.path()).unwrap());
    let mut gateway = Gateway::new(Settings::default()).unwrap();
    gateway
        .add(directory.definition(), Arc::clone(&state) as _, sink)
        .await
        .unwrap();
    let gateway = Local::behind_router(gateway, Arc::new(data));
    let user = gateway.log_in().await;
    let (id, token) = (
        user["user_id"].as_str().unwrap(),
        user["access_token"].as_str().unwrap(),
    );
    let of = |owner: &str| {
        let mut document = reading(1.0);
        document.insert("note", owner);
        document
    };
    let refused = send(&gateway, token, &schema(), &[one_run(1, "Reading", &[of(id)])]).await;
    assert_eq!(refused[0].reason, "no role applies to the user");

    let data = RawValue::from_string(json!({"team": "red"}).to_string()).unwrap();
    assert!(state.set_custom_data(id, Some(data)).await.unwrap());
    let documents = [of(id), of("another")];
    let refused = send(&gateway, token, &schema(), &[one_run(2, "Reading", &documents)]).await;
    let told: Vec<_> = refused
        .iter()
        .map(|one| (one.index, one.reason.as_str()))
        .collect();
    assert_eq!(told, [(1, "role 'devices' forbids it: 'insert' does not hold")]);
}

#[tokio::test]
async fn a_refused_batch_that_is_sent_again_is_answered_as_before() {
    let gateway = Directory::with_role(&json!({"insert": {"note": "open"}}))
        .gateway()
        .await;
    let token = gateway.token().await;
    let open = doc! {"_id": bson::oid::ObjectId::new(), "value": 1.0, "note": "open", "place": Bson::Null};
    let transactions = [one_run(1, "Reading", &[reading(1.0), open])];
    let first = send(&gateway, &token, &schema(), &transactions).await;
    let again = send(&gateway, &token, &schema(), &transactions).await;
    assert_eq!(first, again);
    assert_eq!(gateway.counts(), (1, 1));
}

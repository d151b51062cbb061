//! Schemas come from the clients: asked for and extended; classes that contradict what is accepted are refused.

use std::sync::Arc;

use bson::doc;
use bson::oid::ObjectId;
use realm_ingest_gateway::Settings;
use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{BatchHeader, Run, Schema, TransactionHeader};

use crate::common::{APP, Local, batch, bytes, copy_files, format_1, one_run, outbox, reading, schema};

fn reading_class(properties: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {{"name":"_id","type":"objectId"}},{properties}]}}]}}"#
    ))
    .unwrap()
}

#[tokio::test]
async fn an_unknown_schema_is_asked_for_and_kept() {
    let gateway = Local::new().await;
    let token = gateway.token().await;
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
    let answer = gateway.post(&token, "identity", body.clone()).await;
    answer.refused(409, Some("SchemaRequired"), "schemas");
    assert_eq!(
        answer.json["missing"],
        serde_json::json!([schema().fingerprint()])
    );
    assert_eq!(gateway.counts(), (0, 0));
    assert_eq!(gateway.put_schema(&token, &schema()).await.status, 204);
    assert_eq!(gateway.put_schema(&token, &schema()).await.status, 204, "again");
    let gateway = gateway.restart().await;
    assert_eq!(gateway.post(&token, "identity", body).await.ack().acked, 1);
}

#[tokio::test]
async fn a_schema_that_is_missing_is_asked_for_once() {
    let gateway = Local::new().await;
    let token = gateway.token().await;
    let other = reading_class(r#"{"name":"value","type":"int"}"#);
    let mut body = Vec::new();
    let header = BatchHeader {
        outbox: outbox(1),
        lineage: outbox(1),
        acked: 0,
        after: 0,
        first_seq: 1,
        last_seq: 3,
        count: 3,
        schemas: vec![schema().fingerprint(), other.fingerprint()],
        device: None,
    };
    encode_batch_header(&header, &mut body);
    for (seq, schema) in [(1, 0), (2, 1), (3, 0)] {
        let runs = vec![Run {
            class: "Reading".to_owned(),
            count: 1,
        }];
        encode_transaction_header(&TransactionHeader { seq, schema, runs }, &mut body);
        body.extend(reading(1.0).to_vec().unwrap());
    }
    let answer = gateway.post(&token, "identity", body).await;
    answer.refused(409, Some("SchemaRequired"), "schemas");
    let missing = answer.json["missing"].as_array().unwrap();
    let mut wanted = [schema().fingerprint(), other.fingerprint()];
    wanted.sort();
    assert_eq!(*missing, wanted);
}

#[tokio::test]
async fn a_schema_extends_what_is_known() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let newer = reading_class(r#"{"name":"value","type":"double"},{"name":"height","type":"int"}"#);
    assert_eq!(gateway.put_schema(&token, &newer).await.status, 204);
    // Documents are measured by the schema they were written under, not by the newest.
    let old = batch(&outbox(1), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
    assert!(
        gateway
            .post(&token, "identity", old)
            .await
            .ack()
            .refused
            .is_empty()
    );
    let new = batch(&outbox(1), &newer, &[one_run(2, "Reading", &[reading(1.0)])]);
    let refused = gateway.post(&token, "identity", new).await.ack().refused;
    assert_eq!(
        (refused.len(), refused[0].code.as_str()),
        (1, "UnknownProperty"),
        "newer has no 'note'"
    );
}

#[tokio::test]
async fn of_a_breaking_release_everything_but_the_broken_class_is_stored() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    // Through a schema in between that does not mention the property at all.
    let between = reading_class(r#"{"name":"height","type":"int"}"#);
    assert_eq!(gateway.put_schema(&token, &between).await.status, 204);
    let breaking = Schema::parse(
        r#"{"classes":[
        {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},{"name":"value","type":"string"},{"name":"note","type":"string"}]},
        {"name":"Note","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"string"},{"name":"text","type":"string"},{"name":"more","type":"int"}]},
        {"name":"Extra","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"int"}]}]}"#,
    )
    .unwrap();
    assert_eq!(gateway.put_schema(&token, &breaking).await.status, 204);
    let changed = doc! {"_id": ObjectId::new(), "value": "warm", "note": ""};
    let misfit = doc! {"_id": ObjectId::new(), "value": 1.0, "note": ""};
    let transaction = (
        1,
        vec![
            ("Reading", bytes(&[changed.clone(), misfit])),
            ("Note", bytes(&[doc! {"_id": "a", "text": "b", "more": 1_i64}])),
            ("Extra", bytes(&[doc! {"_id": 1_i64}])),
        ],
    );
    let body = batch(&outbox(1), &breaking, &[transaction]);
    let mut gateway = gateway;
    for _ in 0..2 {
        let ack = gateway.post(&token, "identity", body.clone()).await.ack();
        let told: Vec<_> = ack
            .refused
            .iter()
            .map(|one| (one.index, one.code.as_str()))
            .collect();
        assert_eq!(told, [(0, "SchemaConflict"), (1, "TypeMismatch")]);
        assert_eq!(
            ack.refused[0].reason,
            "class 'Reading' contradicts the accepted definition: Property 'Reading.value' has been changed from \
             'double' to 'string'. Property 'Reading.note' has been made required"
        );
        assert_eq!((ack.acked, gateway.counts()), (1, (2, 2)));
        let letters = gateway.letters();
        assert_eq!(letters[0].schema, Some(breaking.fingerprint()));
        assert_eq!(letters[0].document, changed.to_vec().unwrap());
        gateway = gateway.restart().await;
    }
    // The release before goes on as if nothing had happened.
    let old = batch(&outbox(2), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
    assert!(
        gateway
            .post(&token, "identity", old)
            .await
            .ack()
            .refused
            .is_empty()
    );
    assert_eq!(gateway.counts(), (3, 2));
}

#[tokio::test]
async fn however_much_contradicts_the_reason_of_each_refusal_is_short() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let properties = |kind: &str| {
        let one = |n: usize| format!(r#"{{"name":"property_{n}","type":"{kind}"}}"#);
        (0..50).map(one).collect::<Vec<_>>().join(",")
    };
    for (number, kind) in ["int", "double"].into_iter().enumerate() {
        let schema = Schema::parse(&format!(
            r#"{{"classes":[{{"name":"Wide","kind":"asymmetric","primary_key":"_id","properties":[
                {{"name":"_id","type":"int"}},{}]}}]}}"#,
            properties(kind)
        ))
        .unwrap();
        assert_eq!(gateway.put_schema(&token, &schema).await.status, 204);
        if number == 1 {
            let mut wide = doc! {"_id": 1_i64};
            wide.extend((0..50).map(|n| (format!("property_{n}"), bson::Bson::Double(0.5))));
            let body = batch(&outbox(1), &schema, &[one_run(1, "Wide", &[wide])]);
            let refused = gateway.post(&token, "identity", body).await.ack().refused;
            let reason = &refused[0].reason;
            assert!(
                reason.len() < 250 && reason.contains("'Wide.property_0'"),
                "{reason}"
            );
        }
    }
}

#[tokio::test]
async fn both_releases_in_one_batch_are_judged_each_by_its_own_schema() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let breaking = reading_class(r#"{"name":"value","type":"int"}"#);
    assert_eq!(gateway.put_schema(&token, &breaking).await.status, 204);
    // As a device sends it that was updated with transactions waiting.
    let mut body = Vec::new();
    let header = BatchHeader {
        outbox: outbox(1),
        lineage: outbox(1),
        acked: 0,
        after: 0,
        first_seq: 1,
        last_seq: 2,
        count: 2,
        schemas: vec![schema().fingerprint(), breaking.fingerprint()],
        device: None,
    };
    encode_batch_header(&header, &mut body);
    for (seq, schema, document) in [
        (1, 0, reading(1.0)),
        (2, 1, doc! {"_id": ObjectId::new(), "value": 5_i64}),
    ] {
        let runs = vec![Run {
            class: "Reading".to_owned(),
            count: 1,
        }];
        encode_transaction_header(&TransactionHeader { seq, schema, runs }, &mut body);
        body.extend(document.to_vec().unwrap());
    }
    let ack = gateway.post(&token, "identity", body).await.ack();
    assert_eq!((ack.acked, ack.refused.len(), ack.refused[0].seq), (2, 1, 2));
    let letter = gateway.letters().remove(0);
    assert_eq!(letter.schema, Some(breaking.fingerprint()));
}

#[tokio::test]
async fn a_class_with_a_broken_embedded_class_is_refused() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let breaking = Schema::parse(
        r#"{"classes":[{"name":"Place","kind":"embedded","properties":[{"name":"name","type":"int"}]},
        {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},{"name":"value","type":"double"},
            {"name":"place","type":"object","object":"Place"}]}]}"#,
    )
    .unwrap();
    assert_eq!(gateway.put_schema(&token, &breaking).await.status, 204);
    let document = doc! {"_id": ObjectId::new(), "value": 1.0, "place": {"name": 1_i64}};
    let body = batch(&outbox(1), &breaking, &[one_run(1, "Reading", &[document])]);
    let refused = gateway.post(&token, "identity", body).await.ack().refused;
    assert_eq!(refused[0].code, "SchemaConflict");
    assert!(
        refused[0]
            .reason
            .contains("'Place.name' has been changed from 'string' to 'int'"),
        "{}",
        refused[0].reason
    );
}

#[tokio::test]
async fn schemas_of_a_file_of_format_1_are_the_accepted_ones() {
    let directory = tempfile::tempdir().unwrap();
    copy_files(&format_1(), directory.path());
    let gateway = Local::over(Arc::new(directory), Settings::default()).await;
    let token = gateway.token().await;
    let properties = r#"{"name":"station","type":"string"},{"name":"at","type":"date"},
        {"name":"celsius","type":"double","optional":true}"#;
    let known = reading_class(properties);
    let document = doc! {"_id": ObjectId::new(), "station": "s", "at": bson::DateTime::MIN};
    let body = |schema: &Schema, number, document: &bson::Document| {
        batch(
            &outbox(number),
            schema,
            &[one_run(1, "Reading", std::slice::from_ref(document))],
        )
    };
    let ack = gateway
        .post(&token, "identity", body(&known, 1, &document))
        .await
        .ack();
    assert!(ack.refused.is_empty(), "it is known and accepted");
    let breaking = reading_class(&properties.replace("date", "int"));
    assert_eq!(gateway.put_schema(&token, &breaking).await.status, 204);
    let document = doc! {"_id": ObjectId::new(), "station": "s", "at": 1_i64};
    let ack = gateway
        .post(&token, "identity", body(&breaking, 2, &document))
        .await
        .ack();
    assert_eq!(ack.refused[0].code, "SchemaConflict");
}

#[tokio::test]
async fn malformed_schemas_are_refused() {
    let gateway = Local::new().await;
    let token = gateway.token().await;
    let path = |fingerprint: &str| format!("{APP}/ingest/schemas/{fingerprint}");
    let good = path(&schema().fingerprint());
    let other = path(&"0".repeat(32));
    let json = schema().to_json();
    gateway
        .call("PUT", &good, None, &json)
        .await
        .refused(401, Some("InvalidSession"), "unauthorized");
    gateway
        .call("PUT", &other, Some(&token), &json)
        .await
        .refused(400, Some("BadRequest"), "fingerprint");
    for body in [
        "",
        "{",
        "[]",
        r#"{"classes":[{"name":"A","kind":"regular","properties":[]}]}"#,
    ] {
        gateway.call("PUT", &good, Some(&token), body).await.refused(
            400,
            Some("BadRequest"),
            "the schema is not valid",
        );
    }
    let keyless = Schema::parse(r#"{"classes":[{"name":"A","kind":"asymmetric","properties":[]}]}"#).unwrap();
    gateway.put_schema(&token, &keyless).await.refused(
        400,
        Some("BadRequest"),
        "There must be a primary key property named '_id' on a synchronized Realm but none was found for type 'A'",
    );
    let guess = reading_class(r#"{"name":"value","type":"int","guessed":true}"#);
    gateway
        .put_schema(&token, &guess)
        .await
        .refused(400, Some("BadRequest"), "a device knows its classes");
    let large = format!(r#"{{"classes":[]{}}}"#, " ".repeat(1024 * 1024));
    gateway
        .call("PUT", &good, Some(&token), &large)
        .await
        .refused(413, Some("ReadSizeLimitExceeded"), "");
    // Written in another way, it is the same schema.
    let spaced = serde_json::to_string_pretty(&schema()).unwrap();
    assert_eq!(
        gateway.call("PUT", &good, Some(&token), &spaced).await.status,
        204
    );
}

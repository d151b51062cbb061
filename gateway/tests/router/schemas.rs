//! Schemas come from the clients: asked for, extended, and refused where they contradict each other.

use realm_ingest_protocol::Schema;

use crate::common::{APP, Local, batch, one_run, outbox, reading, schema};

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
async fn a_breaking_change_is_refused_with_realms_words() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    // Through a schema in between that does not mention the property at all.
    let between = reading_class(r#"{"name":"height","type":"int"}"#);
    assert_eq!(gateway.put_schema(&token, &between).await.status, 204);
    let breaking = reading_class(r#"{"name":"value","type":"string"},{"name":"note","type":"string"}"#);
    for gateway in [gateway] {
        let answer = gateway.put_schema(&token, &breaking).await;
        answer.refused(
            409,
            Some("SchemaConflict"),
            "The following changes cannot be made in additive-only schema mode:",
        );
        answer.refused(
            409,
            Some("SchemaConflict"),
            "- Property 'Reading.value' has been changed from 'double' to 'string'.",
        );
        answer.refused(
            409,
            Some("SchemaConflict"),
            "- Property 'Reading.note' has been made required.",
        );
        let body = batch(&outbox(1), &breaking, &[one_run(1, "Reading", &[reading(1.0)])]);
        gateway
            .post(&token, "identity", body)
            .await
            .refused(409, Some("SchemaRequired"), "");
    }
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

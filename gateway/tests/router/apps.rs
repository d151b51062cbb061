//! Several apps behind one router: each has its own users, tokens, schemas and documents.

use std::sync::Arc;

use realm_ingest_gateway::definition::{Definition, Providers};
use realm_ingest_gateway::sink::embedded::Reader;
use realm_ingest_gateway::{Gateway, SetUpError, Settings};
use realm_ingest_protocol::CONTENT_TYPE;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Answer, Local, arrivals, batch, letters, note, one_run, outbox, schema};

const APPS: [&str; 2] = ["one-aaaaa", "two-bbbbb"];

/// A gateway with both apps, each in the directory of its name.
async fn both() -> (Local, Arc<TempDir>) {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut gateway = Gateway::new(Settings::default()).unwrap();
    for id in APPS {
        let directory = data.path().join(id);
        std::fs::create_dir(&directory).unwrap();
        let definition = Definition::development(Some(id.to_owned()));
        gateway.add_directory(definition, &directory).await.unwrap();
    }
    (Local::behind_router(gateway, Arc::clone(&data)), data)
}

fn path(app: &str, rest: &str) -> String {
    format!("/api/client/v2.0/app/{app}/{rest}")
}

async fn log_in(gateway: &Local, app: &str) -> Value {
    let path = path(app, "auth/providers/anon-user/login");
    let answer = gateway.call("POST", &path, None, "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json);
    answer.json
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

async fn put_schema(gateway: &Local, app: &str, token: &str) -> Answer {
    let schema = schema();
    let path = path(app, &format!("ingest/schemas/{}", schema.fingerprint()));
    gateway.call("PUT", &path, Some(token), &schema.to_json()).await
}

async fn post(gateway: &Local, app: &str, token: &str, body: Vec<u8>) -> Answer {
    let request = axum::http::Request::builder()
        .method("POST")
        .uri(path(app, "ingest"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", CONTENT_TYPE);
    gateway
        .send(request.body(axum::body::Body::from(body)).unwrap())
        .await
}

#[tokio::test]
async fn a_token_of_another_app_is_refused_wherever_a_path_names_one() {
    let (gateway, _data) = both().await;
    for (own, other) in [(APPS[0], APPS[1]), (APPS[1], APPS[0])] {
        let user = log_in(&gateway, own).await;
        let token = text(&user, "access_token");
        let refused = |answer: Answer| {
            answer.refused(
                401,
                Some("InvalidSession"),
                "unauthorized: the access token is for another app",
            );
        };
        refused(put_schema(&gateway, other, token).await);
        refused(post(&gateway, other, token, Vec::new()).await);
        let position = path(other, &format!("ingest/{}", outbox(1)));
        refused(gateway.call("GET", &position, Some(token), "").await);
        let call = path(other, "functions/call");
        refused(gateway.call("POST", &call, Some(token), r#"{"name":"f"}"#).await);
        assert_eq!(put_schema(&gateway, own, token).await.status, 204);
    }
}

#[tokio::test]
async fn where_no_path_names_it_the_token_tells_the_app() {
    let (gateway, _data) = both().await;
    let mut domains = Vec::new();
    for app in APPS {
        let user = log_in(&gateway, app).await;
        let profile = gateway
            .call(
                "GET",
                "/api/client/v2.0/auth/profile",
                Some(text(&user, "access_token")),
                "",
            )
            .await;
        assert_eq!(profile.json["user_id"], user["user_id"]);
        domains.push(profile.json["domain_id"].clone());
        let session = "/api/client/v2.0/auth/session";
        let refresh = text(&user, "refresh_token");
        let renewed = gateway.call("POST", session, Some(refresh), "").await;
        assert_eq!(renewed.status, 201);
        let token = text(&renewed.json, "access_token");
        assert_eq!(put_schema(&gateway, app, token).await.status, 204);
        let out = gateway.call("DELETE", session, Some(refresh), "").await;
        assert_eq!(out.status, 204);
    }
    assert_ne!(domains[0], domains[1]);
}

#[tokio::test]
async fn users_schemas_documents_positions_and_dead_letters_are_each_apps_own() {
    let (gateway, data) = both().await;
    let credentials = json!({"email": "ann", "password": "secret"}).to_string();
    for (number, app) in (1_i64..).zip(APPS) {
        let register = path(app, "auth/providers/local-userpass/register");
        let registered = gateway.call("POST", &register, None, &credentials).await;
        assert_eq!(registered.status, 201, "the name is free in each");
        let user = log_in(&gateway, app).await;
        let token = text(&user, "access_token");
        let sent = [
            note("a", &format!("of {app}")),
            bson::doc! {"_id": 1, "text": "refused"},
        ];
        let body = batch(
            &outbox(1),
            &schema(),
            &(1..=number)
                .map(|seq| one_run(seq, "Note", &sent))
                .collect::<Vec<_>>(),
        );
        post(&gateway, app, token, body.clone())
            .await
            .refused(409, Some("SchemaRequired"), "");
        put_schema(&gateway, app, token).await;
        assert_eq!(post(&gateway, app, token, body).await.ack().acked, number);
        let position = path(app, &format!("ingest/{}", outbox(1)));
        let position = gateway.call("GET", &position, Some(token), "").await;
        assert_eq!(position.json["position"], number);
    }
    for (number, app) in (1_usize..).zip(APPS) {
        let reader = Reader::open(&data.path().join(app)).unwrap();
        let documents = arrivals(&reader);
        assert_eq!(documents.len(), 1);
        let document = bson::Document::from_reader(&documents[0].document[..]).unwrap();
        assert_eq!(document.get_str("text").unwrap(), format!("of {app}"));
        assert_eq!(letters(&reader).len(), number);
    }
}

#[tokio::test]
async fn an_api_key_lets_nobody_into_another_app() {
    let (gateway, _data) = both().await;
    for (own, other) in [(APPS[0], APPS[1]), (APPS[1], APPS[0])] {
        let register = path(own, "auth/providers/local-userpass/register");
        let ann = json!({"email": "ann", "password": "secret"}).to_string();
        gateway.call("POST", &register, None, &ann).await;
        let login = path(own, "auth/providers/local-userpass/login");
        let ann = json!({"username": "ann", "password": "secret"}).to_string();
        let ann = gateway.call("POST", &login, None, &ann).await.json;
        let token = text(&ann, "refresh_token");
        let keys = "/api/client/v2.0/auth/api_keys";
        let made = gateway
            .call("POST", keys, Some(token), r#"{"name": "key"}"#)
            .await;
        assert_eq!(made.status, 201, "{:?}", made.json);
        let key = json!({"key": text(&made.json, "key")}).to_string();
        let login = |app: &str| path(app, "auth/providers/api-key/login");
        let here = gateway.call("POST", &login(own), None, &key).await;
        assert_eq!((here.status, &here.json["user_id"]), (200, &ann["user_id"]));
        let there = gateway.call("POST", &login(other), None, &key).await;
        there.refused(401, Some("AuthError"), "unauthorized");
        let listed = gateway.call("GET", keys, Some(token), "").await;
        assert_eq!(listed.json.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn failing_to_log_in_to_one_app_keeps_nobody_from_another() {
    let (gateway, _data) = both().await;
    let right = json!({"email": "ann", "password": "secret"}).to_string();
    for app in APPS {
        let register = path(app, "auth/providers/local-userpass/register");
        gateway.call("POST", &register, None, &right).await;
    }
    let right = json!({"username": "ann", "password": "secret"}).to_string();
    let wrong = json!({"username": "ann", "password": "wrong"}).to_string();
    let login = |app: &str| path(app, "auth/providers/local-userpass/login");
    while gateway.call("POST", &login(APPS[0]), None, &wrong).await.status == 401 {}
    let shut = gateway.call("POST", &login(APPS[0]), None, &right).await;
    assert_eq!(shut.status, 429);
    let other = gateway.call("POST", &login(APPS[1]), None, &right).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_provider_that_is_switched_off_lets_nobody_in() {
    let definition = Definition {
        providers: Providers::default(),
        ..Definition::development(None)
    };
    let gateway = Local::of(definition, Settings::default()).await;
    for (provider, action) in [
        ("anon-user", "login"),
        ("local-userpass", "login"),
        ("local-userpass", "register"),
    ] {
        let path = path("any", &format!("auth/providers/{provider}/{action}"));
        let answer = gateway.call("POST", &path, None, "{}").await;
        answer.refused(
            404,
            Some("AuthProviderNotFound"),
            &format!("auth provider not found: '{provider}'"),
        );
    }
}

#[tokio::test]
async fn apps_that_cannot_be_told_apart_are_not_served() {
    let data = tempfile::tempdir().unwrap();
    let named = |id: &str| Definition::development(Some(id.to_owned()));
    let directory = |name: &str| {
        let directory = data.path().join(name);
        std::fs::create_dir(&directory).unwrap();
        directory
    };
    let mut gateway = Gateway::new(Settings::default()).unwrap();
    let first = directory("first");
    gateway.add_directory(named("one"), &first).await.unwrap();
    let same_name = gateway.add_directory(named("one"), &directory("second")).await;
    let any_name = gateway
        .add_directory(Definition::development(None), &directory("third"))
        .await;
    let copy = directory("copy");
    crate::common::copy_files(&first, &copy);
    let same_users = gateway.add_directory(named("two"), &copy).await;
    for refused in [same_name, any_name, same_users] {
        assert!(matches!(refused, Err(SetUpError::Doubled(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_paused_app_lets_users_in_and_leaves_documents_on_their_devices() {
    let mut definition = Definition::development(Some(APPS[0].to_owned()));
    definition.sync.enabled = false;
    let gateway = Local::of(definition, Settings::default()).await;
    let user = log_in(&gateway, APPS[0]).await;
    let token = text(&user, "access_token");
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", "b")])]);
    for answer in [
        put_schema(&gateway, APPS[0], token).await,
        post(&gateway, APPS[0], token, body).await,
    ] {
        assert_eq!(answer.status, 503);
        assert!(answer.headers.contains_key("retry-after"));
        let said = text(&answer.json, "error");
        assert!(
            said.starts_with("the app takes no documents at present"),
            "{said}"
        );
    }
}

//! API keys of users, and those of servers.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::channel::Channel;
use realm_ingest_gateway::Settings;
use realm_ingest_gateway::auth::hash_of_secret;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::state::{ApiKey, ApiKeys, EmbeddedState, KeyOwner};
use serde_json::{Value, json};

use crate::common::{APP, Answer, Local};

const KEYS: &str = "/api/client/v2.0/auth/api_keys";
const PROFILE: &str = "/api/client/v2.0/auth/profile";
const SESSION: &str = "/api/client/v2.0/auth/session";

async fn log_in(gateway: &Local, provider: &str, body: Value) -> Answer {
    let path = format!("{APP}/auth/providers/{provider}/login");
    gateway.call("POST", &path, None, &body.to_string()).await
}

/// The log-in of a new user with a password.
async fn user(gateway: &Local, name: &str) -> Value {
    let path = format!("{APP}/auth/providers/local-userpass/register");
    let body = json!({"email": name, "password": "secret-1"}).to_string();
    assert_eq!(gateway.call("POST", &path, None, &body).await.status, 201);
    let answer = log_in(
        gateway,
        "local-userpass",
        json!({"username": name, "password": "secret-1"}),
    )
    .await;
    assert_eq!(answer.status, 200);
    answer.json
}

fn refresh(login: &Value) -> Option<&str> {
    login["refresh_token"].as_str()
}

async fn create(gateway: &Local, login: &Value, name: &str) -> Answer {
    let body = json!({"name": name}).to_string();
    gateway.call("POST", KEYS, refresh(login), &body).await
}

fn id(key: &Answer) -> String {
    assert_eq!(key.status, 201, "{:?}", key.json);
    key.json["_id"].as_str().unwrap().to_owned()
}

async fn by_key(gateway: &Local, key: &Value) -> Answer {
    log_in(gateway, "api-key", json!({"provider": "api-key", "key": key})).await
}

#[tokio::test]
async fn a_key_is_told_once_and_listed_in_the_order_of_creation() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    assert_eq!(
        gateway.call("GET", KEYS, refresh(&login), "").await.json,
        json!([])
    );
    let mut expected = Vec::new();
    for name in ["b", "a", "The_3-rd"] {
        let made = create(&gateway, &login, name).await;
        let id = id(&made);
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(made.json["key"].as_str().unwrap().len() >= 64);
        expected.push(json!({"_id": id, "name": name, "disabled": false}));
        let one = gateway
            .call("GET", &format!("{KEYS}/{id}"), refresh(&login), "")
            .await;
        assert_eq!((one.status, &one.json), (200, expected.last().unwrap()));
    }
    let all = gateway.call("GET", KEYS, refresh(&login), "").await;
    assert_eq!((all.status, all.json), (200, Value::from(expected)));
}

#[tokio::test]
async fn who_has_the_key_is_its_owner() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    let key = create(&gateway, &login, "key").await;
    let by_key = by_key(&gateway, &key.json["key"]).await;
    assert_eq!(by_key.status, 200, "{:?}", by_key.json);
    assert_eq!(by_key.json["user_id"], login["user_id"]);
    let profile = gateway
        .call("GET", PROFILE, by_key.json["access_token"].as_str(), "")
        .await;
    assert_eq!(profile.json["type"], "normal");
    assert_eq!(profile.json["identities"].as_array().unwrap().len(), 1);
    let own = format!("{KEYS}/{}", id(&key));
    let refused = gateway.call("DELETE", &own, refresh(&by_key.json), "").await;
    refused.refused(
        403,
        Some("BadRequest"),
        "this session was opened with the API key",
    );
    assert_eq!(
        gateway.call("DELETE", &own, refresh(&login), "").await.status,
        204
    );
    let gone = gateway.call("POST", SESSION, refresh(&by_key.json), "").await;
    gone.refused(401, Some("InvalidSession"), "failed to find refresh token");
}

#[tokio::test]
async fn a_key_that_is_disabled_or_gone_lets_nobody_in() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    let key = create(&gateway, &login, "key").await;
    let path = format!("{KEYS}/{}", id(&key));
    let put = async |what: &str| {
        gateway
            .call("PUT", &format!("{path}/{what}"), refresh(&login), "")
            .await
    };
    assert_eq!(put("disable").await.status, 204);
    by_key(&gateway, &key.json["key"])
        .await
        .refused(401, Some("AuthError"), "unauthorized");
    let shown = gateway.call("GET", &path, refresh(&login), "").await;
    assert_eq!(shown.json["disabled"], true);
    assert_eq!(put("enable").await.status, 204);
    assert_eq!(by_key(&gateway, &key.json["key"]).await.status, 200);
    assert_eq!(
        gateway.call("DELETE", &path, refresh(&login), "").await.status,
        204
    );
    by_key(&gateway, &key.json["key"])
        .await
        .refused(401, Some("AuthError"), "unauthorized");
    by_key(&gateway, &json!("nonsense"))
        .await
        .refused(401, Some("AuthError"), "unauthorized");
    by_key(&gateway, &json!(""))
        .await
        .refused(401, Some("AuthError"), "unauthorized");
}

#[tokio::test]
async fn access_tokens_of_a_key_that_is_disabled_or_gone_are_refused_and_no_others_of_its_user() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    for (method, what) in [("PUT", "/disable"), ("DELETE", "")] {
        let profile = async |login: &Value| {
            let token = login["access_token"].as_str();
            gateway.call("GET", PROFILE, token, "").await
        };
        let (key, other) = (
            create(&gateway, &login, "key").await,
            create(&gateway, &login, "other").await,
        );
        let opened = by_key(&gateway, &key.json["key"]).await.json;
        let beside = by_key(&gateway, &other.json["key"]).await.json;
        assert_eq!(profile(&opened).await.status, 200);
        let path = format!("{KEYS}/{}{what}", id(&key));
        assert_eq!(gateway.call(method, &path, refresh(&login), "").await.status, 204);
        let begin = Instant::now();
        let refusal = loop {
            let answer = profile(&opened).await;
            if answer.status != 200 {
                break answer;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "its token is still good"
            );
        };
        refusal.refused(401, Some("InvalidSession"), "the access token was revoked");
        for good in [&login, &beside] {
            assert_eq!(profile(good).await.status, 200);
        }
        for key in [key, other] {
            let path = format!("{KEYS}/{}", id(&key));
            gateway.call("DELETE", &path, refresh(&login), "").await;
        }
    }
}

#[tokio::test]
async fn names_are_checked_and_an_owners_own() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    for name in ["with space", "ä", "a.b", &"x".repeat(129)] {
        create(&gateway, &login, name).await.refused(
            400,
            Some("InvalidParameter"),
            "can only contain ASCII letters, numbers, underscores, and hyphens",
        );
    }
    create(&gateway, &login, "")
        .await
        .refused(400, None, "'name' is a required string");
    gateway
        .call("POST", KEYS, refresh(&login), "{}")
        .await
        .refused(400, None, "'name' is a required string");
    assert_eq!(create(&gateway, &login, "key").await.status, 201);
    create(&gateway, &login, "key")
        .await
        .refused(409, Some("APIKeyAlreadyExists"), "already exists");
    let other = user(&gateway, "other").await;
    assert_eq!(create(&gateway, &other, "key").await.status, 201);
}

#[tokio::test]
async fn a_user_has_20_keys_and_an_anonymous_one_none() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    for number in 0..20 {
        assert_eq!(create(&gateway, &login, &number.to_string()).await.status, 201);
    }
    create(&gateway, &login, "20")
        .await
        .refused(400, Some("BadRequest"), "as many API keys");
    let anonymous = gateway.log_in().await;
    create(&gateway, &anonymous, "key")
        .await
        .refused(400, Some("BadRequest"), "have no API keys");
}

#[tokio::test]
async fn nobody_elses_key_is_found() {
    let gateway = Local::new().await;
    let (login, other) = (user(&gateway, "me").await, user(&gateway, "other").await);
    let key = create(&gateway, &login, "key").await;
    for id in [id(&key), "0".repeat(24), "nonsense".to_owned()] {
        for (method, what) in [
            ("GET", ""),
            ("DELETE", ""),
            ("PUT", "/enable"),
            ("PUT", "/disable"),
        ] {
            let path = format!("{KEYS}/{id}{what}");
            let refused = gateway.call(method, &path, refresh(&other), "").await;
            refused.refused(404, Some("APIKeyNotFound"), "API key not found");
        }
    }
    assert_eq!(by_key(&gateway, &key.json["key"]).await.status, 200);
}

#[tokio::test]
async fn keys_are_for_who_shows_the_refresh_token_of_a_session_that_lasts() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    let missing = gateway.call("GET", KEYS, None, "").await;
    missing.refused(
        401,
        None,
        "expected Authorization header with JWT (Bearer schema)",
    );
    let access = gateway
        .call("GET", KEYS, login["access_token"].as_str(), "")
        .await;
    access.refused(401, None, "invalid refresh token: incorrect token type");
    assert_eq!(
        gateway.call("DELETE", SESSION, refresh(&login), "").await.status,
        204
    );
    let ended = gateway.call("GET", KEYS, refresh(&login), "").await;
    ended.refused(401, Some("InvalidSession"), "failed to find refresh token");
}

#[tokio::test]
async fn no_key_is_made_in_a_session_that_ends_while_the_request_comes() {
    let gateway = Local::new().await;
    let login = user(&gateway, "me").await;
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let request = Request::post(KEYS)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", refresh(&login).unwrap()));
    let ending = async {
        // The third piece is taken only when the first is read.
        for piece in ["{", "\"name\"", ":"] {
            sender.send_data(piece.into()).await.unwrap();
        }
        let ended = gateway.call("DELETE", SESSION, refresh(&login), "").await;
        assert_eq!(ended.status, 204);
        sender.send_data("\"key\"}".into()).await.unwrap();
        drop(sender);
    };
    let creating = gateway.send(request.body(Body::new(body)).unwrap());
    let (made, ()) = tokio::join!(creating, ending);
    made.refused(401, Some("InvalidSession"), "invalid session");
}

#[tokio::test]
async fn keys_can_be_off() {
    let mut definition = Definition::development(None);
    definition.providers.api_key = false;
    let gateway = Local::of(definition, Settings::default()).await;
    let login = user(&gateway, "me").await;
    create(&gateway, &login, "key")
        .await
        .refused(404, Some("AuthProviderNotFound"), "api-key");
    by_key(&gateway, &json!("key"))
        .await
        .refused(404, Some("AuthProviderNotFound"), "api-key");
}

#[tokio::test]
async fn a_servers_key_is_a_user_of_its_own() {
    let gateway = Local::new().await;
    let state = EmbeddedState::open_existing(gateway.data()).unwrap();
    let key = ApiKey {
        id: "5".repeat(24),
        owner: KeyOwner::App,
        name: "server".to_owned(),
        disabled: false,
        created: 0,
    };
    state.add_api_key(key, hash_of_secret("text")).await.unwrap();
    let (one, other) = (
        by_key(&gateway, &json!("text")).await,
        by_key(&gateway, &json!("text")).await,
    );
    assert_eq!((one.status, &one.json["user_id"]), (200, &other.json["user_id"]));
    let profile = gateway
        .call("GET", PROFILE, one.json["access_token"].as_str(), "")
        .await;
    assert_eq!(profile.json["type"], "server");
    assert_eq!(profile.json["data"], json!({"name": "server"}));
    let identity = &profile.json["identities"][0];
    assert_eq!(
        (&identity["id"], &identity["provider_type"]),
        (&json!("5".repeat(24)), &json!("api-key"))
    );
    create(&gateway, &one.json, "key")
        .await
        .refused(400, Some("BadRequest"), "have no API keys");
    assert!(
        state
            .remove_api_key(&KeyOwner::App, &"5".repeat(24))
            .await
            .unwrap()
    );
    by_key(&gateway, &json!("text"))
        .await
        .refused(401, Some("AuthError"), "unauthorized");
}

//! Users who add a way in, are kept out, or go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest_gateway::state::{EmbeddedState, Users};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::common::{APP, Answer, Local, one_run, outbox, reading, schema};

const DELETE: &str = "/api/client/v2.0/auth/delete";
const PROFILE: &str = "/api/client/v2.0/auth/profile";
const SESSION: &str = "/api/client/v2.0/auth/session";

async fn register(gateway: &Local, name: &str) {
    let path = format!("{APP}/auth/providers/local-userpass/register");
    let body = json!({"email": name, "password": "secret-1"}).to_string();
    assert_eq!(gateway.call("POST", &path, None, &body).await.status, 201);
}

fn password_of(name: &str) -> Value {
    json!({"username": name, "password": "secret-1"})
}

async fn log_in(gateway: &Local, name: &str) -> Answer {
    let path = format!("{APP}/auth/providers/local-userpass/login");
    gateway
        .call("POST", &path, None, &password_of(name).to_string())
        .await
}

async fn link(gateway: &Local, user: &Value, provider: &str, body: Value) -> Answer {
    let path = format!("{APP}/auth/providers/{provider}/login?link=true");
    gateway
        .call("POST", &path, text(user, "access_token"), &body.to_string())
        .await
}

fn text<'a>(login: &'a Value, name: &str) -> Option<&'a str> {
    login[name].as_str()
}

async fn profile(gateway: &Local, login: &Value) -> Answer {
    gateway
        .call("GET", PROFILE, text(login, "access_token"), "")
        .await
}

pub fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_anonymous_user_who_links_a_password_stays_himself() {
    let gateway = Local::new().await;
    let anonymous = gateway.log_in().await;
    register(&gateway, "me").await;
    for _ in 0..2 {
        let linked = link(&gateway, &anonymous, "local-userpass", password_of("me")).await;
        assert_eq!(linked.status, 200, "{:?}", linked.json);
        for same in ["user_id", "device_id"] {
            assert_eq!(linked.json[same], anonymous[same]);
        }
        assert_eq!(linked.json["refresh_token"], Value::Null);
        assert_eq!(profile(&gateway, &linked.json).await.status, 200);
    }
    let seen = profile(&gateway, &anonymous).await.json;
    let providers: Vec<_> = seen["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["provider_type"])
        .collect();
    assert_eq!(providers, ["anon-user", "local-userpass"]);
    assert_eq!(seen["data"], json!({"email": "me"}));
    assert_eq!(log_in(&gateway, "me").await.json["user_id"], anonymous["user_id"]);
}

#[tokio::test]
async fn what_cannot_be_linked_is_refused() {
    let gateway = Local::new().await;
    for name in ["me", "other", "third"] {
        register(&gateway, name).await;
    }
    let (me, other) = (
        log_in(&gateway, "me").await.json,
        log_in(&gateway, "other").await.json,
    );
    let anonymous = gateway.log_in().await;
    let taken = link(&gateway, &anonymous, "local-userpass", password_of("me")).await;
    taken.refused(
        401,
        Some("AuthError"),
        "unauthorized: a user already exists with the specified provider",
    );
    let second = link(&gateway, &me, "local-userpass", password_of("third")).await;
    second.refused(400, Some("AuthError"), "unauthorized");
    let wrong = link(
        &gateway,
        &anonymous,
        "local-userpass",
        json!({"username": "me", "password": "wrong-1"}),
    )
    .await;
    wrong.refused(401, Some("InvalidPassword"), "unauthorized");
    let nobody = link(&gateway, &me, "anon-user", json!({})).await;
    nobody.refused(401, Some("InvalidSession"), "invalid user link request");

    let path = "/api/client/v2.0/auth/api_keys";
    let key = gateway
        .call("POST", path, text(&other, "refresh_token"), r#"{"name":"key"}"#)
        .await;
    let key = json!({"key": key.json["key"]});
    let of_other = link(&gateway, &me, "api-key", key.clone()).await;
    of_other.refused(401, Some("InvalidSession"), "invalid user link request");
    let own = link(&gateway, &other, "api-key", key).await;
    assert_eq!((own.status, &own.json["user_id"]), (200, &other["user_id"]));
    let without = gateway
        .call(
            "POST",
            &format!("{APP}/auth/providers/api-key/login?link=true"),
            None,
            "{}",
        )
        .await;
    without.refused(
        401,
        Some("InvalidSession"),
        "unauthorized: expected Authorization header",
    );
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_his_documents_stay() {
    let gateway = Local::new().await;
    register(&gateway, "me").await;
    let login = log_in(&gateway, "me").await.json;
    let access = text(&login, "access_token").unwrap();
    gateway.put_schema(access, &schema()).await;
    let body = crate::common::batch(&outbox(1), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
    gateway.post(access, "identity", body).await.ack();

    assert_eq!(gateway.call("DELETE", DELETE, Some(access), "").await.status, 204);
    let again = log_in(&gateway, "me").await;
    again.refused(401, Some("InvalidPassword"), "unauthorized");
    let refreshed = gateway
        .call("POST", SESSION, text(&login, "refresh_token"), "")
        .await;
    refreshed.refused(401, Some("InvalidSession"), "failed to find refresh token");
    profile(&gateway, &login)
        .await
        .refused(401, Some("InvalidSession"), "unauthorized");
    gateway.call("DELETE", DELETE, Some(access), "").await.refused(
        401,
        Some("InvalidSession"),
        "unauthorized",
    );
    assert_eq!(gateway.counts(), (1, 0));
    let mut findings = Vec::new();
    let mut tell = |text: &str| findings.push(text.to_owned());
    realm_ingest_gateway::integrity::check(gateway.data(), &mut tell).unwrap();
    assert_eq!(findings, [""; 0]);

    register(&gateway, "me").await;
    assert_ne!(log_in(&gateway, "me").await.json["user_id"], login["user_id"]);
}

#[tokio::test]
async fn a_disabled_user_is_kept_out_until_he_is_enabled() {
    let gateway = Local::new().await;
    register(&gateway, "me").await;
    let login = log_in(&gateway, "me").await.json;
    let state = EmbeddedState::open_existing(gateway.data()).unwrap();
    let user = text(&login, "user_id").unwrap();
    state.set_disabled(user, true).await.unwrap();
    log_in(&gateway, "me")
        .await
        .refused(401, Some("UserDisabled"), "unauthorized");
    let refreshed = gateway
        .call("POST", SESSION, text(&login, "refresh_token"), "")
        .await;
    refreshed.refused(401, Some("InvalidSession"), "failed to find refresh token");
    state.set_disabled(user, false).await.unwrap();
    assert_eq!(log_in(&gateway, "me").await.json["user_id"], login["user_id"]);
}

#[tokio::test]
async fn custom_data_comes_with_each_new_access_token() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    assert!(claims(&login["access_token"]).get("user_data").is_none());
    let state = EmbeddedState::open_existing(gateway.data()).unwrap();
    let data = json!({"station": "north", "height": {"$numberLong": "12"}});
    let text_of_data = RawValue::from_string(data.to_string()).unwrap();
    state
        .set_custom_data(text(&login, "user_id").unwrap(), Some(text_of_data))
        .await
        .unwrap();
    let refreshed = gateway
        .call("POST", SESSION, text(&login, "refresh_token"), "")
        .await;
    assert_eq!(claims(&refreshed.json["access_token"])["user_data"], data);
    assert_eq!(profile(&gateway, &refreshed.json).await.json["custom_data"], data);
}

//! Registration, login, profile, session: the flows and the texts that clients look for.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use realm_ingest_gateway::Settings;
use realm_ingest_gateway::auth::{LoginLimits, Quota};
use serde_json::{Value, json};

use crate::common::{APP, Answer, Local};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

async fn register(gateway: &Local, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password}).to_string();
    gateway
        .call(
            "POST",
            &format!("{APP}/auth/providers/local-userpass/register"),
            None,
            &body,
        )
        .await
}

async fn log_in(gateway: &Local, username: &str, password: &str) -> Answer {
    let body = json!({
        "provider": "local-userpass", "username": username, "password": password,
        "options": {"device": {"platform": "Linux"}},
    });
    gateway
        .call(
            "POST",
            &format!("{APP}/auth/providers/local-userpass/login"),
            None,
            &body.to_string(),
        )
        .await
}

const STRANGER: &str = "192.0.2.1:1";
const OWNER: &str = "192.0.2.2:1";

/// A call of a provider by a client at this address.
async fn call_from(gateway: &Local, address: &str, path: &str, body: Value) -> Answer {
    let request =
        Request::post(format!("{APP}/auth/providers/{path}")).header("content-type", "application/json");
    let peer = ConnectInfo(address.parse::<SocketAddr>().unwrap());
    let request = request.extension(peer).body(Body::from(body.to_string()));
    gateway.send(request.unwrap()).await
}

async fn log_in_from(gateway: &Local, address: &str, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    call_from(gateway, address, "local-userpass/login", body).await
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn every_anonymous_login_is_a_new_user() {
    let gateway = Local::new().await;
    let (one, two) = (gateway.log_in().await, gateway.log_in().await);
    for login in [&one, &two] {
        assert!(is_hex(text(login, "user_id"), 24) && is_hex(text(login, "device_id"), 24));
        for token in ["access_token", "refresh_token"] {
            assert_eq!(text(login, token).split('.').count(), 3);
        }
    }
    assert_ne!(one["user_id"], two["user_id"]);
    let profile = gateway
        .call("GET", PROFILE, Some(text(&one, "access_token")), "")
        .await;
    assert_eq!(profile.status, 200);
    assert_eq!(profile.json["user_id"], one["user_id"]);
    assert_eq!(profile.json["type"], "normal");
    assert_eq!(profile.json["data"], json!({}));
    assert_eq!(profile.json["custom_data"], json!({}));
    let identity = &profile.json["identities"][0];
    assert_eq!(identity["provider_type"], "anon-user");
    let (id, letters) = text(identity, "id").split_once('-').unwrap();
    assert!(is_hex(id, 24) && letters.len() == 24 && letters.bytes().all(|byte| byte.is_ascii_lowercase()));
}

#[tokio::test]
async fn a_registered_user_logs_in_and_stays_the_same() {
    let gateway = Local::new().await;
    let answer = register(&gateway, "grüße, keine Adresse", "secret-7").await;
    assert_eq!(answer.status, 201, "{:?}", answer.json);
    let one = log_in(&gateway, "grüße, keine Adresse", "secret-7").await;
    let gateway = gateway.restart().await;
    let two = log_in(&gateway, "grüße, keine Adresse", "secret-7").await;
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(one.json["user_id"], two.json["user_id"]);
    // Tokens made before the restart are good after it.
    let profile = gateway
        .call("GET", PROFILE, Some(text(&one.json, "access_token")), "")
        .await;
    assert_eq!(profile.json["identities"][0]["provider_type"], "local-userpass");
    assert_eq!(profile.json["data"]["email"], "grüße, keine Adresse");
}

#[tokio::test]
async fn registration_checks_name_and_password() {
    let gateway = Local::new().await;
    for password in ["12345", &"x".repeat(129)] {
        register(&gateway, "a@b", password).await.refused(
            400,
            Some("BadRequest"),
            "password must be between 6 and 128 characters",
        );
    }
    assert_eq!(register(&gateway, "a@b", &"x".repeat(128)).await.status, 201);
    register(&gateway, "a@b", "another")
        .await
        .refused(409, Some("AccountNameInUse"), "name already in use");
    assert_eq!(
        register(&gateway, "A@b", "another").await.status,
        201,
        "case matters"
    );
    let path = format!("{APP}/auth/providers/local-userpass/register");
    for (body, text) in [
        (r#"{"email":"x"}"#, "'password' is a required string"),
        (r#"{"password":"secret"}"#, "'email' is a required string"),
        (
            r#"{"email":"","password":"secret"}"#,
            "'email' is a required string",
        ),
        ("[]", "json:"),
        ("{", "json:"),
        (r#"{"email":1,"password":"secret"}"#, "json:"),
    ] {
        gateway
            .call("POST", &path, None, body)
            .await
            .refused(400, Some("BadRequest"), text);
    }
}

#[tokio::test]
async fn a_name_is_bounded_and_has_no_control_characters() {
    let gateway = Local::new().await;
    for name in ["x".repeat(255).as_str(), "two\nlines", "\u{9b}2J"] {
        let answer = register(&gateway, name, "secret-7").await;
        answer.refused(400, Some("BadRequest"), "'email' has up to 254 characters");
    }
    assert_eq!(register(&gateway, &"x".repeat(254), "secret-7").await.status, 201);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_without_its_values() {
    let gateway = Local::new().await;
    for route in ["login", "register"] {
        let path = format!("{APP}/auth/providers/local-userpass/{route}");
        for body in [
            r#"{"email":"a","username":"a","password":424242}"#,
            r#""424242""#,
            r#"[424242,"x"]"#,
            r#"{"password":"424242"#,
            r#"{"password":"424242"}}"#,
            r#"{"password":["424242"]}"#,
        ] {
            let answer = gateway.call("POST", &path, None, body).await;
            answer.refused(400, Some("BadRequest"), "json: ");
            assert!(!answer.json.to_string().contains("424242"), "{:?}", answer.json);
        }
    }
}

#[tokio::test]
async fn a_failed_login_does_not_tell_why() {
    let gateway = Local::new().await;
    register(&gateway, "known", "secret-7").await;
    for (name, password) in [
        ("known", "secret-8"),
        ("unknown", "secret-7"),
        ("Known", "secret-7"),
        ("", ""),
    ] {
        let answer = log_in(&gateway, name, password).await;
        answer.refused(401, Some("InvalidPassword"), "unauthorized");
        assert_eq!(answer.json["error"], "unauthorized");
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_name_and_address_only() {
    let gateway = Local::new().await;
    register(&gateway, "victim", "secret-7").await;
    register(&gateway, "other", "secret-7").await;
    let from = |address, name, password| log_in_from(&gateway, address, name, password);
    for _ in 0..5 {
        assert_eq!(from(STRANGER, "victim", "guess-1").await.status, 401);
    }
    let answer = from(STRANGER, "victim", "secret-7").await;
    answer.refused(429, Some("AuthError"), "too many failed logins");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(from(STRANGER, "other", "secret-7").await.status, 200);
    assert_eq!(from(OWNER, "victim", "secret-7").await.status, 200);
}

/// Three of each for an address, and none of it comes back.
fn three_for_an_address() -> Settings {
    let three = Quota {
        burst: 3,
        each: Duration::from_secs(3600),
    };
    Settings {
        logins: LoginLimits {
            new_users: three,
            attempts: three,
            loopback_times: 2,
            ..LoginLimits::default()
        },
        ..Settings::default()
    }
}

#[track_caller]
fn put_off(answer: &Answer) {
    answer.refused(429, Some("LimitsExceeded"), "too many logins from this address");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1_000);
}

#[tokio::test]
async fn logins_are_limited_by_address_and_less_so_on_this_machine() {
    let gateway = Local::with(three_for_an_address()).await;
    assert_eq!(register(&gateway, "user", "secret-7").await.status, 201);
    for (address, allowed) in [(STRANGER, 3), (OWNER, 3), ("127.0.0.1:1", 6)] {
        for _ in 0..allowed {
            let answer = log_in_from(&gateway, address, "user", "secret-7").await;
            assert_eq!(answer.status, 200, "{address}");
        }
        put_off(&log_in_from(&gateway, address, "user", "secret-7").await);
    }
}

#[tokio::test]
async fn new_users_are_limited_by_address() {
    let gateway = Local::with(three_for_an_address()).await;
    let anonymous = |address| call_from(&gateway, address, "anon-user/login", json!({}));
    let registered = |address, name: &str| {
        let body = json!({"email": name, "password": "secret-7"});
        call_from(&gateway, address, "local-userpass/register", body)
    };
    assert_eq!(registered(STRANGER, "one").await.status, 201);
    assert_eq!(
        registered(STRANGER, "one").await.status,
        409,
        "asking for names counts too"
    );
    assert_eq!(anonymous(STRANGER).await.status, 200);
    put_off(&anonymous(STRANGER).await);
    put_off(&registered(STRANGER, "two").await);
    assert_eq!(anonymous(OWNER).await.status, 200);
    let answer = log_in_from(&gateway, STRANGER, "one", "secret-7").await;
    assert_eq!(answer.status, 200, "who has an account can log in");
}

#[tokio::test]
async fn a_refresh_token_makes_access_tokens_until_the_logout() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    let refresh = text(&login, "refresh_token");
    let answer = gateway.call("POST", SESSION, Some(refresh), "").await;
    assert_eq!(answer.status, 201);
    assert!(answer.json.get("refresh_token").is_none(), "it is not rotated");
    let access = text(&answer.json, "access_token").to_owned();
    assert_eq!(gateway.call("GET", PROFILE, Some(&access), "").await.status, 200);

    let other = gateway.log_in().await;
    let answer = gateway.call("DELETE", SESSION, Some(refresh), "").await;
    assert_eq!((answer.status, answer.json), (204, Value::Null));
    for method in ["POST", "DELETE"] {
        gateway.call(method, SESSION, Some(refresh), "").await.refused(
            401,
            Some("InvalidSession"),
            "invalid session: failed to find refresh token",
        );
    }
    let other = gateway
        .call("POST", SESSION, Some(text(&other, "refresh_token")), "")
        .await;
    assert_eq!(other.status, 201, "other sessions go on");
}

#[tokio::test]
async fn each_token_has_its_place() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    let (access, refresh) = (text(&login, "access_token"), text(&login, "refresh_token"));
    gateway.call("POST", SESSION, Some(access), "").await.refused(
        401,
        None,
        "invalid refresh token: incorrect token type",
    );
    gateway.call("GET", PROFILE, Some(refresh), "").await.refused(
        401,
        Some("InvalidSession"),
        "unauthorized",
    );
    gateway.call("GET", PROFILE, None, "").await.refused(
        401,
        Some("InvalidSession"),
        "expected Authorization header with JWT (Bearer schema)",
    );
    let elsewhere = Local::new().await.token().await;
    for bad in ["nonsense", &elsewhere, &access[..access.len() - 1]] {
        gateway.call("GET", PROFILE, Some(bad), "").await.refused(
            401,
            Some("InvalidSession"),
            "unauthorized",
        );
        gateway.call("POST", SESSION, Some(bad), "").await.refused(
            401,
            Some("InvalidSession"),
            "invalid session",
        );
    }
}

#[tokio::test]
async fn providers_and_functions_that_are_not_there() {
    let gateway = Local::new().await;
    for provider in ["custom-token", "custom-function", "oauth2-google", "x"] {
        let path = format!("{APP}/auth/providers/{provider}/login");
        gateway
            .call("POST", &path, None, "{}")
            .await
            .refused(404, Some("AuthProviderNotFound"), provider);
    }
    let path = format!("{APP}/functions/call");
    let call = r#"{"name":"sum","arguments":[1,2]}"#;
    let token = gateway.token().await;
    let answer = gateway.call("POST", &path, Some(&token), call).await;
    answer.refused(404, Some("FunctionNotFound"), "function not found: 'sum'");
    gateway
        .call("POST", &path, None, call)
        .await
        .refused(401, Some("InvalidSession"), "unauthorized");
}

#[tokio::test]
async fn many_logins_at_once_all_succeed() {
    let gateway = Local::new().await;
    register(&gateway, "shared", "secret-7").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let router = gateway.router.clone();
        tasks.spawn(async move {
            use tower::ServiceExt;
            let body = json!({"username": "shared", "password": "secret-7"}).to_string();
            let request = axum::http::Request::post(format!("{APP}/auth/providers/local-userpass/login"))
                .header("content-type", "application/json");
            router
                .oneshot(request.body(axum::body::Body::from(body)).unwrap())
                .await
                .unwrap()
                .status()
        });
    }
    for status in tasks.join_all().await {
        assert_eq!(status, 200);
    }
}

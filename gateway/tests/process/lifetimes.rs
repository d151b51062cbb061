//! How long tokens are good for, as the operator sets it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::common::server::{Server, command};
use crate::common::{APP, Answer};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

fn call(server: &Server, method: &str, path: &str, token: &Value) -> Answer {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    server.client().call(method, path, &headers, b"").unwrap()
}

/// What holds at most a minute comes to its end here.
#[track_caller]
fn ended(server: &Server, method: &str, path: &str, token: &Value) -> Answer {
    let begin = Instant::now();
    loop {
        let answer = call(server, method, path, token);
        if answer.status == 401 {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", answer.json);
        std::thread::yield_now();
    }
}

#[test]
fn an_access_token_is_good_for_as_long_as_is_set_and_a_refresh_gives_another() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--access-token-lifetime", "5"]);
    let path = format!("{APP}/auth/providers/anon-user/login");
    let login = server.client().call("POST", &path, &[], b"{}").unwrap().json;
    assert_eq!(call(&server, "GET", PROFILE, &login["access_token"]).status, 200);
    ended(&server, "GET", PROFILE, &login["access_token"]).refused(
        401,
        Some("InvalidSession"),
        "the access token has expired",
    );
    let refreshed = call(&server, "POST", SESSION, &login["refresh_token"]);
    assert_eq!(refreshed.status, 201);
    assert_eq!(
        call(&server, "GET", PROFILE, &refreshed.json["access_token"]).status,
        200
    );
}

#[test]
fn a_refresh_token_is_good_for_as_long_as_is_set_unless_its_user_is_anonymous() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--refresh-token-lifetime", "60"]);
    let post = |path: &str, body: &Value| {
        let path = format!("{APP}/auth/providers/{path}");
        let body = body.to_string();
        server
            .client()
            .call("POST", &path, &[], body.as_bytes())
            .unwrap()
            .json
    };
    post(
        "local-userpass/register",
        &json!({"email": "me", "password": "secret-1"}),
    );
    let login = post(
        "local-userpass/login",
        &json!({"username": "me", "password": "secret-1"}),
    );
    assert_eq!(lifetime(&login["refresh_token"]), 60);
    assert_eq!(lifetime(&login["access_token"]), 1800);
    let anonymous = post("anon-user/login", &json!({}));
    assert_eq!(lifetime(&anonymous["refresh_token"]), 50 * 365 * 24 * 60 * 60);
}

/// Seconds that a token says it is good for.
fn lifetime(token: &Value) -> i64 {
    let claims = token.as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

#[test]
fn lifetimes_that_are_too_short_or_too_long_are_refused() {
    let data = tempfile::tempdir().unwrap();
    for (flag, seconds, range) in [
        ("--access-token-lifetime", "4", "5 to 1800"),
        ("--access-token-lifetime", "1801", "5 to 1800"),
        ("--refresh-token-lifetime", "59", "60 to 157680000"),
        ("--refresh-token-lifetime", "157680001", "60 to 157680000"),
    ] {
        let output = command(data.path(), &["serve", "--dev", flag, seconds]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!("{flag} takes {range} seconds, not {seconds}")),
            "{said}"
        );
    }
}

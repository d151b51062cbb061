//! The operator lets another key sign, beside a running server, and nobody is logged out.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::common::server::{Server, command, lines};
use crate::common::{APP, copy_files, format_1};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

fn call(server: &Server, method: &str, path: &str, token: &str) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    let answer = server
        .client()
        .call(method, path, &[("authorization", &bearer)], b"");
    let answer = answer.unwrap();
    (answer.status, answer.json)
}

/// The access and the refresh token of a new user.
fn log_in(server: &Server) -> (String, String) {
    let path = format!("{APP}/auth/providers/anon-user/login");
    let answer = server.client().call("POST", &path, &[], b"{}").unwrap();
    let token = |name: &str| answer.json[name].as_str().unwrap().to_owned();
    (token("access_token"), token("refresh_token"))
}

/// The key that a token names.
fn key_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Number, whether it signs, and sessions of each key.
fn keys(data: &Path) -> Vec<Value> {
    let listed = lines(data, &["keys", "list"]);
    let parsed = listed
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .map(|key| json!([key["key"], key["signs"], key["sessions"]]))
        .collect()
}

#[track_caller]
fn refused(data: &Path, arguments: &[&str], text: &str) {
    let output = command(data, arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(text), "{said}");
}

#[test]
fn a_new_key_signs_and_nobody_is_logged_out() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let (access, refresh) = log_in(&server);
    assert_eq!((key_of(&access), key_of(&refresh)), ("1".into(), "1".into()));
    assert_eq!(lines(data, &["keys", "rotate"]), ["key 2 signs from now on"]);
    let (new_access, new_refresh) = log_in(&server);
    assert_eq!(
        (key_of(&new_access), key_of(&new_refresh)),
        ("2".into(), "2".into())
    );
    for token in [&access, &new_access] {
        assert_eq!(call(&server, "GET", PROFILE, token).0, 200);
    }
    for token in [&refresh, &new_refresh] {
        let (status, json) = call(&server, "POST", SESSION, token);
        assert_eq!(status, 201, "{json:?}");
        assert_eq!(key_of(json["access_token"].as_str().unwrap()), "2");
    }
    assert_eq!(keys(data), [json!([1, false, 1]), json!([2, true, 1])]);
}

#[test]
fn a_key_is_retired_once_it_has_no_sessions_or_by_force() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let (access, refresh) = log_in(&server);
    lines(data, &["keys", "rotate"]);
    let (_, of_second) = log_in(&server);
    lines(data, &["keys", "rotate"]);
    refused(
        data,
        &["keys", "retire", "1"],
        "1 refresh tokens of key 1 are good",
    );
    assert_eq!(call(&server, "DELETE", SESSION, &of_second).0, 204);
    let retired = lines(data, &["keys", "retire", "2"]);
    assert_eq!(retired, ["key 2 is retired, sessions ended: 0"]);

    assert_eq!(
        call(&server, "POST", SESSION, &refresh).0,
        201,
        "nothing happened to it"
    );
    let retired = lines(data, &["keys", "retire", "1", "--force"]);
    assert_eq!(retired, ["key 1 is retired, sessions ended: 1"]);
    let (status, json) = call(&server, "POST", SESSION, &refresh);
    assert_eq!((status, &json["error_code"]), (401, &json!("InvalidSession")));
    // The server has not been told; it looks.
    while call(&server, "GET", PROFILE, &access).0 != 401 {
        std::thread::yield_now();
    }
    assert_eq!(keys(data), [json!([3, true, 0])]);
    assert_eq!(key_of(&log_in(&server).1), "3");
}

#[test]
fn what_cannot_be_retired_is_said() {
    let data = tempfile::tempdir().unwrap();
    drop(Server::start(data.path()));
    refused(
        data.path(),
        &["keys", "retire", "1", "--force"],
        "key 1 signs; 'keys rotate'",
    );
    refused(
        data.path(),
        &["keys", "retire", "7"],
        "there is no key 7; 'keys list'",
    );
    lines(data.path(), &["keys", "rotate"]);
    lines(data.path(), &["keys", "retire", "1"]);
    assert_eq!(
        lines(data.path(), &["keys", "rotate"]),
        ["key 3 signs from now on"]
    );
}

#[test]
fn the_key_of_an_earlier_release_is_the_first_and_no_key_is_printed() {
    let data = tempfile::tempdir().unwrap();
    copy_files(&format_1(), data.path());
    refused(data.path(), &["keys", "list"], "has format 1, not 2");
    drop(Server::start(data.path()));
    assert_eq!(keys(data.path()), [json!([1, true, 2])]);
    let mut printed = String::new();
    for arguments in [
        &["keys", "rotate"][..],
        &["keys", "list"],
        &["keys", "retire", "1", "--force"],
    ] {
        printed += &lines(data.path(), arguments).concat();
    }
    let key = lines(data.path(), &["keys", "list"]).remove(0);
    let key: Value = serde_json::from_str(&key).unwrap();
    let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["key", "sessions", "signs", "time", "until", "used"]);
    let file = rusqlite::Connection::open(data.path().join("gateway.sqlite")).unwrap();
    let secret: Vec<u8> = file
        .query_one("SELECT secret FROM keys", [], |row| row.get(0))
        .unwrap();
    assert_eq!(secret.len(), 32);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!printed.contains(&hex) && !printed.contains(&URL_SAFE_NO_PAD.encode(&secret)));
}

//! The operator's commands about users, beside a running server.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::server::{BINARY, Server, command, lines};
use crate::common::{APP, Answer};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

fn call(server: &Server, method: &str, path: &str, token: &Value) -> Answer {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    server.client().call(method, path, &headers, b"").unwrap()
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    let path = format!("{APP}/auth/providers/{path}");
    let body = body.to_string();
    server.client().call("POST", &path, &[], body.as_bytes()).unwrap()
}

fn log_in(server: &Server, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password});
    post(server, "local-userpass/login", &body)
}

fn with_input(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(BINARY)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses at once does not read it.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

fn create(data: &Path, name: &str) {
    let made = with_input(data, &["users", "create", name], "secret-1\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn parsed(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let lines = lines(data, arguments);
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[track_caller]
fn refused(output: &Output, code: i32, text: &str) {
    assert_eq!(output.status.code(), Some(code));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(text), "{said}");
}

#[test]
fn a_user_is_made_shown_and_logs_in() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me@example.com");
    let shown = parsed(data, &["users", "show", "me@example.com"]).remove(0);
    assert_eq!(shown["type"], "normal");
    assert_eq!(shown["data"], json!({"email": "me@example.com"}));
    assert_eq!(shown["identities"][0]["provider"], "local-userpass");
    assert_eq!(
        (&shown["custom_data"], &shown["api_keys"]),
        (&Value::Null, &json!([]))
    );
    let login = log_in(&server, "me@example.com", "secret-1");
    assert_eq!(login.json["user_id"], shown["user"]);
    let printed = lines(data, &["users", "list"]).concat() + &shown.to_string();
    assert!(!printed.contains("argon2") && !printed.contains("secret"));

    let again = with_input(data, &["users", "create", "me@example.com"], "secret-1");
    refused(&again, 1, "'me@example.com' is registered already");
    refused(
        &with_input(data, &["users", "create", "x"], "short"),
        2,
        "6 to 128 characters",
    );
    refused(
        &with_input(data, &["users", "create", ""], "secret-1"),
        2,
        "an e-mail has",
    );
}

/// As `script` of Linux runs a command at a terminal of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_does_not_show_the_password_that_is_typed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut process = Command::new("script")
        .args([
            "-qec",
            r#"tty; exec "$BINARY" users create me --data "$DATA""#,
            "/dev/null",
        ])
        .env("BINARY", BINARY)
        .env("DATA", data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = BufReader::new(process.stdout.take().unwrap());
    let mut terminal = String::new();
    screen.read_line(&mut terminal).unwrap();
    let mut prompt = Vec::new();
    screen.read_until(b':', &mut prompt).unwrap();
    assert_eq!(String::from_utf8(prompt).unwrap(), "Password:");
    let begin = Instant::now();
    while shows_what_is_typed(terminal.trim()) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the password is shown");
    }
    let mut keyboard = process.stdin.take().unwrap();
    keyboard.write_all(b"secret-1\n").unwrap();
    let mut shown = String::new();
    screen.read_to_string(&mut shown).unwrap();
    assert!(process.wait().unwrap().success(), "{shown}");
    assert!(shown.contains("is there") && !shown.contains("secret"), "{shown}");
    assert_eq!(log_in(&server, "me", "secret-1").status, 200);
}

#[cfg(target_os = "linux")]
fn shows_what_is_typed(terminal: &str) -> bool {
    let settings = Command::new("stty")
        .args(["-a", "-F", terminal])
        .output()
        .unwrap();
    let settings = String::from_utf8(settings.stdout).unwrap();
    settings.split_whitespace().any(|setting| setting == "echo")
}

#[test]
fn users_are_listed_with_those_who_never_logged_in_behind() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let anonymous = post(&server, "anon-user/login", &json!({}));
    create(data, "b");
    for name in ["z", "a"] {
        let registered = post(
            &server,
            "local-userpass/register",
            &json!({"email": name, "password": "secret-1"}),
        );
        assert_eq!(registered.status, 201);
    }
    let listed = parsed(data, &["users", "list"]);
    let seen: Vec<_> = listed
        .iter()
        .map(|line| (&line["user"], &line["email"], &line["data"]["email"]))
        .collect();
    assert_eq!(seen[0].0, &anonymous.json["user_id"]);
    assert_eq!((seen.len(), seen[1].2), (4, &json!("b")));
    assert_eq!(
        (seen[2].0, seen[2].1, seen[3].1),
        (&Value::Null, &json!("a"), &json!("z"))
    );
    refused(
        &command(data, &["users", "disable", "a"]),
        1,
        "has never logged in",
    );
    let removed = lines(data, &["users", "delete", "a"]);
    assert_eq!(removed, ["the registration of 'a' is removed"]);
    assert_eq!(parsed(data, &["users", "list"]).len(), 3);
}

#[test]
fn a_disabled_user_is_out_within_a_second_and_comes_back_when_enabled() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let login = log_in(&server, "me", "secret-1").json;
    assert_eq!(call(&server, "GET", PROFILE, &login["access_token"]).status, 200);
    lines(data, &["users", "disable", "me"]);
    assert_eq!(parsed(data, &["users", "show", "me"])[0]["disabled"], true);
    log_in(&server, "me", "secret-1").refused(401, Some("UserDisabled"), "unauthorized");
    call(&server, "POST", SESSION, &login["refresh_token"]).refused(401, Some("InvalidSession"), "");
    // The server has not been told; it looks.
    let refusal = loop {
        let answer = call(&server, "GET", PROFILE, &login["access_token"]);
        if answer.status != 200 {
            break answer;
        }
        std::thread::yield_now();
    };
    refusal.refused(
        401,
        Some("InvalidSession"),
        "unauthorized: the access token was revoked",
    );
    lines(data, &["users", "enable", "me"]);
    let again = log_in(&server, "me", "secret-1").json;
    assert_eq!(again["user_id"], login["user_id"]);
    assert_eq!(call(&server, "GET", PROFILE, &again["access_token"]).status, 200);
}

#[test]
fn revoked_sessions_end_and_the_user_logs_in_again_at_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let login = log_in(&server, "me", "secret-1").json;
    lines(data, &["users", "revoke", "me"]);
    let again = log_in(&server, "me", "secret-1");
    assert_eq!(again.status, 200);
    while call(&server, "GET", PROFILE, &login["access_token"]).status == 200 {
        std::thread::yield_now();
    }
    call(&server, "POST", SESSION, &login["refresh_token"]).refused(401, Some("InvalidSession"), "");
    assert_eq!(
        call(&server, "GET", PROFILE, &again.json["access_token"]).status,
        200
    );
    assert_eq!(
        call(&server, "POST", SESSION, &again.json["refresh_token"]).status,
        201
    );
}

#[test]
fn a_user_is_deleted_by_his_id_also_where_somebody_has_registered_it_as_an_e_mail() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let id = parsed(data, &["users", "show", "me"])[0]["user"].clone();
    let body = json!({"email": id, "password": "secret-2"});
    assert_eq!(post(&server, "local-userpass/register", &body).status, 201);
    let id = id.as_str().unwrap();
    let removed = lines(data, &["users", "delete", id]);
    assert_eq!(removed, [format!("user {id} is removed")]);
    let removed = lines(data, &["users", "delete", id]);
    assert_eq!(removed, [format!("the registration of '{id}' is removed")]);
}

#[test]
fn a_deleted_user_is_gone_for_commands_and_clients() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let id = parsed(data, &["users", "show", "me"])[0]["user"].clone();
    let removed = lines(data, &["users", "delete", "me"]);
    assert_eq!(removed, [format!("user {} is removed", id.as_str().unwrap())]);
    log_in(&server, "me", "secret-1").refused(401, Some("InvalidPassword"), "unauthorized");
    for name in ["me", id.as_str().unwrap()] {
        refused(
            &command(data, &["users", "show", name]),
            1,
            &format!("there is no user '{name}'"),
        );
    }
    assert_eq!(parsed(data, &["users", "list"]), [Value::Null; 0]);
    let checked = command(data, &["check-integrity"]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
}

#[test]
fn custom_data_is_a_document_and_comes_with_the_next_token() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let login = post(&server, "anon-user/login", &json!({})).json;
    let user = login["user_id"].as_str().unwrap();
    let document = r#"{"station":"north","since":{"$date":{"$numberLong":"1"}}}"#;
    lines(data, &["users", "set-custom-data", user, document]);
    let refreshed = call(&server, "POST", SESSION, &login["refresh_token"]);
    assert_eq!(refreshed.status, 201);
    let profile = call(&server, "GET", PROFILE, &refreshed.json["access_token"]);
    assert_eq!(
        profile.json["custom_data"],
        serde_json::from_str::<Value>(document).unwrap()
    );
    let shown = parsed(data, &["users", "show", user]).remove(0);
    assert_eq!(shown["custom_data"], profile.json["custom_data"]);

    for (wrong, text) in [
        ("[1]", "a document in Extended JSON"),
        ("{", "a document in Extended JSON"),
        (r#"{"x":{"$oid":"short"}}"#, "a document in Extended JSON"),
        (&format!(r#"{{"x":"{}"}}"#, "y".repeat(16 * 1024)), "up to 16 KiB"),
    ] {
        refused(
            &command(data, &["users", "set-custom-data", user, wrong]),
            2,
            text,
        );
    }
    lines(data, &["users", "set-custom-data", user, "null"]);
    assert_eq!(
        parsed(data, &["users", "show", user])[0]["custom_data"],
        Value::Null
    );
}

#[test]
fn a_server_logs_in_by_its_key_until_the_operator_takes_it_away() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let made = parsed(data, &["keys", "create", "importer"]).remove(0);
    let by_key = || post(&server, "api-key/login", &json!({"key": made["text"]}));
    let login = by_key();
    assert_eq!(login.status, 200, "{:?}", login.json);
    let profile = call(&server, "GET", PROFILE, &login.json["access_token"]);
    assert_eq!(profile.json["type"], "server");
    let listed = lines(data, &["keys", "list"]);
    assert_eq!(listed.len(), 2, "one signs, one is the server's");
    assert!(!listed.concat().contains(made["text"].as_str().unwrap()));
    let id = made["api_key"].as_str().unwrap();
    refused(
        &command(data, &["keys", "create", "importer"]),
        1,
        "there is an API key 'importer' already",
    );
    refused(&command(data, &["keys", "create", "a b"]), 2, "a key's name has");

    lines(data, &["keys", "disable", id]);
    by_key().refused(401, Some("AuthError"), "unauthorized");
    while call(&server, "GET", PROFILE, &login.json["access_token"]).status == 200 {
        std::thread::yield_now();
    }
    lines(data, &["keys", "enable", id]);
    assert_eq!(by_key().json["user_id"], login.json["user_id"]);
    assert_eq!(
        lines(data, &["keys", "delete", id]),
        [format!("API key {id} is removed")]
    );
    by_key().refused(401, Some("AuthError"), "unauthorized");
    refused(&command(data, &["keys", "enable", id]), 1, "there is no API key");
    assert_eq!(parsed(data, &["users", "list"]), [Value::Null; 0]);
}

#[test]
fn users_of_the_closed_service_come_with_their_ids() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let _server = Server::start(data);
    create(data, "taken@example.com");
    let id = |number: u8| format!("{number:024x}");
    let by_email = |number, email: &str| {
        json!({"_id": id(number), "type": "normal", "creation_date": 1_600_000_000, "data": {"email": email},
            "identities": [{"id": format!("identity-{number}"), "provider_type": "local-userpass"}]})
    };
    let by_token = json!({"_id": id(2), "disabled": true,
        "identities": [{"id": "station-7", "provider_type": "custom-token"}]});
    let file = data.join("users.json");
    let all =
        json!([by_email(1, "me@example.com"), by_token, by_email(3, "taken@example.com"), {"_id": "x"}]);
    std::fs::write(&file, all.to_string()).unwrap();
    let file = file.to_str().unwrap();

    let output = with_input(data, &["users", "import", file], "");
    refused(&output, 1, "2 users were not taken in");
    refused(
        &output,
        1,
        &format!("user {}: 'taken@example.com' is registered already", id(3)),
    );
    refused(&output, 1, "entry 4: '_id' is not the id of a user");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("2 users were taken in, 0 were there already, 2 were not taken in"),
        "{said}"
    );
    assert!(
        said.contains("1 of them log in by e-mail and have no password here"),
        "{said}"
    );

    let shown = parsed(data, &["users", "show", "me@example.com"]).remove(0);
    assert_eq!(
        (&shown["user"], &shown["disabled"]),
        (&json!(id(1)), &json!(false))
    );
    assert_eq!(shown["time"], json!({"$date": "2020-09-13T12:26:40Z"}));
    assert_eq!(
        shown["identities"],
        json!([{"provider": "local-userpass", "id": "identity-1"}])
    );
    let shown = parsed(data, &["users", "show", &id(2)]).remove(0);
    assert_eq!(shown["disabled"], true);

    // Again, one behind the other, from standard input.
    let lines = format!("{}\n{by_token}\n", by_email(1, "me@example.com"));
    let output = with_input(data, &["users", "import", "-"], &lines);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("0 users were taken in, 2 were there already, 0 were not taken in"),
        "{said}"
    );
    let cut = with_input(data, &["users", "import", "-"], &lines[..lines.len() - 9]);
    refused(&cut, 1, "behind user 1 the file is no JSON");
    refused(
        &with_input(data, &["users", "import", "missing.json"], ""),
        1,
        "cannot read missing.json",
    );
}

#[test]
fn who_logs_in_by_a_key_that_was_made_for_a_user_is_he() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me@example.com");
    let user = parsed(data, &["users", "show", "me@example.com"]).remove(0)["user"].clone();
    let id = user.as_str().unwrap();
    for (number, named) in ["me@example.com", id].into_iter().enumerate() {
        let name = format!("station-{number}");
        let made = parsed(data, &["keys", "create", &name, "--user", named]).remove(0);
        let login = post(&server, "api-key/login", &json!({"key": made["text"]}));
        assert_eq!(login.json["user_id"], user, "{:?}", login.json);
    }
    let shown = parsed(data, &["users", "show", id]).remove(0);
    assert_eq!(shown["api_keys"].as_array().unwrap().len(), 2);
    let again = command(data, &["keys", "create", "station-1", "--user", id]);
    refused(&again, 1, "there is an API key 'station-1' already");
    let nobody = command(data, &["keys", "create", "station", "--user", "nobody"]);
    refused(&nobody, 1, "there is no user 'nobody'");
}

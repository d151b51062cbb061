//! A clock that was ahead for a while, and what it leaves behind once it is right again.

use std::process::Command;

use serde_json::{Value, json};

use super::Clock;
use crate::common::Answer;
use crate::common::server::{BINARY, Server};
use crate::database::Server as Database;
use crate::mongodb::Names;
use crate::place::{ONE, Place, call};

const YEAR: i64 = 365 * 24 * 60 * 60;

fn post(server: &Server, action: &str, body: &Value) -> Answer {
    let path = format!("auth/providers/local-userpass/{action}");
    call(server, "POST", ONE, &path, None, body.to_string().as_bytes())
}

fn register(server: &Server, name: &str) {
    let body = json!({"email": name, "password": "the right one"});
    assert_eq!(post(server, "register", &body).status, 201);
}

fn log_in(server: &Server, name: &str, password: &str) -> Answer {
    post(server, "login", &json!({"username": name, "password": password}))
}

/// Whether an access token of a log-in is good.
fn is_good(server: &Server, log_in: &Answer) -> bool {
    let bearer = format!("Bearer {}", log_in.json["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let profile = server
        .client()
        .call("GET", "/api/client/v2.0/auth/profile", &headers, b"");
    profile.unwrap().status == 200
}

/// The operator logs a user out.
fn revoke(names: &Names, uri: &str, clock: &Clock, name: &str) {
    let mut command = Command::new(BINARY);
    command.args(["users", "revoke", name, "--mongodb-database", &names.state]);
    let revoked = clock
        .of(command.env("REALM_INGEST_GATEWAY_MONGODB", uri))
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_locked_out_by_what_was_noted_under_it() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let (place, clock) = (Place::with(&[ONE]), Clock::new());
    let mut command = names.serve(&place, database.uri(), &[]);
    clock.of(&mut command);
    let server = Server::run(command);

    clock.is_ahead(YEAR);
    let [ann, bob] = ["ann@example.com", "bob@example.com"];
    register(&server, ann);
    register(&server, bob);
    let of_then = log_in(&server, ann, "the right one");
    assert!(is_good(&server, &of_then));
    revoke(&names, database.uri(), &clock, ann);
    assert_eq!(log_in(&server, ann, "a wrong one").status, 401);

    clock.is_ahead(0);
    let bobs = log_in(&server, bob, "the right one");
    revoke(&names, database.uri(), &clock, bob);
    // What was noted before has been read by then.
    while is_good(&server, &bobs) {
        std::thread::yield_now();
    }
    let again = log_in(&server, ann, "the right one");
    assert_eq!(again.status, 200, "{:?}", again.json);
    assert!(is_good(&server, &again));
    assert!(!is_good(&server, &of_then));
}

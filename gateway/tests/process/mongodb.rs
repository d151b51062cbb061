//! Everything in MongoDB: servers that share it, one that comes before its database, and a database that goes away.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::common::http::Client;
use crate::common::server::Server;
use crate::common::{Answer, batch, note, one_run, outbox, schema};
use crate::database::{Server as Database, fresh_name};
use crate::place::{ONE, Place, call, log_in, said, token};

/// Databases of a test's own, for the state and for documents.
pub struct Names {
    pub state: String,
    pub data: String,
}

impl Names {
    pub fn fresh() -> Self {
        let data = fresh_name();
        let state = format!("{data}_state");
        Self { state, data }
    }

    /// A server for an app whose documents go to the database.
    pub fn serve(&self, place: &Place, uri: &str, more: &[&str]) -> Command {
        self.serve_at("127.0.0.1:0", place, uri, more)
    }

    fn serve_at(&self, listen: &str, place: &Place, uri: &str, more: &[&str]) -> Command {
        place.edit(ONE, "sync/config.json", |sync| {
            sync["database_name"] = json!(self.data);
        });
        let mut command = place.serve_at(listen, &[ONE], more);
        command.args(["--mongodb-database", &self.state]);
        command.env("REALM_INGEST_GATEWAY_MONGODB", uri);
        command.env("RUST_LOG", "info").stderr(place.log_file());
        command
    }
}

/// What a device sends in one batch: a document.
fn send(server: &Server, token: &str, seq: i64) -> Answer {
    let body = batch(
        &outbox(1),
        &schema(),
        &[one_run(seq, "Note", &[note(&format!("{seq}"), "text")])],
    );
    call(server, "POST", ONE, "ingest", Some(token), &body)
}

fn with_schema(server: &Server) -> String {
    let token = token(server, ONE);
    let schema = schema();
    let path = format!("ingest/schemas/{}", schema.fingerprint());
    let put = call(
        server,
        "PUT",
        ONE,
        &path,
        Some(&token),
        schema.to_json().as_bytes(),
    );
    assert_eq!(put.status, 204, "{:?}", put.json);
    token
}

/// Waits until `GET /readyz` has this status.
fn await_readiness(server: &Server, status: u16) {
    let begun = Instant::now();
    while server.client().call("GET", "/readyz", &[], b"").unwrap().status != status {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "readiness is never {status}"
        );
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_one_database_are_one_to_their_devices() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let (one, other) = (Place::with(&[ONE]), Place::with(&[ONE]));
    let servers = [&one, &other].map(|place| Server::run(names.serve(place, database.uri(), &[])));
    let token = with_schema(&servers[0]);
    for (seq, server) in (1..=4).zip(servers.iter().cycle()) {
        assert_eq!(send(server, &token, seq).ack().acked, seq);
    }
    assert_eq!(
        send(&servers[0], &token, 4).ack().acked,
        4,
        "what comes again is taken once"
    );
    let position = format!("ingest/{}", outbox(1));
    let position = call(&servers[1], "GET", ONE, &position, Some(&token), b"");
    assert_eq!(position.json["position"], 4);
    let notes = database
        .cluster()
        .await
        .database(&names.data)
        .collection::<Document>("Note");
    assert_eq!(notes.count_documents(doc! {}).await.unwrap(), 4);
    assert_eq!(
        notes.find_one(doc! {"_id": "3"}).await.unwrap(),
        Some(doc! {"_id": "3", "text": "text"})
    );
    assert!(
        !one.data().exists() && !other.data().exists(),
        "nothing is kept beside the database"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_out_at_one_server_is_logged_out_at_all() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let (one, other) = (Place::with(&[ONE]), Place::with(&[ONE]));
    let servers = [&one, &other].map(|place| Server::run(names.serve(place, database.uri(), &[])));
    let user = log_in(&servers[0], ONE).json;
    let refresh = user["refresh_token"].as_str().unwrap();
    let session = |server: &Server, method: &str| {
        let path = "/api/client/v2.0/auth/session";
        let bearer = format!("Bearer {refresh}");
        server
            .client()
            .call(method, path, &[("authorization", &bearer)], b"")
            .unwrap()
    };
    assert_eq!(session(&servers[1], "POST").status, 201);
    assert_eq!(session(&servers[1], "DELETE").status, 204);
    session(&servers[0], "POST").refused(401, Some("InvalidSession"), "session");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_a_password_has_no_more_tries_at_several_servers() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let (one, other) = (Place::with(&[ONE]), Place::with(&[ONE]));
    let servers = [&one, &other].map(|place| Server::run(names.serve(place, database.uri(), &[])));
    let log_in = |server: &Server, password: &str| {
        let path = "auth/providers/local-userpass/login";
        let user = json!({"username": "ann@example.com", "password": password}).to_string();
        call(server, "POST", ONE, path, None, user.as_bytes()).status
    };
    let register = "auth/providers/local-userpass/register";
    let ann = br#"{"email": "ann@example.com", "password": "the right one"}"#;
    assert_eq!(call(&servers[0], "POST", ONE, register, None, ann).status, 201);
    let guesses = servers
        .iter()
        .cycle()
        .take(5)
        .map(|server| log_in(server, "a guess"));
    assert_eq!(guesses.collect::<Vec<_>>(), [401; 5]);
    for server in &servers {
        assert_eq!(log_in(server, "the right one"), 429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_before_its_database_waits_for_it_and_says_so() {
    let (database, names) = (Database::own().await, Names::fresh());
    database.kill().await;
    let place = Place::with(&[ONE]);
    let command = names.serve(&place, database.uri(), &[]);
    let starting = tokio::task::spawn_blocking(move || Server::run(command));
    place.await_log("waiting for the database", 2);
    assert!(!starting.is_finished());
    database.restart().await;
    let server = starting.await.unwrap();
    await_readiness(&server, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_its_database_stops_when_it_is_told_to() {
    let (database, names) = (Database::own().await, Names::fresh());
    database.kill().await;
    let place = Place::with(&[ONE]);
    let mut process = names.serve(&place, database.uri(), &[]).spawn().unwrap();
    place.await_log("waiting for the database", 1);
    let signalled = Command::new("kill")
        .arg(process.id().to_string())
        .status()
        .unwrap();
    assert!(signalled.success());
    assert!(process.wait().unwrap().success(), "{}", place.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_takes_nothing_along_and_needs_no_restart() {
    let (database, names) = (Database::own().await, Names::fresh());
    let place = Place::with(&[ONE]);
    let server = Server::run(names.serve(&place, database.uri(), &[]));
    let token = with_schema(&server);
    assert_eq!(send(&server, &token, 1).ack().acked, 1);
    database.kill().await;
    let put_off = send(&server, &token, 2);
    assert_eq!(put_off.status, 503, "{:?}", put_off.json);
    assert!(!put_off.header("retry-after").is_empty());
    await_readiness(&server, 503);
    database.restart().await;
    await_readiness(&server, 200);
    assert_eq!(send(&server, &token, 2).ack().acked, 2);
    let notes = database
        .cluster()
        .await
        .database(&names.data)
        .collection::<Document>("Note");
    assert_eq!(notes.count_documents(doc! {}).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_user_data_comes_from_the_collection_that_the_app_names() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let place = Place::with(&[ONE]);
    let file = place.app(ONE).join("auth/custom_user_data.json");
    let about = json!({
        "enabled": true, "mongo_service_name": "mongodb-atlas", "database_name": names.data,
        "collection_name": "users", "user_id_field": "owner",
    });
    fs::write(file, about.to_string()).unwrap();
    let server = Server::run(names.serve(&place, database.uri(), &[]));
    let user = log_in(&server, ONE).json;
    let data = database.cluster().await.database(&names.data);
    let about = doc! {"_id": 1, "owner": user["user_id"].as_str().unwrap(), "site": "north"};
    data.collection("users").insert_one(about).await.unwrap();
    let bearer = format!("Bearer {}", user["access_token"].as_str().unwrap());
    let path = "/api/client/v2.0/auth/profile";
    let profile = server
        .client()
        .call("GET", path, &[("authorization", &bearer)], b"")
        .unwrap();
    assert_eq!(profile.json["custom_data"]["site"], "north", "{:?}", profile.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_user_data_of_a_data_source_that_is_nowhere_is_refused() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let place = Place::with(&[ONE]);
    place.add_source(ONE, "elsewhere");
    let about = json!({
        "enabled": true, "mongo_service_name": "elsewhere", "database_name": names.data,
        "collection_name": "users", "user_id_field": "owner",
    });
    fs::write(
        place.app(ONE).join("auth/custom_user_data.json"),
        about.to_string(),
    )
    .unwrap();
    let ended = names.serve(&place, database.uri(), &[]).status().unwrap();
    assert_eq!(ended.code(), Some(4));
    assert!(
        place.log().contains("--data-source elsewhere=URI"),
        "{}",
        place.log()
    );
    let there = format!("elsewhere={}", database.uri());
    Server::run(names.serve(&place, database.uri(), &["--data-source", &there]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_its_database_lives_and_is_not_ready() {
    let (database, names) = (Database::own().await, Names::fresh());
    database.kill().await;
    let place = Place::with(&[ONE]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut process = names
        .serve_at(&free.to_string(), &place, database.uri(), &[])
        .spawn()
        .unwrap();
    place.await_log("waiting for the database", 1);
    let status = |path: &str| {
        let mut client = Client::connect(free).unwrap();
        client.call("GET", path, &[], b"").unwrap().status
    };
    let app = format!("/api/client/v2.0/app/{ONE}/location");
    assert_eq!(
        [status("/healthz"), status("/readyz"), status(&app)],
        [200, 503, 503]
    );
    database.restart().await;
    let begun = Instant::now();
    // Who asks while the one makes way for the other may have to ask again.
    let ready = || Client::connect(free)?.call("GET", "/readyz", &[], b"");
    while !ready().is_ok_and(|answer| answer.status == 200) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", place.log());
        std::thread::yield_now();
    }
    assert_eq!(status(&app), 200);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_do_not_go_into_the_database_that_servers_share() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let place = Place::with(&[ONE]);
    let names = Names {
        state: names.data.clone(),
        data: names.data,
    };
    let ended = names.serve(&place, database.uri(), &[]).status().unwrap();
    assert_eq!(ended.code(), Some(4));
    assert!(place.log().contains("--mongodb-database"), "{}", place.log());
}

#[test]
fn a_connection_string_is_never_shown() {
    let place = Place::with(&[ONE]);
    let uri = "mongodb://gateway:hunter2@127.0.0.1:1/?w=0";
    let printed = place
        .serve(&[ONE], &["--mongodb", uri, "--print-config"])
        .output()
        .unwrap();
    assert!(printed.status.success());
    let refused = place.serve(&[ONE], &["--mongodb", uri]).output().unwrap();
    assert_eq!(said(&refused).0, Some(4));
    let wrong = place
        .serve(&[ONE], &["--mongodb", "http://gateway:hunter2@db.example"])
        .output()
        .unwrap();
    assert_eq!(said(&wrong).0, Some(4));
    for output in [printed, refused, wrong] {
        let text = format!("{output:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

//! A clock that was ahead for a while, and what it leaves behind once it is right again.

use mongodb::bson::{Document, doc};
use realm_ingest_gateway::clock;
use serde_json::{Value, json};

use crate::common::Answer;
use crate::common::server::Server;
use crate::database::Server as Database;
use crate::mongodb::Names;
use crate::place::{ONE, Place, call};

const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;

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

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_locked_out_by_what_was_noted_under_it() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let place = Place::with(&[ONE]);
    let server = Server::run(names.serve(&place, database.uri(), &[]));
    let state = database.cluster().await.database(&names.state);
    let ahead = clock::unix_millis() + YEAR;

    for name in ["ann@example.com", "bob@example.com"] {
        register(&server, name);
    }
    assert_eq!(log_in(&server, "ann@example.com", "a wrong one").status, 401);
    let failures = state.collection::<Document>("login_failures");
    let noted = failures.update_many(doc! {}, doc! {"$set": {"settled": ahead}});
    assert_eq!(noted.await.unwrap().modified_count, 1);
    let ann = log_in(&server, "ann@example.com", "the right one");
    assert_eq!(ann.status, 200, "{:?}", ann.json);

    let revoked = async |log_in: &Answer, time: i64| {
        let user = doc! {"id": log_in.json["user_id"].as_str().unwrap()};
        let users = state.collection::<Document>("users");
        let noted = users.update_one(user, doc! {"$set": {"revoked": time}});
        assert_eq!(noted.await.unwrap().modified_count, 1);
    };
    let bob = log_in(&server, "bob@example.com", "the right one");
    revoked(&ann, ahead).await;
    revoked(&bob, clock::unix_millis()).await;
    // What was noted before has been read by then.
    while is_good(&server, &bob) {
        std::thread::yield_now();
    }
    let again = log_in(&server, "ann@example.com", "the right one");
    assert!(is_good(&server, &again));
}

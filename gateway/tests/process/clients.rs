//! The command that shows local files of Realm SDKs.

use realm_ingest_gateway::state::{ClientFiles, EmbeddedState, MongoState};
use serde_json::{Value, json};

use crate::common::server::{BINARY, lines};
use crate::database::{Server as Database, fresh_name};

/// Makes files, of which the last one has gone back.
async fn make(state: &impl ClientFiles) -> Vec<(u64, String)> {
    let mut made = Vec::new();
    for number in 0..3 {
        let client = format!("RealmSync/14.{number}.0 (Linux) \u{1b}[2J");
        let file = state.new_client_file("user", &client).await.unwrap();
        made.push((file.ident, file.outbox()));
        if number == 2 {
            let (ident, salt) = (file.ident, file.salt);
            state.renew_generation(ident, salt, 0).await.unwrap();
            let known = state.client_file(ident, salt).await.unwrap().unwrap();
            made[2].1 = known.outbox();
        }
    }
    made
}

#[track_caller]
fn are_shown(shown: &[String], made: &[(u64, String)]) {
    assert!(!shown.concat().contains('\u{1b}'));
    let shown: Vec<Value> = shown
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(shown.len(), made.len());
    for (number, (line, (ident, outbox))) in shown.iter().zip(made).enumerate() {
        let client = format!("RealmSync/14.{number}.0 (Linux) \u{1b}[2J");
        let generation = i32::from(number == 2);
        assert_eq!((&line["ident"], &line["outbox"]), (&json!(ident), &json!(outbox)));
        assert_eq!((&line["user"], &line["client"]), (&json!("user"), &json!(client)));
        assert_eq!(line["generation"], json!(generation));
        assert!(line["time"]["$date"].is_string() && line["time"] == line["seen"]);
    }
}

#[tokio::test]
async fn every_file_is_shown_with_the_outbox_that_it_writes_under() {
    let data = tempfile::tempdir().unwrap();
    let state = EmbeddedState::open(data.path()).unwrap();
    assert_eq!(lines(data.path(), &["clients"]), [""; 0]);
    let made = make(&state).await;
    are_shown(&lines(data.path(), &["clients"]), &made);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_in_mongodb_are_shown_as_well() {
    let (server, name) = (Database::shared().await, fresh_name());
    let database = server.cluster().await.database(&name);
    let state = MongoState::open(database, None).await.unwrap();
    let made = make(&state).await;
    let output = std::process::Command::new(BINARY)
        .args(["clients", "--mongodb-database", &name])
        .env("REALM_INGEST_GATEWAY_MONGODB", server.uri())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<_> = shown.lines().map(str::to_owned).collect();
    are_shown(&shown, &made);
}

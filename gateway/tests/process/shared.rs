//! The operator's commands over what gateways share in MongoDB.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use bson::{Document, doc};
use serde_json::{Value, json};

use crate::common::server::{BINARY, Server, serve};
use crate::common::{batch, note, one_run, outbox, schema};
use crate::database::{Server as Database, fresh_name};
use crate::place::{ONE, Place, TWO, call, log_in, said};

/// A server over databases of a test's own, and its commands.
struct Shared {
    place: Place,
    uri: &'static str,
    name: String,
    server: Server,
}

impl Shared {
    /// A server of these apps.
    async fn of(apps: &[&str]) -> Self {
        let (place, uri) = (Place::with(apps), Database::shared().await.uri());
        let name = fresh_name();
        for app in apps {
            place.edit(app, "sync/config.json", |sync| {
                sync["database_name"] = json!(name);
            });
        }
        let server = Self::serve(&place, uri, &name, apps);
        Self {
            place,
            uri,
            name,
            server,
        }
    }

    fn serve(place: &Place, uri: &str, name: &str, apps: &[&str]) -> Server {
        let mut command = place.serve(apps, &["--mongodb-database", &format!("{name}_state")]);
        command.env("REALM_INGEST_GATEWAY_MONGODB", uri);
        Server::run(command)
    }

    /// Runs a command that finds the database by its environment.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut process = Command::new(BINARY)
            .args(arguments)
            .env("REALM_INGEST_GATEWAY_MONGODB", self.uri)
            .env(
                "REALM_INGEST_GATEWAY_MONGODB_DATABASE",
                format!("{}_state", self.name),
            )
            .current_dir(self.place.app(ONE))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        process.wait_with_output().unwrap()
    }

    /// Lines of a command that succeeds.
    #[track_caller]
    fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(arguments, "");
        assert!(output.status.success(), "{:?}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn parsed(&self, arguments: &[&str]) -> Vec<Value> {
        let lines = self.lines(arguments);
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Numbers at the ends of lines.
    fn counts(&self, arguments: &[&str]) -> Vec<u64> {
        let lines = self.lines(arguments);
        let count = |line: &String| line.split_whitespace().last().unwrap().parse().unwrap();
        lines.iter().map(count).collect()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32, text: &str) {
        let (ended, error) = said(&self.run(arguments, ""));
        assert_eq!(ended, Some(code), "{error}");
        assert!(error.contains(text), "{error}");
    }

    /// A new user sends a note, and one that is refused. The answer is the user's id and his access token.
    fn send(&self, app: &str, device: u64) -> (String, String) {
        let user = log_in(&self.server, app).json;
        let [id, token] = ["user_id", "access_token"].map(|field| user[field].as_str().unwrap().to_owned());
        let schema = schema();
        let path = format!("ingest/schemas/{}", schema.fingerprint());
        let text = schema.to_json();
        let put = call(&self.server, "PUT", app, &path, Some(&token), text.as_bytes());
        assert_eq!(put.status, 204, "{:?}", put.json);
        let kept = note(&format!("{device}"), "kept");
        let run = one_run(1, "Note", &[kept, doc! {"_id": 1, "text": "refused"}]);
        let body = batch(&outbox(device), &schema, &[run]);
        let sent = call(&self.server, "POST", app, "ingest", Some(&token), &body);
        assert_eq!(sent.ack().acked, 1);
        (id, token)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_what_was_refused_of_them_are_shown_and_purged() {
    let shared = Shared::of(&[ONE]).await;
    let (user, _) = shared.send(ONE, 1);
    shared.send(ONE, 2);
    let outboxes = shared.parsed(&["outboxes"]);
    assert_eq!(outboxes.len(), 2);
    let one = outboxes.iter().find(|one| one["outbox"] == outbox(1)).unwrap();
    assert_eq!((&one["user"], &one["position"]), (&json!(user), &json!(1)));
    assert_eq!(one["schema"], schema().fingerprint());

    let letters = shared.parsed(&["dead-letters", "--user", &user]);
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&letters[0]["code"], &letters[0]["index"]),
        (&json!("TypeMismatch"), &json!(1))
    );
    assert_eq!(
        letters[0]["document"],
        json!({"_id": {"$numberInt": "1"}, "text": "refused"})
    );
    assert_eq!(shared.lines(&["dead-letters", "--limit", "1"]).len(), 1);

    let stats = shared.parsed(&["stats", "--json"]).remove(0);
    assert_eq!(
        (&stats["users"], &stats["outboxes"], &stats["dead_letters"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(stats["letters"][0]["letters"], 2);
    assert!(stats.get("documents").is_none() && stats.get("file_bytes").is_none());
    let table = shared.lines(&["stats"]).join("\n");
    assert!(
        table.starts_with("dead letters") && !table.contains("bytes on disk"),
        "{table}"
    );

    assert_eq!(
        shared.lines(&["dead-letters", "purge", "--user", &user]),
        ["purged 1"]
    );
    assert_eq!(shared.lines(&["dead-letters"]).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_replayed_by_the_directory_into_its_collections() {
    let mut shared = Shared::of(&[ONE]).await;
    let only = |place: &Place, kind: &str| {
        let file = "data_sources/mongodb-atlas/default_rule.json";
        place.edit(ONE, file, |rule| {
            rule["roles"][0]["insert"] = json!({"%%user.type": kind});
        });
    };
    only(&shared.place, "server");
    shared.server = Shared::serve(&shared.place, shared.uri, &shared.name, &[ONE]);
    shared.send(ONE, 1);
    shared.refused(&["dead-letters", "replay"], 2, "name it with --directory");
    let directory = shared.place.app(ONE);
    let replay = [
        "dead-letters",
        "replay",
        "--directory",
        directory.to_str().unwrap(),
    ];
    assert_eq!(shared.counts(&replay), [0, 0, 2], "the rule still forbids it");
    only(&shared.place, "normal");
    assert_eq!(shared.counts(&replay), [1, 0, 1]);
    assert_eq!(shared.counts(&replay), [0, 0, 1]);
    let left = shared.parsed(&["dead-letters"]);
    assert_eq!((left.len(), &left[0]["code"]), (1, &json!("TypeMismatch")));
    let data = Database::shared().await.cluster().await.database(&shared.name);
    let notes = data.collection::<Document>("Note");
    assert_eq!(notes.find_one(doc! {}).await.unwrap(), Some(note("1", "kept")));
    assert_eq!(notes.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_development_mode_are_replayed_without_a_directory() {
    let mut shared = Shared::of(&[ONE]).await;
    let mut command = serve(&shared.place.data(), &["--app-id", TWO]);
    command.args(["--mongodb-database", &format!("{}_state", shared.name)]);
    command.env("REALM_INGEST_GATEWAY_MONGODB", shared.uri);
    shared.server = Server::run(command);
    shared.send(TWO, 1);
    let replay = ["dead-letters", "replay", "--app", TWO];
    shared.refused(&replay, 2, "name it with --directory, or say --dev");
    assert_eq!(shared.counts(&[&replay[..], &["--dev"]].concat()), [0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_on_custom_data_asks_the_collection_that_the_app_names() {
    let mut shared = Shared::of(&[ONE]).await;
    let about = json!({
        "enabled": true, "mongo_service_name": "mongodb-atlas", "database_name": shared.name,
        "collection_name": "users", "user_id_field": "owner",
    });
    let file = shared.place.app(ONE).join("auth/custom_user_data.json");
    std::fs::write(file, about.to_string()).unwrap();
    let rule = "data_sources/mongodb-atlas/default_rule.json";
    shared.place.edit(ONE, rule, |rule| {
        rule["roles"][0]["insert"] = json!({"%%user.custom_data.site": "north"});
    });
    shared.server = Shared::serve(&shared.place, shared.uri, &shared.name, &[ONE]);
    let (user, _) = shared.send(ONE, 1);
    let directory = shared.place.app(ONE);
    let replay = [
        "dead-letters",
        "replay",
        "--directory",
        directory.to_str().unwrap(),
    ];
    let set = shared.lines(&["users", "set-custom-data", &user, r#"{"site": "north"}"#]);
    assert!(set[1].contains("names no collection"), "{set:?}");
    assert_eq!(shared.counts(&replay), [0, 0, 2], "it is not what the app asks");
    let data = Database::shared().await.cluster().await.database(&shared.name);
    let about = doc! {"_id": 1, "owner": &user, "site": "north"};
    data.collection("users").insert_one(about).await.unwrap();
    assert_eq!(shared.counts(&replay), [1, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_given_is_meant_whatever_the_environment_says() {
    let shared = Shared::of(&[ONE]).await;
    shared.send(ONE, 1);
    let empty = tempfile::tempdir().unwrap();
    let given = ["outboxes", "--data", empty.path().to_str().unwrap()];
    shared.refused(&given, 3, "there is no gateway data");
    let both = [&given[..], &["--mongodb", shared.uri]].concat();
    shared.refused(&both, 2, "--data or --mongodb");
    let mut command = Command::new(BINARY);
    command
        .args(["outboxes", "--mongodb", shared.uri])
        .env("REALM_INGEST_GATEWAY_DATA", empty.path())
        .env(
            "REALM_INGEST_GATEWAY_MONGODB_DATABASE",
            format!("{}_state", shared.name),
        );
    let output = command.output().unwrap();
    assert!(output.status.success(), "{:?}", said(&output));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_keys_are_managed() {
    let mut shared = Shared::of(&[ONE]).await;
    shared.place.switch(ONE, "api-key", true);
    shared.server = Shared::serve(&shared.place, shared.uri, &shared.name, &[ONE]);
    let made = shared.run(&["users", "create", "me@example.com"], "secret-1\n");
    assert!(made.status.success(), "{:?}", said(&made));
    let log_in = || {
        let user = br#"{"username": "me@example.com", "password": "secret-1"}"#;
        let path = "auth/providers/local-userpass/login";
        call(&shared.server, "POST", ONE, path, None, user)
    };
    let id = log_in().json["user_id"].clone();
    assert_eq!(shared.parsed(&["users", "show", "me@example.com"])[0]["user"], id);
    shared.lines(&["users", "disable", "me@example.com"]);
    log_in().refused(401, Some("UserDisabled"), "unauthorized");
    shared.lines(&["users", "enable", id.as_str().unwrap()]);
    assert_eq!(log_in().json["user_id"], id);
    assert_eq!(shared.lines(&["users", "list"]).len(), 1);
    shared.lines(&["users", "delete", "me@example.com"]);
    log_in().refused(401, Some("InvalidPassword"), "unauthorized");

    let key = shared.parsed(&["keys", "create", "importer"]).remove(0);
    let by_key = json!({"key": key["text"]}).to_string();
    let by_key = || {
        call(
            &shared.server,
            "POST",
            ONE,
            "auth/providers/api-key/login",
            None,
            by_key.as_bytes(),
        )
    };
    assert_eq!(by_key().status, 200);
    shared.lines(&["keys", "disable", key["api_key"].as_str().unwrap()]);
    by_key().refused(401, Some("AuthError"), "unauthorized");
    assert_eq!(shared.lines(&["keys", "rotate"]), ["key 2 signs from now on"]);
    assert_eq!(shared.parsed(&["keys", "list"]).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_shown_with_who_writes_under_them_and_forgotten() {
    let shared = Shared::of(&[ONE]).await;
    let (user, _) = shared.send(ONE, 1);
    let listed = shared.parsed(&["schemas", "list"]).remove(0);
    assert_eq!((&listed["user"], &listed["outboxes"]), (&json!(user), &json!(1)));
    assert!(listed["heard"]["$date"].is_string());
    let name = listed["fingerprint"].as_str().unwrap();
    assert_eq!(shared.lines(&["schemas", "show", name]), [schema().to_json()]);
    shared.lines(&["schemas", "accept", name]);
    assert_eq!(
        shared.lines(&["schemas", "forget", name]),
        [format!("forgotten {name}")]
    );
    shared.refused(&["schemas", "show", name], 1, "there is no schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_apps_one_is_named() {
    let shared = Shared::of(&[ONE, TWO]).await;
    shared.send(ONE, 1);
    for (app, count) in [(ONE, 1), (TWO, 0)] {
        assert_eq!(shared.lines(&["outboxes", "--app", app]).len(), count);
        assert_eq!(shared.lines(&["users", "list", "--app", app]).len(), count);
        assert_eq!(shared.lines(&["dead-letters", "--app", app]).len(), count);
    }
    shared.refused(&["outboxes"], 2, &format!("name one with --app: {ONE}, {TWO}"));
    shared.refused(
        &["outboxes", "--app", "three"],
        2,
        &format!("there are: {ONE}, {TWO}"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_over_files_say_what_there_is_instead() {
    let shared = Shared::of(&[ONE]).await;
    for (command, instead) in [
        (&["find", "Note"][..], "mongosh"),
        (&["export", "Note"], "mongoexport"),
        (&["tail"], "mongosh"),
        (&["backup", "copy"], "mongodump"),
        (&["check-integrity"], "mongosh"),
    ] {
        shared.refused(command, 2, &format!("with MongoDB use {instead}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_gateway_and_one_that_is_not_there_are_told_apart() {
    let uri = Database::shared().await.uri();
    let command = |uri: &str| {
        let name = fresh_name();
        let arguments = ["stats", "--mongodb", uri, "--mongodb-database", &name];
        said(&Command::new(BINARY).args(arguments).output().unwrap())
    };
    let (code, error) = command(uri);
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("start the server on it once"), "{error}");
    let (code, error) = command("mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=300");
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("MongoDB") && !error.contains("hunter2"), "{error}");
    let (code, error) = command("http://user:hunter2@db.example");
    assert_eq!(code, Some(2), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn the_connection_string_is_not_in_the_help() {
    let help = Command::new(BINARY)
        .args(["dead-letters", "replay", "--help"])
        .env(
            "REALM_INGEST_GATEWAY_MONGODB",
            "mongodb://user:hunter2@db.example",
        )
        .env(
            "REALM_INGEST_GATEWAY_DATA_SOURCE",
            "x=mongodb://user:hunter2@db.example",
        )
        .output()
        .unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("--mongodb") && !text.contains("hunter2"), "{text}");
}

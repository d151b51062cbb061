//! From an embedded gateway into MongoDB: devices and users notice nothing, whenever the copy is cut off.

mod cut_off;
mod moved;
mod refused;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mongodb::bson::{Document, doc};
use realm_ingest_gateway::sink::embedded::Reader;
use realm_ingest_gateway::state::{ClientFiles, EmbeddedState, Managed, MongoState, Operator};
use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use crate::common::server::{BINARY, Running, Server};
use crate::common::{
    Answer, batch, bytes, copy_files, format_1, letters, note, one_run, outbox, reading, schema,
};
use crate::database::{Server as Database, fresh_name};
use crate::place::{ONE, Place, TWO, call, log_in, said};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";
const KEYS: &str = "/api/client/v2.0/auth/api_keys";

/// An embedded gateway, and databases of a test's own.
struct Move {
    place: Place,
    database: &'static Database,
    data: String,
}

/// What a user got when he logged in.
struct User {
    id: String,
    access: String,
    refresh: String,
}

impl User {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        let text = |name: &str| answer.json[name].as_str().unwrap().to_owned();
        Self {
            id: text("user_id"),
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

impl Move {
    async fn begin(apps: &[&str]) -> Self {
        let (place, data) = (Place::with(apps), fresh_name());
        for app in apps {
            place.switch(app, "api-key", true);
            place.edit(app, "sync/config.json", |sync| {
                sync["database_name"] = json!(data)
            });
        }
        Self {
            place,
            database: Database::shared().await,
            data,
        }
    }

    /// The server over the directory.
    fn embedded(&self) -> Server {
        self.place.start(&[ONE])
    }

    /// The server over the database.
    fn serve(&self) -> Command {
        let mut command = self.place.serve(&[ONE], &[]);
        command.args(["--mongodb-database", &self.state()]);
        command.env("REALM_INGEST_GATEWAY_MONGODB", self.database.uri());
        command.env("RUST_LOG", "info").stderr(self.place.log_file());
        command
    }

    fn state(&self) -> String {
        format!("{}_state", self.data)
    }

    fn copy(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("copy").arg("--from").arg(self.place.data());
        command.args(["--to", self.database.uri(), "--to-database", &self.state()]);
        command.arg("--app").arg(self.place.app(ONE));
        command
    }

    /// Runs the copy, which succeeds.
    #[track_caller]
    fn copied(&self) -> String {
        let output = self.copy().output().unwrap();
        assert!(output.status.success(), "{:?}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the copy, which does not.
    #[track_caller]
    fn refused(&self, text: &str) {
        let (code, error) = said(&self.copy().output().unwrap());
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(text), "{error}");
    }

    async fn count(&self, database: &str, collection: &str) -> u64 {
        let database = self.database.cluster().await.database(database);
        let collection = database.collection::<Document>(collection);
        collection.count_documents(doc! {}).await.unwrap()
    }

    /// Every record of the state database, by collection; without what says when a copy was made.
    async fn records(&self) -> Vec<(String, Vec<Document>)> {
        let database = self.database.cluster().await.database(&self.state());
        let mut names = database.list_collection_names().await.unwrap();
        names.retain(|name| name != "copies");
        names.sort();
        let mut all = Vec::new();
        for name in names {
            let collection = database.collection::<Document>(&name);
            let mut cursor = collection.find(doc! {}).sort(doc! {"_id": 1}).await.unwrap();
            let mut records = Vec::new();
            while cursor.advance().await.unwrap() {
                let mut record = cursor.deserialize_current().unwrap();
                if name == "apps" {
                    record.remove("created");
                }
                records.push(record);
            }
            all.push((name, records));
        }
        all
    }

    fn command(&self, arguments: &[&str], input: &str) -> Output {
        let mut process = Command::new(BINARY)
            .args(arguments)
            .arg("--data")
            .arg(self.place.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}", said(&output));
        output
    }
}

fn as_user(server: &Server, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let body = body.to_string();
    server
        .client()
        .call(method, path, &headers, body.as_bytes())
        .unwrap()
}

fn with_password(server: &Server) -> Answer {
    let body = json!({"username": "me@example.com", "password": "secret-1"}).to_string();
    let path = "auth/providers/local-userpass/login";
    call(server, "POST", ONE, path, None, body.as_bytes())
}

fn put_schema(server: &Server, user: &User) {
    let schema = schema();
    let path = format!("ingest/schemas/{}", schema.fingerprint());
    let json = schema.to_json();
    let put = call(server, "PUT", ONE, &path, Some(&user.access), json.as_bytes());
    assert_eq!(put.status, 204, "{:?}", put.json);
}

/// Sends a batch of the outbox, which is acknowledged.
#[track_caller]
fn send(server: &Server, user: &User, body: &[u8]) -> i64 {
    let answer = call(server, "POST", ONE, "ingest", Some(&user.access), body);
    answer.ack().acked
}

fn position(server: &Server, user: &User) -> Value {
    let path = format!("ingest/{}", outbox(1));
    call(server, "GET", ONE, &path, Some(&user.access), b"").json["position"].clone()
}

/// Two transactions: documents of two classes, and one that is refused.
fn first_batch() -> Vec<u8> {
    let mut readings: Vec<_> = (0..3).map(|value| reading(value.into())).collect();
    for (number, reading) in (1_u8..).zip(&mut readings) {
        reading.insert("_id", mongodb::bson::oid::ObjectId::from_bytes([number; 12]));
    }
    // The id is not first: the database puts it there.
    let late = doc! {"text": "x", "_id": "late"};
    let refused = doc! {"_id": "bad", "text": 5};
    let transactions = [
        (
            1,
            vec![
                ("Note", bytes(&[note("1", "a"), late, refused])),
                ("Reading", bytes(&readings)),
            ],
        ),
        one_run(2, "Note", &[note("2", "b")]),
    ];
    batch(&outbox(1), &schema(), &transactions)
}

fn notes(from: i64, until: i64) -> Vec<u8> {
    let notes: Vec<_> = (from..until).map(|id| note(&format!("n{id}"), "text")).collect();
    batch(&outbox(1), &schema(), &[one_run(from, "Note", &notes)])
}

/// The bytes of the files of an app.
fn files(app: &Path) -> Vec<(String, Vec<u8>)> {
    let names = [
        "gateway.sqlite",
        "gateway.sqlite-wal",
        "documents.sqlite",
        "documents.sqlite-wal",
    ];
    let read = |name: &str| (name.to_owned(), fs::read(app.join(name)).unwrap_or_default());
    names.map(read).to_vec()
}

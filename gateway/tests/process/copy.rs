//! From an embedded gateway into MongoDB: devices and users notice nothing, whenever the copy is cut off.

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

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_users_go_on_at_the_database_as_if_nothing_had_happened() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    let named = User::of(&with_password(&server));
    let [device, out, disabled] = [(); 3].map(|()| User::of(&log_in(&server, ONE)));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    let made = as_user(&server, "POST", KEYS, &named.refresh, &json!({"name": "mine"}));
    assert_eq!(made.status, 201, "{:?}", made.json);
    let key = json!({"key": made.json["key"]}).to_string();
    let by_key = |server: &Server| {
        call(
            server,
            "POST",
            ONE,
            "auth/providers/api-key/login",
            None,
            key.as_bytes(),
        )
    };
    let of_key = User::of(&by_key(&server));
    let made = as_user(&server, "POST", KEYS, &named.refresh, &json!({"name": "lost"}));
    let lost = json!({"key": made.json["key"]}).to_string();
    let path = "auth/providers/api-key/login";
    let of_lost = User::of(&call(&server, "POST", ONE, path, None, lost.as_bytes()));
    let path = format!("{KEYS}/{}/disable", made.json["_id"].as_str().unwrap());
    assert_eq!(
        as_user(&server, "PUT", &path, &named.refresh, &json!({})).status,
        204
    );
    moved.command(&["keys", "rotate"], "");
    moved.command(&["users", "disable", &disabled.id], "");
    let logged_out = as_user(&server, "DELETE", SESSION, &out.refresh, &json!({}));
    assert_eq!(logged_out.status, 204);
    drop(server);

    let app = moved.place.data().join("apps").join(ONE);
    let before = files(&app);
    let told = moved.copied();
    assert!(told.contains("documents of Note"), "{told}");
    assert!(
        told.contains(&format!("app '{ONE}' is copied into database")),
        "{told}"
    );
    assert_eq!(files(&app), before, "the directory is only read");

    let server = Server::run(moved.serve());
    for user in [&named, &device, &of_key] {
        let profile = as_user(&server, "GET", PROFILE, &user.access, &Value::Null);
        assert_eq!(profile.status, 200, "{:?}", profile.json);
        assert_eq!(profile.json["user_id"], json!(user.id));
        let renewed = as_user(&server, "POST", SESSION, &user.refresh, &json!({}));
        assert_eq!(renewed.status, 201, "{:?}", renewed.json);
    }
    for user in [&out, &disabled, &of_lost] {
        let renewed = as_user(&server, "POST", SESSION, &user.refresh, &json!({}));
        renewed.refused(401, Some("InvalidSession"), "session");
    }
    for user in [&disabled, &of_lost] {
        let profile = as_user(&server, "GET", PROFILE, &user.access, &Value::Null);
        assert_eq!(profile.status, 401, "what was revoked stays revoked");
    }
    assert_eq!(User::of(&with_password(&server)).id, named.id);
    assert_eq!(User::of(&by_key(&server)).id, named.id);

    assert_eq!(position(&server, &device), json!(2));
    assert_eq!(send(&server, &device, &first_batch()), 2, "it is taken once");
    assert_eq!(moved.count(&moved.data, "Note").await, 3);
    assert_eq!(moved.count(&moved.data, "Reading").await, 3);
    assert_eq!(moved.count(&moved.state(), "dead_letters").await, 1);
    assert_eq!(send(&server, &device, &notes(3, 5)), 3);
    assert_eq!(position(&server, &device), json!(3));
    assert_eq!(moved.count(&moved.data, "Note").await, 5);
    let state = moved.database.cluster().await.database(&moved.state());
    let letters = state.collection::<Document>("dead_letters");
    let letter = letters.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(letter.get_str("class").unwrap(), "Note");
    assert_eq!(letter.get_str("code").unwrap(), "TypeMismatch");
    assert_eq!(
        letter.get_document("_id").unwrap().get_str("user").unwrap(),
        device.id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_is_not_served_and_is_finished_by_another() {
    const DOCUMENTS: i64 = 30_000;
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    let device = User::of(&log_in(&server, ONE));
    User::of(&with_password(&server));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    for (seq, from) in (3..).zip((0..DOCUMENTS).step_by(5_000)) {
        let some: Vec<_> = (from..from + 5_000)
            .map(|id| note(&format!("n{id}"), "text"))
            .collect();
        let body = batch(&outbox(1), &schema(), &[one_run(seq, "Note", &some)]);
        assert_eq!(send(&server, &device, &body), seq);
    }
    drop(server);

    let killed = Running::start(&mut moved.copy());
    while moved.count(&moved.data, "Note").await == 0 {
        tokio::task::yield_now().await;
    }
    drop(killed);
    for stage in [
        "copying documents",
        "copying dead letters",
        "copying users",
        "copying positions",
        "comparing documents",
    ] {
        let mut killed = Running::start(&mut moved.copy());
        assert!(killed.errors().any(|line| line == stage), "{stage}");
        drop(killed);
        let ended = moved.serve().status().unwrap();
        assert_eq!(ended.code(), Some(4), "{stage}: {}", moved.place.log());
        assert!(
            moved.place.log().contains("is being copied"),
            "{}",
            moved.place.log()
        );
    }
    let told = moved.copied();
    let all = DOCUMENTS.unsigned_abs() + 3;
    assert!(told.contains(&format!("{all} of {all}")), "{told}");
    assert_eq!(moved.count(&moved.data, "Note").await, all);
    let again = moved.copied();
    assert!(again.contains("was copied into database"), "{again}");

    let server = Server::run(moved.serve());
    assert_eq!(position(&server, &device), json!(8));
    assert_eq!(send(&server, &device, &first_batch()), 2);
    assert_eq!(position(&server, &device), json!(8));
    assert_eq!(moved.count(&moved.data, "Note").await, all);
    assert_eq!(moved.count(&moved.state(), "dead_letters").await, 1);
    assert_eq!(send(&server, &device, &notes(9, 10)), 9);
    drop(server);
    let before = moved.records().await;
    moved.refused("has been served from database");
    assert_eq!(moved.records().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_former_attempt_has_copied_and_is_gone_since_does_not_come_back() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let [device, out] = [(); 2].map(|()| User::of(&log_in(&server, ONE)));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);
    let mut killed = Running::start(&mut moved.copy());
    assert!(killed.errors().any(|line| line == "comparing documents"));
    drop(killed);

    let server = moved.embedded();
    let logged_out = as_user(&server, "DELETE", SESSION, &out.refresh, &json!({}));
    assert_eq!(logged_out.status, 204);
    assert_eq!(send(&server, &device, &notes(3, 4)), 3);
    drop(server);
    moved.copied();
    let server = Server::run(moved.serve());
    as_user(&server, "POST", SESSION, &out.refresh, &json!({})).refused(
        401,
        Some("InvalidSession"),
        "session",
    );
    assert_eq!(position(&server, &device), json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_another_app_of_that_name_is_refused_and_unchanged() {
    let moved = Move::begin(&[ONE]).await;
    let server = Server::run(moved.serve());
    let other = User::of(&log_in(&server, ONE));
    put_schema(&server, &other);
    assert_eq!(send(&server, &other, &notes(1, 2)), 1);
    drop(server);
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);

    let before = moved.records().await;
    moved.refused("nothing was changed there, copy into another database");
    assert_eq!(moved.records().await, before);
    assert_eq!(moved.count(&moved.data, "Note").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_document_in_the_way_is_told_and_stands() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);
    let data = moved.database.cluster().await.database(&moved.data);
    let there = data.collection::<Document>("Note");
    let other = doc! {"_id": "1", "text": "another"};
    there.insert_one(&other).await.unwrap();
    there.insert_one(doc! {"_id": "2", "text": "b"}).await.unwrap();

    moved.refused("document 1: another document of class 'Note' with this _id is stored already");
    assert_eq!(there.find_one(doc! {"_id": "1"}).await.unwrap(), Some(other));
    assert_eq!(moved.serve().status().unwrap().code(), Some(4));
    there.delete_one(doc! {"_id": "1"}).await.unwrap();
    moved.copied();
    assert_eq!(there.count_documents(doc! {}).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_served_is_not_copied_nor_one_of_which_an_app_is_not_named() {
    let moved = Move::begin(&[ONE, TWO]).await;
    let server = moved.place.start(&[ONE, TWO]);
    let both = moved.copy().arg("--app").arg(moved.place.app(TWO)).output();
    let (code, error) = said(&both.unwrap());
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("a server uses"), "{error}");
    drop(server);
    let (code, error) = said(&moved.copy().output().unwrap());
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains(TWO), "{error}");
    assert_eq!(moved.records().await, [], "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_keys_and_schemas_in_conflict_are_the_same_afterwards() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    let other = schema().to_json().replace(
        r#"{"name":"text","type":"string"}"#,
        r#"{"name":"text","type":"int"}"#,
    );
    let other = Schema::parse(&other).unwrap();
    assert_ne!(other, schema());
    let path = format!("ingest/schemas/{}", other.fingerprint());
    let put = call(
        &server,
        "PUT",
        ONE,
        &path,
        Some(&device.access),
        other.to_json().as_bytes(),
    );
    assert_eq!(put.status, 204, "{:?}", put.json);
    moved.command(
        &["schemas", "accept", &other.fingerprint(), "--class", "Note"],
        "",
    );
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    User::of(&with_password(&server));
    moved.command(&["users", "disable", &device.id], "");
    moved.command(&["keys", "rotate"], "");
    drop(server);
    moved.copied();

    let state = moved.database.cluster().await.database(&moved.state());
    let there = MongoState::open_existing(state, Some(ONE)).await.unwrap();
    let here = EmbeddedState::open_existing(&moved.place.data().join("apps").join(ONE)).unwrap();
    assert_eq!(told(&here).await, told(&there).await);
    let listed = here.list_schemas().await.unwrap();
    assert!(listed.iter().any(|one| !one.conflicts.is_empty()), "{listed:?}");
}

/// All that a state tells its operator.
async fn told(state: &impl Managed) -> String {
    let users = state.users(None, 100).await.unwrap();
    let registered = state.registration("me@example.com").await.unwrap();
    let keys = state.signing_keys().await.unwrap();
    let schemas = state.list_schemas().await.unwrap();
    let known = state.known_schemas().await.unwrap();
    let accepted = state.accepted_schema().await.unwrap();
    let version = state.schemas_version().await.unwrap();
    format!("{users:#?} {registered:#?} {keys:#?} {schemas:#?} {known:#?} {accepted:#?} {version}")
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_release_0_1_0_is_copied_once_a_server_has_brought_it_up() {
    let moved = Move::begin(&[]).await;
    let data = moved.place.data();
    fs::create_dir(&data).unwrap();
    copy_files(&format_1(), &data);
    let mut copy = Command::new(BINARY);
    copy.args(["copy", "--to-database", &moved.state(), "--from"])
        .arg(&data);
    copy.env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri());
    let (code, error) = said(&copy.output().unwrap());
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("start the server of this version on it once"),
        "{error}"
    );
    drop(Server::start(&data));
    let copied = copy.output().unwrap();
    assert!(copied.status.success(), "{:?}", said(&copied));
    assert!(
        said(&copied).1.contains("outboxes are left out"),
        "{:?}",
        said(&copied)
    );
    let kept = letters(&Reader::open(&data).unwrap());
    assert!(!kept.is_empty());
    assert_eq!(
        moved.count(&moved.state(), "dead_letters").await,
        kept.len() as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_development_mode_is_copied_without_a_directory() {
    let moved = Move::begin(&[]).await;
    let data = moved.place.data();
    let server = Server::start(&data);
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    let id = fresh_name();
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note(&id, "x")])]);
    assert_eq!(send(&server, &device, &body), 1);
    drop(server);
    let copied = Command::new(BINARY)
        .args(["copy", "--to-database", &moved.state(), "--from"])
        .arg(&data)
        .env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri())
        .output()
        .unwrap();
    assert!(copied.status.success(), "{:?}", said(&copied));
    let mut serve = crate::common::server::serve(&data, &["--mongodb-database", &moved.state()]);
    serve.env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri());
    let server = Server::run(serve);
    assert_eq!(position(&server, &device), json!(1));
    assert_eq!(send(&server, &device, &body), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_of_realm_sdks_go_on_under_their_names() {
    let moved = Move::begin(&[ONE]).await;
    drop(moved.embedded());
    let app = moved.place.data().join("apps").join(ONE);
    let state = EmbeddedState::open(&app).unwrap();
    let file = state.new_client_file("user", "RealmSync/14.12.0").await.unwrap();
    state
        .set_registry(file.ident, file.salt, 0, r#"{"A":{}}"#)
        .await
        .unwrap();
    state.renew_generation(file.ident, file.salt, 0).await.unwrap();
    state
        .adopt_client_file(7, i64::MAX, "user", "RealmSync/13.0.0")
        .await
        .unwrap();
    let before = state.client_files(None, 10).await.unwrap();
    drop(state);
    let told = moved.copied();
    assert!(told.contains("client_files"), "{told}");

    let database = moved.database.cluster().await.database(&moved.state());
    let state = MongoState::open(database, Some(ONE)).await.unwrap();
    assert_eq!(state.client_files(None, 10).await.unwrap(), before);
    let next = state.new_client_file("user", "").await.unwrap();
    assert_eq!(next.ident, file.ident + 1, "numbers go on");
}

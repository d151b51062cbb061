//! A machine that is suspended while its gateway is about to store: there no time passes that a program counts, elsewhere it does.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use realm_ingest_protocol::Schema;
use serde_json::json;

use super::Clock;
use crate::common::server::Server;
use crate::common::{Answer, batch, one_run, outbox};
use crate::database::Server as Database;
use crate::mongodb::Names;
use crate::place::{ONE, Place, call, token};

/// Stands before the database: holds what it has found of measurements while it is told to, and counts what stores some.
#[derive(Clone, Default)]
struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    inserts: AtomicUsize,
}

#[derive(Default)]
struct State {
    holds: bool,
    /// Answers that wait.
    waiting: usize,
}

impl Gate {
    /// Where it is instead of the server.
    fn before(&self, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gate = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(server) else {
                    continue;
                };
                let (back, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                // Whether the connection waits for what was found.
                let finds = Arc::<AtomicBool>::default();
                let (one, other, asked) = (gate.clone(), gate.clone(), Arc::clone(&finds));
                thread::spawn(move || pass(client, server, |request| one.look_at(request, &asked)));
                thread::spawn(move || pass(back, to, |_| other.wait(&finds)));
            }
        });
        address
    }

    fn look_at(&self, request: &[u8], finds: &AtomicBool) {
        let is = |command: &str| {
            let begins = [&[2], command.as_bytes(), b"\0\x0d\0\0\0measurements\0"].concat();
            request.windows(begins.len()).any(|part| part == begins)
        };
        finds.store(is("find"), Ordering::SeqCst);
        self.0
            .inserts
            .fetch_add(usize::from(is("insert")), Ordering::SeqCst);
    }

    fn wait(&self, finds: &AtomicBool) {
        let mut state = self.0.state.lock().unwrap();
        if state.holds && finds.load(Ordering::SeqCst) {
            state.waiting += 1;
            self.0.changed.notify_all();
            drop(self.0.changed.wait_while(state, |state| state.holds).unwrap());
        }
    }

    fn hold(&self) {
        self.0.state.lock().unwrap().holds = true;
    }

    /// Returns when something waits.
    fn reached(&self) {
        let state = self.0.state.lock().unwrap();
        drop(
            self.0
                .changed
                .wait_while(state, |state| state.waiting == 0)
                .unwrap(),
        );
    }

    fn open(&self) {
        self.0.state.lock().unwrap().holds = false;
        self.0.changed.notify_all();
    }
}

/// Passes on what comes, once it was looked at.
fn pass(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        look(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A directory whose class `Measurement` goes to a time-series collection.
fn place(names: &Names) -> Place {
    let place = Place::with(&[ONE]);
    let folder = place
        .app(ONE)
        .join("data_sources/mongodb-atlas")
        .join(&names.data)
        .join("measurements");
    fs::create_dir_all(&folder).unwrap();
    let role = json!({
        "name": "everybody", "apply_when": {}, "document_filters": {"read": true, "write": true},
        "read": true, "write": true, "insert": true, "delete": true, "search": true
    });
    let schema = json!({
        "title": "Measurement", "bsonType": "object", "required": ["_id", "at"],
        "properties": {"_id": {"bsonType": "objectId"}, "at": {"bsonType": "date"}}
    });
    for (file, json) in [
        (
            "rules.json",
            json!({"database": names.data, "collection": "measurements", "roles": [role]}),
        ),
        ("schema.json", schema),
        ("time_series.json", json!({"timeField": "at"})),
    ] {
        fs::write(folder.join(file), json.to_string()).unwrap();
    }
    place.edit(ONE, "sync/config.json", |sync| {
        sync["asymmetric_tables"] = json!(["Measurement"]);
    });
    place
}

fn schema() -> Schema {
    let json = r#"{"classes":[{"name":"Measurement","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"objectId"},{"name":"at","type":"date"}]}]}"#;
    Schema::parse(json).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_gateway_has_stored_meanwhile_is_not_stored_again() {
    let (database, names) = (Database::shared().await, Names::fresh());
    let gate = Gate::default();
    let server = database.uri().strip_prefix("mongodb://").unwrap();
    let server = server.split(['/', '?']).next().unwrap().parse().unwrap();
    let behind = format!("mongodb://{}/?directConnection=true", gate.before(server));
    let clocks = [Clock::new(), Clock::new()];
    let places = [place(&names), place(&names)];
    let [one, other] = [(0, behind.as_str()), (1, database.uri())].map(|(at, uri)| {
        let mut command = names.serve(&places[at], uri, &[]);
        clocks[at].of(&mut command);
        Server::run(command)
    });
    let (token, schema) = (token(&one, ONE), schema());
    let path = format!("ingest/schemas/{}", schema.fingerprint());
    let put = call(&one, "PUT", ONE, &path, Some(&token), schema.to_json().as_bytes());
    assert_eq!(put.status, 204, "{:?}", put.json);
    let measurement = doc! {"_id": ObjectId::new(), "at": DateTime::from_millis(10)};
    let body = batch(&outbox(1), &schema, &[one_run(1, "Measurement", &[measurement])]);
    let send = |server: &Server| -> Answer { call(server, "POST", ONE, "ingest", Some(&token), &body) };

    gate.hold();
    thread::scope(|scope| {
        let late = scope.spawn(|| send(&one));
        gate.reached();
        // The machine of the first one stands still for two minutes.
        clocks[1].is_ahead(120);
        assert_eq!(send(&other).ack().acked, 1);
        clocks[0].is_ahead(120);
        gate.open();
        let late = late.join().unwrap().status;
        assert_eq!(gate.0.inserts.load(Ordering::SeqCst), 0, "it has stored nothing");
        assert_eq!(late, 503);
    });
    assert_eq!(send(&one).ack().acked, 1);
    let data = database.cluster().await.database(&names.data);
    let stored = data.collection::<Document>("measurements");
    assert_eq!(stored.count_documents(doc! {}).await.unwrap(), 1);
}

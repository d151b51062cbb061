//! The operator decides between releases that contradict each other, while devices go on sending.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::doc;
use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use crate::common::server::{Server, command, lines, post};
use crate::common::{batch, copy_files, format_1, note, one_run, outbox, schema};

/// A class 'Sample' whose value has this type, with an embedded class.
fn sample(value: &str, more: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"Unit","kind":"embedded","properties":[{{"name":"u","type":"{value}"}}]}},
        {{"name":"Sample","kind":"asymmetric","primary_key":"_id","properties":[
            {{"name":"_id","type":"int"}},{{"name":"value","type":"{value}"}},
            {{"name":"unit","type":"object","object":"Unit"}}{more}]}},
        {{"name":"Other","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"int"}}]}}]}}"#
    ))
    .unwrap()
}

fn ints(id: i64) -> bson::Document {
    doc! {"_id": id, "value": 1_i64, "unit": {"u": 1_i64}}
}

fn doubles(id: i64) -> bson::Document {
    doc! {"_id": id, "value": 1.5, "unit": {"u": 1.5}}
}

/// A server, a user of it, and devices that send one transaction each.
struct Field {
    server: Server,
    token: String,
    devices: u64,
}

impl Field {
    fn new(data: &Path) -> Self {
        let server = Server::start(data);
        let token = server.token();
        Self {
            server,
            token,
            devices: 100,
        }
    }

    fn put(&self, schema: &Schema) {
        assert_eq!(self.server.put_schema(&self.token, schema), 204);
    }

    /// The codes of the refusals of one transaction of another device.
    fn send(&mut self, schema: &Schema, documents: &[bson::Document]) -> Vec<String> {
        self.devices += 1;
        let body = batch(&outbox(self.devices), schema, &[one_run(1, "Sample", documents)]);
        let ack = post(&mut self.server.client(), &self.token, &body).unwrap().ack();
        ack.refused.into_iter().map(|one| one.code).collect()
    }
}

fn parsed(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    lines(data, arguments).iter().map(parse).collect()
}

/// What `dead-letters replay` counts: stored, already stored, left.
fn replay(data: &Path, arguments: &[&str]) -> [u64; 3] {
    let all: Vec<_> = ["dead-letters", "replay"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let numbers: Vec<u64> = lines(data, &all)
        .iter()
        .map(|line| line.split_whitespace().last().unwrap().parse().unwrap())
        .collect();
    numbers.try_into().unwrap()
}

const NONE: [&str; 0] = [];

#[test]
fn an_accepted_definition_is_seen_by_the_server_and_its_dead_letters_are_stored_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    assert_eq!(field.send(&old, &[ints(1)]), NONE);
    assert_eq!(
        field.send(&new, &[doubles(2), ints(3)]),
        ["SchemaConflict", "TypeMismatch"]
    );

    let listed = parsed(data, &["schemas", "list"]);
    let of = |schema: &Schema| {
        let name = json!(schema.fingerprint());
        listed.iter().find(|one| one["fingerprint"] == name).unwrap()
    };
    assert_eq!(of(&old)["conflicts"], json!([]));
    assert_eq!(of(&old)["classes"], json!(["Other", "Sample", "Unit"]));
    let conflicts = of(&new)["conflicts"].as_array().unwrap();
    let classes: Vec<_> = conflicts
        .iter()
        .map(|one| one["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["Sample", "Unit"]);
    assert!(conflicts[0]["since"]["$date"].is_string());
    assert!(
        conflicts[0]["reason"]
            .as_str()
            .unwrap()
            .contains("'Sample.value'")
    );
    assert_eq!(replay(data, &[]), [0, 0, 2], "nothing was decided yet");

    let accepted = lines(data, &["schemas", "accept", &new.fingerprint()]);
    assert_eq!(
        accepted[..2],
        [
            format!("accepted Sample of {}", new.fingerprint()),
            format!("accepted Unit of {}", new.fingerprint())
        ]
    );
    assert!(
        accepted[2].starts_with(&format!("in conflict Sample of {}", old.fingerprint())),
        "{accepted:?}"
    );
    assert_eq!(field.send(&new, &[doubles(4)]), NONE, "without a restart");
    assert_eq!(field.send(&old, &[ints(5)]), ["SchemaConflict"]);

    assert_eq!(
        replay(data, &["--code", "SchemaConflict", "--class", "Sample"]),
        [1, 0, 1],
        "one of either release"
    );
    assert_eq!(replay(data, &["--class", "Other"]), [0, 0, 0]);
    assert_eq!(replay(data, &[]), [0, 0, 2]);
    let ids: Vec<_> = parsed(data, &["find", "Sample"])
        .iter()
        .map(|one| one["_id"].clone())
        .collect();
    assert_eq!(ids, [1, 4, 2]);
    let stats = parsed(data, &["stats", "--json"]).remove(0);
    assert_eq!(
        (&stats["documents"], &stats["dead_letters"]),
        (&json!(3), &json!(2))
    );
    let schemas: Vec<_> = parsed(data, &["dead-letters"])
        .iter()
        .map(|one| one["schema"].clone())
        .collect();
    assert_eq!(schemas, [json!(new.fingerprint()), json!(old.fingerprint())]);

    // The operator changes his mind.
    lines(
        data,
        &["schemas", "accept", &old.fingerprint(), "--class", "Sample"],
    );
    assert_eq!(replay(data, &[]), [1, 0, 1]);
    assert_eq!(field.send(&old, &[ints(6)]), NONE);
    assert_eq!(field.send(&new, &[doubles(7)]), ["SchemaConflict"]);
}

#[test]
fn a_wrong_schema_that_came_first_is_shown_and_forgotten_and_its_classes_are_free() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (wrong, right) = (sample("string", ""), sample("double", ""));
    field.put(&wrong);
    field.put(&right);
    assert_eq!(field.send(&right, &[doubles(1)]), ["SchemaConflict"]);
    assert_eq!(
        lines(data, &["schemas", "show", &wrong.fingerprint()]),
        [wrong.to_json()]
    );

    assert_eq!(
        lines(data, &["schemas", "forget", &wrong.fingerprint()]),
        [format!("forgotten {}", wrong.fingerprint())]
    );
    assert_eq!(field.send(&right, &[doubles(2)]), NONE, "without a restart");
    assert_eq!(replay(data, &[]), [1, 0, 0]);
    for action in ["show", "forget"] {
        let output = command(data, &["schemas", action, &wrong.fingerprint()]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{action}: it is not there any more"
        );
    }

    field.put(&wrong);
    let text = doc! {"_id": 3_i64, "value": "x", "unit": {"u": "x"}};
    assert_eq!(field.send(&wrong, &[text]), ["SchemaConflict"], "it comes last");
    assert_eq!(field.send(&right, &[doubles(4)]), NONE);
}

#[test]
fn the_user_who_sent_a_schema_is_listed() {
    let data = tempfile::tempdir().unwrap();
    let field = Field::new(data.path());
    let another = field.server.token();
    let (mine, theirs) = (sample("int", ""), sample("double", ""));
    field.put(&mine);
    assert_eq!(field.server.put_schema(&another, &theirs), 204);
    assert_eq!(field.server.put_schema(&another, &mine), 204);
    let listed = parsed(data.path(), &["schemas", "list"]);
    let user = |schema: &Schema| {
        let name = json!(schema.fingerprint());
        let found = listed.iter().find(|one| one["fingerprint"] == name);
        found.unwrap()["user"].as_str().unwrap().to_owned()
    };
    let id = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let mut client = field.server.client();
        let profile = client.call("GET", "/api/client/v2.0/auth/profile", &headers, b"");
        profile.unwrap().json["user_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(user(&mine), id(&field.token));
    assert_eq!(user(&theirs), id(&another));
}

#[test]
fn a_replayed_document_that_is_stored_already_is_not_stored_again() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    field.send(&new, &[doubles(1)]);
    field.send(&new, &[doubles(2)]);
    field.send(&old, &[ints(2)]);
    let of_first = outbox(field.devices - 2);
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    // Its acknowledgement got lost, so the first device sends again.
    let again = batch(&of_first, &new, &[one_run(1, "Sample", &[doubles(1)])]);
    let ack = post(&mut field.server.client(), &field.token, &again)
        .unwrap()
        .ack();
    assert!(ack.refused.is_empty());
    assert_eq!(replay(data, &["--outbox", &of_first]), [0, 1, 0]);
    assert_eq!(replay(data, &[]), [0, 0, 1]);
    let letter = parsed(data, &["dead-letters"]).remove(0);
    assert_eq!(letter["code"], "DuplicateId", "it says what keeps it now");
    assert_eq!(lines(data, &["find", "Sample"]).len(), 2);
}

#[test]
fn of_one_transaction_the_later_document_stands_when_it_is_replayed() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    let with = |value: f64| doc! {"_id": 1_i64, "value": value, "unit": {"u": 1.5}};
    field.send(&new, &[with(1.0), doubles(2), with(3.0)]);
    field.send(&new, &[with(4.0)]);
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    assert_eq!(replay(data, &[]), [3, 0, 1]);
    let found = parsed(data, &["find", "Sample"]);
    assert_eq!((found.len(), &found[0]["value"]), (2, &json!(3.0)));
}

#[test]
fn letters_whose_schema_is_lost_wait_for_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    field.send(&new, &[doubles(1)]);
    drop(field);
    for name in ["gateway.sqlite", "gateway.sqlite-wal", "gateway.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let field = Field::new(data);
    assert_eq!(replay(data, &[]), [0, 0, 1]);
    assert_eq!(parsed(data, &["dead-letters"])[0]["code"], "SchemaConflict");
    field.put(&new);
    assert_eq!(replay(data, &["--code", "SchemaConflict"]), [1, 0, 0]);
}

#[test]
fn letters_are_replayed_beside_a_server_that_stores() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    for first in [0, 400, 800] {
        let documents: Vec<_> = (first..first + 400).map(doubles).collect();
        assert_eq!(field.send(&new, &documents).len(), 400);
    }
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    let stop = AtomicBool::new(false);
    let (stored, sent) = std::thread::scope(|scope| {
        let replays: Vec<_> = (0..2).map(|_| scope.spawn(|| replay(data, &[]))).collect();
        let sender = scope.spawn(|| {
            let mut client = field.server.client();
            let mut sent = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                sent += 1;
                let id = sent.to_string();
                let body = batch(
                    &outbox(sent as u64),
                    &schema(),
                    &[one_run(1, "Note", &[note(&id, "x")])],
                );
                assert!(
                    post(&mut client, &field.token, &body)
                        .unwrap()
                        .ack()
                        .refused
                        .is_empty()
                );
            }
            sent
        });
        let stored: u64 = replays.into_iter().map(|one| one.join().unwrap()[0]).sum();
        stop.store(true, Ordering::Relaxed);
        (stored, sender.join().unwrap())
    });
    assert_eq!(stored, 1_200, "each by one of the two");
    let stats = parsed(data, &["stats", "--json"]).remove(0);
    assert_eq!(stats["collections"]["Sample"]["documents"], 1_200);
    assert_eq!(stats["collections"]["Note"]["documents"], sent);
    assert_eq!(stats["dead_letters"], 0);
    let mut ids: Vec<_> = parsed(data, &["find", "Sample"])
        .iter()
        .map(|one| one["_id"].as_i64().unwrap())
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..1_200));
}

#[test]
fn what_cannot_be_decided_is_said() {
    let data = tempfile::tempdir().unwrap();
    let field = Field::new(data.path());
    field.put(&sample("int", ""));
    let name = sample("int", "").fingerprint();
    let says = |arguments: &[&str], text: &str| {
        let output = command(data.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(text), "{said}");
    };
    says(&["schemas", "accept", &"0".repeat(32)], "there is no schema 0000");
    says(
        &["schemas", "accept", &name, "--class", "Nobody"],
        "has no class 'Nobody'",
    );
    assert_eq!(
        lines(data.path(), &["schemas", "accept", &name]),
        ["no class of this schema is in conflict"]
    );
    drop(field);
    assert_eq!(replay(data.path(), &[]), [0, 0, 0], "without a server as well");

    // A server of an earlier release may be writing these; reading them is fine.
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    assert_eq!(lines(old.path(), &["dead-letters"]).len(), 2);
    assert_eq!(parsed(old.path(), &["stats", "--json"])[0]["setbacks"], 0);
    let output = command(old.path(), &["dead-letters", "replay"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("has format 1, not 2; start the server of this version"),
        "{said}"
    );
    drop(Server::start(old.path()));
    assert_eq!(replay(old.path(), &[]), [0, 0, 2]);
}

#[test]
fn a_collection_that_an_earlier_release_stored_is_found_before_and_after_the_file_is_brought_up() {
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    let stats = parsed(old.path(), &["stats", "--json"]).remove(0);
    let (name, one) = stats["collections"].as_object().unwrap().iter().next().unwrap();
    let found = lines(old.path(), &["find", name]);
    assert_eq!(found.len() as u64, one["documents"].as_u64().unwrap());
    drop(Server::start(old.path()));
    assert_eq!(lines(old.path(), &["find", name]), found);
}

#[test]
fn the_schemas_that_an_earlier_release_stored_are_listed_and_its_file_is_not_written() {
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    let file = old.path().join("gateway.sqlite");
    let before = std::fs::read(&file).unwrap();
    let listed = parsed(old.path(), &["schemas", "list"]);
    assert!(std::fs::read(&file).unwrap() == before, "the file is as it was");
    drop(Server::start(old.path()));
    assert!(!listed.is_empty());
    assert_eq!(
        listed,
        parsed(old.path(), &["schemas", "list"]),
        "as once it is brought up"
    );
}

#[test]
fn schemas_that_nobody_writes_under_are_forgotten_together() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let used = sample("int", "");
    let unused = sample("int", r#",{"name":"more","type":"int"}"#);
    field.put(&used);
    field.put(&unused);
    assert_eq!(field.send(&used, &[ints(1)]), NONE);
    // The first one came with the token.
    let forgotten = [schema(), unused].map(|one| format!("forgotten {}", one.fingerprint()));
    assert_eq!(lines(data, &["schemas", "forget", "--unused"]), forgotten);
    assert_eq!(lines(data, &["schemas", "forget", "--unused"]), NONE);
    assert_eq!(field.send(&used, &[ints(2)]), NONE);
}

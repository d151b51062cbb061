//! The commands beside a running server, and after it.

use std::io::Read;
use std::process::{Command, Stdio};

use bson::doc;
use bson::oid::ObjectId;
use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use crate::common::server::{BINARY, Running, Server, command, lines, post};
use crate::common::{batch, note, one_run, outbox, schema};

fn send(server: &Server, token: &str, seq: i64, documents: &[bson::Document]) {
    let body = batch(&outbox(1), &schema(), &[one_run(seq, "Note", documents)]);
    assert_eq!(post(&mut server.client(), token, &body).unwrap().ack().acked, seq);
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn commands_show_what_a_running_server_has() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path();
    let server = Server::start(path);
    let token = server.token();
    let empty = command(path, &["find", "Note"]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(
        String::from_utf8(empty.stderr)
            .unwrap()
            .contains("nothing has arrived yet")
    );

    let documents: Vec<_> = (0..1_200)
        .map(|number| note(&format!("{number:04}"), "x"))
        .collect();
    send(&server, &token, 1, &documents);
    let id = ObjectId::new();
    let reading = doc! {"_id": id, "value": 21.5, "note": null, "place": {"name": "roof"}};
    let body = batch(
        &outbox(2),
        &schema(),
        &[one_run(
            1,
            "Reading",
            &[reading, doc! {"_id": id, "value": "warm"}],
        )],
    );
    assert_eq!(
        post(&mut server.client(), &token, &body)
            .unwrap()
            .ack()
            .refused
            .len(),
        1
    );

    let found = lines(path, &["find", "Note"]);
    assert_eq!(found.len(), 1_200);
    assert_eq!(found[0], r#"{"_id":"0000","text":"x"}"#);
    assert_eq!(lines(path, &["find", "Note", "--limit", "3"]), found[..3]);
    assert_eq!(lines(path, &["find", "Note", "--limit", "1100"]), found[..1100]);
    assert_eq!(lines(path, &["export", "Note"]), found);

    let hex = id.to_hex();
    assert_eq!(
        parsed(&lines(path, &["export", "Reading"])),
        [json!({"_id": {"$oid": hex}, "value": 21.5, "note": null, "place": {"name": "roof"}})]
    );
    assert_eq!(
        parsed(&lines(path, &["export", "Reading", "--canonical"])),
        [
            json!({"_id": {"$oid": hex}, "value": {"$numberDouble": "21.5"}, "note": null, "place": {"name": "roof"}})
        ]
    );

    let letters = parsed(&lines(path, &["dead-letters"]));
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0]["collection"].as_str(), letters[0]["code"].as_str()),
        (Some("Reading"), Some("TypeMismatch"))
    );
    assert_eq!(
        letters[0]["reason"],
        "property 'Reading.value' expects double, found string"
    );
    assert_eq!((&letters[0]["seq"], &letters[0]["index"]), (&json!(1), &json!(1)));
    assert_eq!(letters[0]["document"]["value"], "warm");
    assert!(letters[0]["time"]["$date"].is_string());

    let stats = parsed(&lines(path, &["stats", "--json"])).remove(0);
    assert_eq!(stats["collections"]["Note"]["documents"], 1_200);
    assert_eq!(
        (&stats["documents"], &stats["dead_letters"]),
        (&json!(1_201), &json!(1))
    );
    assert_eq!((&stats["users"], &stats["outboxes"]), (&json!(1), &json!(2)));
    let table = lines(path, &["stats"]).join("\n");
    assert!(
        table.contains("Note") && table.contains("1201") && table.contains("dead letters"),
        "{table}"
    );

    let unknown = command(path, &["export", "note"]);
    assert_eq!(unknown.status.code(), Some(1));
    let text = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(
        text,
        "error: there is no collection 'note'; there are: Note, Reading\n"
    );

    server.signal("TERM");
    assert!(server.wait().success());
    assert_eq!(
        lines(path, &["find", "Note"]).len(),
        1_200,
        "the same without a server"
    );
}

#[test]
fn commands_show_dates_as_the_specification_says() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path();
    let server = Server::start(path);
    let token = server.token();
    let schema = Schema::parse(
        r#"{"classes":[{"name":"Event","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"int"},{"name":"at","type":"date"}]}]}"#,
    )
    .unwrap();
    assert_eq!(server.put_schema(&token, &schema), 204);
    let event = |id: i64, millis| doc! {"_id": id, "at": bson::DateTime::from_millis(millis)};
    let events = [
        event(1, i64::MAX),
        event(2, i64::MIN),
        event(3, 500),
        event(4, 253_402_300_800_000),
    ];
    let refused = doc! {"_id": 5_i64, "at": 1_i64, "more": bson::DateTime::MAX};
    let body = batch(
        &outbox(1),
        &schema,
        &[one_run(1, "Event", &events), one_run(2, "Event", &[refused])],
    );
    assert_eq!(
        post(&mut server.client(), &token, &body)
            .unwrap()
            .ack()
            .refused
            .len(),
        1
    );
    let far = |id, millis: i64| json!({"_id": id, "at": {"$date": {"$numberLong": millis.to_string()}}});
    let wanted = [
        far(1, i64::MAX),
        far(2, i64::MIN),
        json!({"_id": 3, "at": {"$date": "1970-01-01T00:00:00.500Z"}}),
        far(4, 253_402_300_800_000),
    ];
    assert_eq!(parsed(&lines(path, &["find", "Event"])), wanted);
    assert_eq!(parsed(&lines(path, &["export", "Event"])), wanted);
    let mut tail = Running::tail(path, &["Event", "--from-start"]);
    let shown: Vec<_> = tail.output().take(4).collect();
    assert_eq!(parsed(&shown), wanted);
    let letter = parsed(&lines(path, &["dead-letters"])).remove(0);
    assert_eq!(
        letter["document"]["more"]["$date"]["$numberLong"],
        i64::MAX.to_string()
    );
    let time = letter["time"]["$date"].as_str().unwrap();
    assert!(matches!(time.len(), 20 | 24) && time.ends_with('Z'), "{time}");
}

#[test]
fn tail_follows_what_arrives() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    send(&server, &token, 1, &[note("old", "x")]);
    let mut all = Running::tail(data.path(), &["--from-start"]);
    let mut all_lines = all.output();
    assert_eq!(
        all_lines.next().unwrap(),
        r#"{"collection":"Note","document":{"_id":"old","text":"x"}}"#
    );
    // The second begins with what is new; nothing tells when it has begun, so it gets something until it shows.
    let mut new = Running::tail(data.path(), &["Note"]);
    let mut new_lines = new.output();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let first_new = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let line = new_lines.next().unwrap();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            line
        });
        let mut seq = 2;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            send(&server, &token, seq, &[note(&format!("new {seq}"), "x")]);
            seq += 1;
        }
        reader.join().unwrap()
    });
    assert!(first_new.contains("new "), "{first_new}");
    assert!(all_lines.next().unwrap().contains(r#""_id":"new 2""#));
}

#[test]
fn tail_waits_for_a_collection_that_is_not_there_yet() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let mut tail = Running::tail(data.path(), &["Note"]);
    let told = tail.errors().next().unwrap();
    assert_eq!(told, "there is no collection 'Note' yet; waiting for it");
    send(&server, &token, 1, &[note("first", "x"), note("second", "x")]);
    let shown: Vec<_> = tail.output().take(2).collect();
    assert!(
        shown[0].contains("first") && shown[1].contains("second"),
        "{shown:?}"
    );
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let documents: Vec<_> = (0..5_000)
        .map(|number| note(&number.to_string(), &"x".repeat(100)))
        .collect();
    send(&server, &token, 1, &documents);
    for arguments in [
        &["find", "Note"][..],
        &["export", "Note"],
        &["tail", "--from-start"],
    ] {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut start = [0; 10];
        process.stdout.take().unwrap().read_exact(&mut start).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

#[test]
fn commands_say_what_they_do_and_where_the_data_should_be() {
    for name in [
        "serve",
        "find",
        "export",
        "tail",
        "dead-letters",
        "stats",
        "outboxes",
        "clients",
        "schemas",
        "backup",
        "check-integrity",
        "keys",
        "users",
    ] {
        let output = Command::new(BINARY).args([name, "--help"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(&format!("Example:\n  realm-ingest-gateway {name}")),
            "{text}"
        );
    }
    let nowhere = tempfile::tempdir().unwrap();
    let output = command(nowhere.path(), &["stats"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: there is no gateway data in ") && text.contains("--data"),
        "{text}"
    );
}

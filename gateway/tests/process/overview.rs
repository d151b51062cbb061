//! What the operator sees of devices, of what was refused and of setbacks.

use std::path::Path;

use bson::doc;
use realm_ingest_protocol::{DeviceReport, Schema};
use serde_json::{Value, json};

use crate::common::server::{Server, lines, post};
use crate::common::{batch, batch_of, body, copy_files, format_1, header_of, note, one_run, outbox, schema};

fn parsed(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    lines(data, arguments).iter().map(parse).collect()
}

#[test]
fn outboxes_are_shown_with_what_their_devices_say_of_themselves() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let transactions = [one_run(7, "Note", &[note("a", "x")])];
    let name = outbox(1);
    let mut header = header_of((&name, &name, 0), &schema(), &transactions);
    header.device = Some(DeviceReport {
        clock: 1_700_000_000_000,
        transactions: 12,
        objects: 340,
        bytes: 5_600,
        oldest_age: 78_000,
        version: "0.2.0".to_owned(),
        platform: "linux\u{9b} aarch64".to_owned(),
    });
    let mut client = server.client();
    post(&mut client, &token, &body(&header, &transactions))
        .unwrap()
        .ack();
    let silent = batch(&outbox(2), &schema(), &[one_run(1, "Note", &[note("b", "x")])]);
    post(&mut client, &token, &silent).unwrap().ack();

    let shown = parsed(data.path(), &["outboxes"]);
    assert_eq!(shown.len(), 2);
    let one = &shown[0];
    assert_eq!((&one["outbox"], &one["position"]), (&json!(name), &json!(7)));
    assert_eq!(one["schema"], schema().fingerprint());
    assert_eq!(
        (
            one["app"].as_str().unwrap().len(),
            one["user"].as_str().unwrap().len()
        ),
        (24, 24)
    );
    assert!(one["heard"]["$date"].is_string());
    assert_eq!(
        one["device"],
        json!({
            "clock": {"$date": "2023-11-14T22:13:20Z"}, "transactions": 12, "objects": 340, "bytes": 5_600,
            "oldest_age": 78_000, "version": "0.2.0", "platform": "linux\u{9b} aarch64",
        })
    );
    assert_eq!(
        (&shown[1]["outbox"], &shown[1]["device"]),
        (&json!(outbox(2)), &Value::Null)
    );
}

#[test]
fn what_a_device_says_is_kept_whatever_becomes_of_its_batch_and_no_late_report_displaces_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let mut client = server.client();
    let mut say = |device: u64, (acked, after), seq, clock: Option<i64>| {
        let name = outbox(device);
        let transactions = [one_run(seq, "Note", &[note(&format!("{device} {seq}"), "x")])];
        let mut header = header_of((&name, &outbox(9), acked), &schema(), &transactions);
        header.after = after;
        header.device = clock.map(|clock| DeviceReport {
            clock,
            ..DeviceReport::default()
        });
        let answer = post(&mut client, &token, &body(&header, &transactions)).unwrap();
        let shown = parsed(data.path(), &["outboxes"]);
        let one = shown.iter().find(|one| one["outbox"] == name).unwrap();
        let kept = match one["device"]["clock"]["$date"].as_str() {
            None => 0,
            Some(date) => date["1970-01-01T00:00:0".len()..][..1].parse().unwrap(),
        };
        assert!(one["heard"]["$date"].is_string());
        (answer.status, kept, one["position"].as_i64().unwrap())
    };
    let (first, second) = ((0, 0), (0, 3));
    assert_eq!(
        say(1, second, 4, Some(1_000)),
        (409, 1, 0),
        "a hole, of one that is not known"
    );
    assert_eq!(say(1, first, 3, Some(3_000)), (200, 3, 3));
    assert_eq!(say(1, first, 3, None), (200, 3, 3), "nothing is said");
    assert_eq!(
        say(1, first, 3, Some(2_000)),
        (200, 3, 3),
        "it was long on its way"
    );
    assert_eq!(say(1, (0, 5), 6, Some(5_000)), (409, 5, 3), "a hole");
    assert_eq!(
        say(1, second, 4, Some(4_000)),
        (200, 4, 4),
        "the clock was set back"
    );
}

#[test]
fn every_outbox_of_a_large_fleet_is_shown_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    drop(server);
    let file = rusqlite::Connection::open(data.path().join("documents.sqlite")).unwrap();
    file.execute_batch(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
         INSERT INTO outboxes (app, user, outbox, position)
           SELECT 'app', 'user ' || (i % 3), printf('%032x', i / 3), i FROM n;",
    )
    .unwrap();
    let mut positions: Vec<_> = parsed(data.path(), &["outboxes"])
        .iter()
        .map(|one| one["position"].as_i64().unwrap())
        .collect();
    positions.sort_unstable();
    assert!(positions.into_iter().eq(1..=4_500));
}

#[test]
fn setbacks_are_counted_by_outbox() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let mut client = server.client();
    for (device, acked) in [(1, 5), (1, 9), (2, 5), (3, 0)] {
        let name = outbox(device);
        let seq: i64 = acked + 1;
        let origin = (&*name, &*outbox(device * 100 + seq.unsigned_abs()), acked);
        let sent = batch_of(
            origin,
            &schema(),
            &[one_run(seq, "Note", &[note(&format!("{device} {seq}"), "")])],
        );
        post(&mut client, &token, &sent).unwrap().ack();
    }
    let shown = parsed(data.path(), &["outboxes"]);
    let setbacks: Vec<_> = shown
        .iter()
        .map(|one| one["setbacks"].as_u64().unwrap())
        .collect();
    assert_eq!(setbacks, [2, 1, 0]);
    let stats = parsed(data.path(), &["stats", "--json"]).remove(0);
    assert_eq!(
        (&stats["setbacks"], &stats["set_back_outboxes"]),
        (&json!(3), &json!(2))
    );
    assert!(stats["last_setback"]["$date"].is_string());
}

#[test]
fn dead_letters_are_counted_by_class_and_code() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let bad: Vec<_> = (0..2_500).map(|_| doc! {"_id": "b", "text": 5}).collect();
    let transactions = [
        one_run(1, "Nobody", &[note("a", "b")]),
        one_run(2, "Note", &bad),
        one_run(3, "Note", &[note("c", "")]),
        one_run(4, "Note", &[note("c", "other")]),
    ];
    let sent = batch(&outbox(1), &schema(), &transactions);
    post(&mut server.client(), &token, &sent).unwrap().ack();
    let stats = parsed(data.path(), &["stats", "--json"]).remove(0);
    assert_eq!(stats["dead_letters"], 2_502);
    let size = |document: bson::Document| document.to_vec().unwrap().len();
    assert_eq!(
        stats["letters"],
        json!([
            {"class": "Note", "code": "TypeMismatch", "letters": 2_500, "bytes": 2_500 * size(bad[0].clone())},
            {"class": "Nobody", "code": "UnknownClass", "letters": 1, "bytes": size(note("a", "b"))},
            {"class": "Note", "code": "DuplicateId", "letters": 1, "bytes": size(note("c", "other"))},
        ])
    );
    let table = lines(data.path(), &["stats"]);
    let line = table.iter().find(|line| line.ends_with("TypeMismatch")).unwrap();
    assert!(line.starts_with("Note") && line.contains("2500"), "{table:?}");
}

#[test]
fn schemas_are_shown_with_the_outboxes_that_write_under_them() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let newer = schema()
        .to_json()
        .replacen(r#"{"name":"Note""#, r#"{"name":"Remark""#, 1);
    let newer = Schema::parse(&newer).unwrap();
    let unused = Schema::parse(r#"{"classes":[]}"#).unwrap();
    for schema in [&newer, &unused] {
        assert_eq!(server.put_schema(&token, schema), 204);
    }
    let mut client = server.client();
    for (device, seq, schema, class) in [
        (1, 1, &schema(), "Note"),
        (1, 2, &newer, "Remark"),
        (2, 1, &newer, "Remark"),
        (3, 1, &schema(), "Note"),
    ] {
        let id = format!("{device} {seq}");
        let sent = batch(&outbox(device), schema, &[one_run(seq, class, &[note(&id, "")])]);
        post(&mut client, &token, &sent).unwrap().ack();
    }
    let listed = parsed(data.path(), &["schemas", "list"]);
    let used = |schema: &Schema| {
        let name = schema.fingerprint();
        let one = listed.iter().find(|one| one["fingerprint"] == name).unwrap();
        (
            one["outboxes"].as_u64().unwrap(),
            one["heard"]["$date"].is_string(),
        )
    };
    assert_eq!(used(&schema()), (1, true));
    assert_eq!(used(&newer), (2, true));
    assert_eq!(used(&unused), (0, false));
}

#[test]
fn what_an_earlier_release_knows_of_outboxes_is_shown() {
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    let before = parsed(old.path(), &["outboxes"]);
    assert_eq!(before.len(), 2);
    assert!(
        before
            .iter()
            .all(|one| one["position"].as_i64() > Some(0) && one["heard"].is_null())
    );
    drop(Server::start(old.path()));
    assert_eq!(
        parsed(old.path(), &["outboxes"]),
        before,
        "as once the file is brought up"
    );
}

//! What the log has of requests.

use std::path::Path;

use bson::doc;
use bson::oid::ObjectId;
use realm_ingest_protocol::Schema;

use crate::common::server::{logged, post};
use crate::common::{APP, batch, body, header_of, one_run, outbox, schema};

/// The lines of requests.
fn lines(log: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().filter(|line| line.contains("http::log"));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_request_that_is_refused_has_one_line_that_says_whose_and_why() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "info", &[]);
    let token = server.token();
    assert_eq!(lines(&log), [] as [&str; 0], "what succeeds is not told at info");
    let mut client = server.client();
    let answer = post(&mut client, &token, b"no batch").unwrap();
    let id = answer.header("x-appservices-request-id").to_owned();
    let login = format!("{APP}/auth/providers/local-userpass/login?password=secret");
    let body = br#"{"username":"nobody","password":"not this"}"#;
    let json = [("content-type", "application/json")];
    client.call("POST", &login, &json, body).unwrap();

    let lines = lines(&log);
    let [batch, login] = &lines[..] else {
        panic!("{lines:?}")
    };
    for part in [
        " INFO ",
        &format!("id=\"{id}\""),
        "method=POST",
        &format!("path=\"{APP}/ingest\""),
        "client=\"127.0.0.1\"",
        "user=\"",
        "status=400",
        "code=\"BadRequest\"",
        "reason=\"",
    ] {
        assert!(batch.contains(part), "{part} is not in {batch}");
    }
    assert!(login.contains("status=401 code=\"InvalidPassword\""), "{login}");
    assert!(!login.contains("user=") && !login.contains("secret") && !login.contains("not this"));
}

#[test]
fn at_debug_every_request_has_a_line() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "realm_ingest_gateway=debug", &[]);
    server.token();
    let lines = lines(&log);
    assert_eq!(lines.len(), 2, "a log-in and a schema: {lines:?}");
    assert!(
        lines
            .iter()
            .all(|line| line.contains("DEBUG") && line.contains("status=20"))
    );
}

#[test]
fn a_request_that_its_client_leaves_has_a_line() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "info", &[]);
    let token = server.token();
    let mut client = server.client();
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", realm_ingest_protocol::CONTENT_TYPE),
        ("content-length", "100"),
    ];
    use std::io::Write;
    let mut head = format!("POST {APP}/ingest HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    client.stream().write_all((head + "\r\nhalf").as_bytes()).unwrap();
    drop(client);
    while lines(&log).is_empty() {
        std::thread::yield_now();
    }
    let lines = lines(&log);
    assert!(lines[0].contains("ingest"), "{lines:?}");
}

#[test]
fn a_conflict_between_releases_is_told_once_by_its_schema_and_once_by_each_outbox() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "warn", &[]);
    let token = server.token();
    let newer = schema().to_json().replacen(
        r#""name":"value","type":"double""#,
        r#""name":"value","type":"string""#,
        1,
    );
    let newer = Schema::parse(&newer).unwrap();
    for _ in 0..2 {
        assert_eq!(server.put_schema(&token, &newer), 204);
    }
    let mut client = server.client();
    for (device, seq) in [(1, 1), (1, 2), (2, 1)] {
        let documents = vec![doc! {"_id": ObjectId::new(), "value": "warm", "place": null}; 2];
        let sent = batch(&outbox(device), &newer, &[one_run(seq, "Reading", &documents)]);
        let refused = post(&mut client, &token, &sent).unwrap().ack().refused;
        assert_eq!(refused[0].code, "SchemaConflict", "{refused:?}");
    }
    let log = std::fs::read_to_string(&log).unwrap();
    let told: Vec<_> = log.lines().filter(|line| line.contains("see schemas")).collect();
    assert_eq!(told.len(), 3, "{log}");
    for line in &told {
        let fingerprint = format!("fingerprint=\"{}\"", newer.fingerprint());
        for part in [
            " WARN ",
            &fingerprint,
            "user=\"",
            "class=\"Reading\"",
            "'Reading.value'",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    for (line, device) in [(told[1], 1), (told[2], 2)] {
        let part = format!("outbox=\"{}\"", outbox(device));
        assert!(line.contains(&part), "{part} is not in {line}");
    }
}

#[test]
fn what_is_said_of_a_batch_on_any_thread_has_the_id_of_its_request() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "warn", &[]);
    let (token, mut client) = (server.token(), server.client());
    let wrong = vec![doc! {"_id": ObjectId::new(), "value": "warm"}];
    let refused = batch(&outbox(1), &schema(), &[one_run(1, "Reading", &wrong)]);
    let behind = [one_run(9, "Reading", &wrong)];
    let mut hole = header_of((&outbox(1), &outbox(1), 1), &schema(), &behind);
    hole.after = 8;
    let hole = body(&hole, &behind);
    for (sent, status, said) in [
        (refused, 200, "documents refused"),
        (hole, 409, "has not arrived"),
    ] {
        let answer = post(&mut client, &token, &sent).unwrap();
        assert_eq!(answer.status, status, "{:?}", answer.json);
        let id = format!("id=\"{}\"", answer.header("x-appservices-request-id"));
        let log = std::fs::read_to_string(&log).unwrap();
        let line = log.lines().find(|line| line.contains(said));
        assert!(
            line.is_some_and(|line| line.contains(&id)),
            "{id} is not in {line:?}"
        );
    }
}

#[test]
fn a_client_does_not_choose_how_its_request_is_called() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "info", &[]);
    let mut client = server.client();
    let headers = [("x-appservices-request-id", "chosen")];
    let answer = client.call("GET", "/nowhere", &headers, b"").unwrap();
    let id = answer.header("x-appservices-request-id");
    assert!(id.len() == 24 && lines(&log)[0].contains(id), "{id}");
}

#[test]
fn long_requests_have_short_lines() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "info", &[]);
    let path = format!("/{}", "x".repeat(10_000));
    let answer = server.client().call("GET", &path, &[], b"").unwrap();
    assert_eq!(answer.status, 404);
    let line = lines(&log).remove(0);
    assert!(line.contains("status=404") && line.len() < 1_000, "{line}");
}

#[test]
fn a_log_that_cannot_be_written_ends_no_request() {
    let data = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let full = Path::new("/dev/full");
        let server = logged(data.path(), full, "debug", &["--log-format", format]);
        let mut client = server.client();
        for _ in 0..2 {
            let refused = client.call("GET", "/api/client/v2.0/auth/profile", &[], b"");
            assert_eq!(refused.unwrap().status, 401, "{format}");
        }
    }
}

//! What clients write cannot steer the terminal of whoever looks at it.

use bson::doc;
use realm_ingest_protocol::Schema;
use serde_json::Value;

use crate::common::server::{Running, Server, command, lines, post, serve};
use crate::common::{batch, one_run, outbox};

/// Clears the screen in two ways, breaks the line, turns the direction of writing, and hides.
const EVIL: &str = "\u{1b}[2J\u{9b}2J\r\n\u{7f}\u{202e}\u{200b}";

fn is_plain(text: &str) -> bool {
    let steers = |one: char| one.is_control() || matches!(one, '\u{200b}' | '\u{202e}');
    text.lines().all(|line| !line.chars().any(steers)) && !text.contains('\r')
}

#[test]
fn no_command_shows_a_character_that_steers_the_terminal() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path();
    let server = Server::start(path);
    let token = server.token();
    let class: &'static str = "Evil\u{202e}";
    let schema = |kind: &str| {
        let json = r#"{"classes":[{"name":CLASS,"kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"string"},{"name":"text\u202e","type":"KIND"}]}]}"#;
        let name = serde_json::to_string(class).unwrap();
        Schema::parse(&json.replace("CLASS", &name).replace("KIND", kind)).unwrap()
    };
    let (first, second) = (schema("string"), schema("int"));
    assert_eq!(server.put_schema(&token, &first), 204);
    assert_eq!(server.put_schema(&token, &second), 204);
    let documents = [
        doc! {"_id": EVIL, "text\u{202e}": EVIL},
        doc! {"_id": "refused", "text\u{202e}": 1, EVIL: EVIL},
    ];
    let body = batch(&outbox(1), &first, &[one_run(1, class, &documents)]);
    assert_eq!(
        post(&mut server.client(), &token, &body)
            .unwrap()
            .ack()
            .refused
            .len(),
        1
    );
    let body = batch(&outbox(2), &second, &[one_run(1, class, &documents[..1])]);
    assert_eq!(
        post(&mut server.client(), &token, &body)
            .unwrap()
            .ack()
            .refused
            .len(),
        1
    );

    let shown: Value = serde_json::from_str(&lines(path, &["find", class])[0]).unwrap();
    assert_eq!(shown["_id"], EVIL, "it is the same value");
    let fingerprint = second.fingerprint();
    for arguments in [
        &["find", class][..],
        &["export", class, "--canonical"],
        &["dead-letters"],
        &["stats"],
        &["stats", "--json"],
        &["schemas", "list"],
        &["schemas", "show", &fingerprint],
        &["schemas", "accept", &fingerprint],
        &["find", "nobody\u{202e}"],
        &["schemas", "forget", EVIL],
    ] {
        let output = command(path, arguments);
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(!shown.is_empty() && is_plain(&shown), "{arguments:?} {shown:?}");
    }
    let line = Running::tail(path, &["--from-start"]).output().next().unwrap();
    assert!(is_plain(&line), "{line:?}");
}

/// The first line of the log of a server whose directory has this name.
fn logged(name: &str, format: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut command = serve(&data.path().join(name), &["--log-format", format]);
    command.env("RUST_LOG", "info");
    Running::start(&mut command).errors().next().unwrap()
}

#[test]
fn a_line_of_the_log_is_one_line_and_steers_nothing() {
    let name = "log\n\u{1b}[2J\u{9b}\u{202e}end";
    let text = logged(name, "text");
    assert!(
        text.contains(r"log\u000a\u001b[2J\u009b\u202eend") && text.contains("started"),
        "{text:?}"
    );
    assert!(is_plain(&text), "{text:?}");
    let json = logged(name, "json");
    assert!(is_plain(&json), "{json:?}");
    let value: Value = serde_json::from_str(&json).unwrap();
    assert!(
        value["data"].as_str().unwrap().ends_with(name),
        "it is the same value"
    );
}

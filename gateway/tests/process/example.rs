//! The example of the wire's description, as it is printed there.

use std::process::{Command, Output};

use realm_ingest_protocol::{Ack, Schema};
use serde_json::Value;

use crate::common::server::{Server, lines};

const PAGE: &str = include_str!("../../../docs/wire.md");

/// What it printed, once it has succeeded.
#[track_caller]
fn printed(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of the page that send a file with curl, to this server.
fn curl(server: &Server) -> String {
    let (_, from) = PAGE.split_once("```sh\n").unwrap();
    let (lines, _) = from.split_once("```").unwrap();
    lines.replace("127.0.0.1:9090", &server.address.to_string())
}

#[test]
fn the_example_of_the_wire_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/send_batch.py");
    let output = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(format!("http://{}", server.address))
        .arg("batch.bson")
        .current_dir(data.path())
        .output();
    let said = printed(output.unwrap());
    assert!(
        said.lines().all(|line| PAGE.contains(&format!("\n{line}\n"))),
        "docs/wire.md shows {said}"
    );
    assert_eq!(
        said,
        "schema required: True\nacknowledged up to 2\n\
         refused: TypeMismatch - property 'Reading.celsius' expects double or null, found string\nposition 2\n"
    );
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &curl(&server)])
        .current_dir(data.path())
        .output();
    let answer: Ack = serde_json::from_str(&printed(output.unwrap())).unwrap();
    assert_eq!(
        (answer.acked, answer.refused[0].code.as_str()),
        (2, "TypeMismatch")
    );

    assert_eq!(lines(data.path(), &["find", "Reading"]).len(), 2);
    assert_eq!(lines(data.path(), &["dead-letters"]).len(), 2, "one of each user");
    let outboxes = lines(data.path(), &["outboxes"]);
    let report: Value = serde_json::from_str(&outboxes[0]).unwrap();
    assert_eq!(report["device"]["objects"], 3);
}

#[test]
fn the_schema_of_the_wire_is_one() {
    let schema = Schema::parse(include_str!("../data/wire/schema.json")).unwrap();
    assert_eq!(schema.class("Reading").unwrap().properties.len(), 2);
}

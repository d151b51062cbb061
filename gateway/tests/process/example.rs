//! The example of the wire's description, as it is printed there.

use std::process::Command;

use crate::common::server::{Server, lines};

#[test]
fn the_example_of_the_wire_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/send_batch.py");
    let output = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(format!("http://{}", server.address))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    let page = include_str!("../../../docs/wire.md");
    assert!(
        printed
            .lines()
            .all(|line| page.contains(&format!("\n    {line}\n"))),
        "docs/wire.md shows {printed}"
    );
    assert_eq!(
        printed,
        "schema required: True\nacknowledged up to 2\n\
         refused: TypeMismatch - property 'Reading.celsius' expects double or null, found string\nposition 2\n"
    );
    assert_eq!(lines(data.path(), &["find", "Reading"]).len(), 2);
    assert_eq!(lines(data.path(), &["dead-letters"]).len(), 1);
}

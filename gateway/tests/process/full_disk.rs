//! A file that may not grow: batches are put off, nothing is changed, and the server serves on.

use std::process::Command;

use crate::common::server::{BINARY, Server, lines, post};
use crate::common::{batch, note, one_run, outbox, schema};

/// Blocks of 1 KiB a file of the server may have: enough to start and take a little.
const BLOCKS: u32 = 400;

#[test]
fn without_space_batches_are_put_off_and_with_space_taken() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    // With SIGXFSZ ignored, a write beyond the limit fails as one on a full disk does.
    let limited = format!("trap '' XFSZ; ulimit -S -f {BLOCKS}; exec \"$@\"");
    command.args([
        "-c",
        &limited,
        "bash",
        BINARY,
        "serve",
        "--dev",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    command.arg(data.path());
    let server = Server::run(command);
    let token = server.token();
    let mut client = server.client();
    let body = |seq: i64| {
        // Random enough not to matter how it is stored; 100 KB each.
        let documents = [note(&format!("{seq}"), &"0123456789".repeat(10_000))];
        batch(&outbox(1), &schema(), &[one_run(seq, "Note", &documents)])
    };
    let mut seq = 1;
    let refused = loop {
        let answer = post(&mut client, &token, &body(seq)).unwrap();
        if answer.status != 200 {
            break answer;
        }
        seq += 1;
        assert!(seq < 50, "the limit has no effect");
    };
    refused.refused(
        503,
        Some("InternalServerError"),
        "the store does not answer; nothing was changed",
    );
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    let healthy = client.call("GET", "/healthz", &[], b"").unwrap();
    assert_eq!(healthy.status, 200, "the process is alive");
    assert_eq!(
        lines(data.path(), &["find", "Note"]).len(),
        usize::try_from(seq - 1).unwrap()
    );

    let lift = format!("--pid={}", server.id());
    assert!(
        Command::new("prlimit")
            .args([&lift, "--fsize=unlimited"])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(post(&mut client, &token, &body(seq)).unwrap().ack().acked, seq);
    assert_eq!(client.call("GET", "/readyz", &[], b"").unwrap().status, 200);
    assert_eq!(
        lines(data.path(), &["find", "Note"]).len(),
        usize::try_from(seq).unwrap()
    );
}

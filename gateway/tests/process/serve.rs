//! Starting and stopping.

use std::io::Write;
use std::process::Command;

use realm_ingest_protocol::CONTENT_TYPE;

use crate::common::server::{BINARY, Running, Server, lines, serve};
use crate::common::{APP, batch, note, one_run, outbox, schema};

/// What it says when it does not even start: 2, as what was asked for makes no sense, or 4, as it cannot be done.
fn refused(code: i32, arguments: &[&str]) -> String {
    // One that does start would run for ever.
    let mut command = Command::new("timeout");
    let output = command.args(["60", BINARY]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_would_be_unsafe_is_refused_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    assert_eq!(
        refused(2, &["serve", "--data", data]),
        "error: nothing to serve: name the directory of an app with --app, or add --dev for development mode\n"
    );
    let open = refused(2, &["serve", "--dev", "--listen", "0.0.0.0:0", "--data", data]);
    assert!(
        open.contains("--expose-dev-mode-to-network") && open.lines().count() == 1,
        "{open}"
    );
    let wrong = refused(2, &["serve", "--dev", "--listen", "nonsense", "--data", data]);
    assert!(wrong.contains("'nonsense' is no address to listen on"), "{wrong}");
    let id = refused(2, &["serve", "--dev", "--app-id", "my app", "--data", data]);
    assert!(id.contains("'my app' is no client app id"), "{id}");
    let missing = refused(
        4,
        &[
            "serve",
            "--dev",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "/proc/nowhere",
        ],
    );
    assert!(
        missing.starts_with("error: cannot use /proc/nowhere as the directory") && missing.contains("--data"),
        "{missing}"
    );
}

#[test]
fn told_twice_development_mode_listens_on_the_network() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args([
        "serve",
        "--dev",
        "--listen",
        "0.0.0.0:0",
        "--expose-dev-mode-to-network",
        "--data",
    ]);
    command.arg(data.path());
    let server = Server::run(command);
    assert!(server.address.ip().is_unspecified());
}

#[test]
fn one_directory_has_one_server() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let server = Server::start(data.path());
    let second = refused(4, &["serve", "--dev", "--listen", "127.0.0.1:0", "--data", path]);
    assert!(
        second.contains(&format!("another server uses {path}")),
        "{second}"
    );
    let taken = server.address.to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap();
    let second = refused(4, &["serve", "--dev", "--listen", &taken, "--data", elsewhere]);
    assert!(second.contains(&format!("cannot listen on {taken}")), "{second}");
    server.kill();
    // The lock goes with the process, however it ended.
    Server::start(data.path());
}

#[test]
fn a_signal_lets_requests_end_and_leaves_tidy_files() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path());
        let token = server.token();
        let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", "b")])]);
        let mut client = server.client();
        let head = format!(
            "POST {APP}/ingest HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: {CONTENT_TYPE}\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        client.stream().write_all(head.as_bytes()).unwrap();
        // The server asks for the body: the request has begun.
        assert_eq!(client.read().unwrap().status, 100);
        server.signal(signal);
        let address = server.address;
        // New connections are not taken any more; then the body of the old one is sent.
        while std::net::TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
        client.stream().write_all(&body).unwrap();
        assert_eq!(client.read().unwrap().ack().acked, 1);
        assert!(server.wait().success());
        let wal = data.path().join("documents.sqlite-wal");
        assert_eq!(
            wal.metadata().map_or(0, |metadata| metadata.len()),
            0,
            "the log was folded into the file"
        );
        assert_eq!(
            lines(data.path(), &["find", "Note"]),
            [r#"{"_id":"a","text":"b"}"#]
        );
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let mut client = server.client();
    let head = format!(
        "POST {APP}/ingest HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: {CONTENT_TYPE}\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"
    );
    client.stream().write_all(head.as_bytes()).unwrap();
    assert_eq!(client.read().unwrap().status, 100);
    server.signal("TERM");
    // It has begun to stop.
    while std::net::TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn a_server_runs_where_nobody_reads_its_output() {
    let data = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = serve(data.path(), &[]);
    command.env("RUST_LOG", "info");
    let line = Running::with_output(&mut command, writer)
        .errors()
        .next()
        .unwrap();
    assert!(line.contains("started in development mode"), "{line}");
}

#[cfg(unix)]
#[test]
fn data_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.token();
    for file in ["gateway.sqlite", "gateway.sqlite-wal", "documents.sqlite", "lock"] {
        let mode = data.path().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

//! `health`, as it is run beside a server by whoever watches over it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::server::{BINARY, Server};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name);
    path.to_str().unwrap().to_owned()
}

/// The command, with settings as a server beside it has them from the environment.
fn health(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("health").args(arguments);
    for (name, value) in settings {
        command.env(format!("REALM_INGEST_GATEWAY_{name}"), value);
    }
    command.output().unwrap()
}

#[track_caller]
fn says(output: &Output, answer: &str) {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{{\"status\":\"{answer}\"}}\n")
    );
}

#[track_caller]
fn fails(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(why) && said.lines().count() == 1, "{said}");
}

#[test]
fn a_server_that_runs_is_alive_and_ready() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = server.address.to_string();
    says(&health(&[("LISTEN", &address)], &[]), "alive");
    says(&health(&[("LISTEN", &address)], &["--ready"]), "ready");
    // As in a container, where it listens on any address.
    let any = format!("0.0.0.0:{}", server.address.port());
    says(&health(&[("LISTEN", &any)], &[]), "alive");
    says(&health(&[], &["--listen", &address]), "alive");
}

#[test]
fn where_nobody_listens_nothing_is_healthy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(taken);
    let refused = format!("http://{address}/healthz: ");
    fails(&health(&[("LISTEN", &address)], &[]), 1, &refused);
    fails(&health(&[("LISTEN", "127.0.0.1:0")], &[]), 2, "took a free port");
}

#[test]
fn one_that_waits_for_its_database_lives_and_is_not_ready() {
    let data = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    // Takes connections and answers nothing.
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("mongodb://{}", database.local_addr().unwrap());
    drop(free);
    let mut command = Command::new(BINARY);
    command.args(["serve", "--dev", "--listen", &address, "--mongodb", &uri]);
    let mut process = command.current_dir(data.path()).spawn().unwrap();
    let settings = [("LISTEN", address.as_str())];
    while !health(&settings, &[]).status.success() {
        assert!(process.try_wait().unwrap().is_none(), "the server has ended");
    }
    let ready = health(&settings, &["--ready"]);
    process.kill().unwrap();
    process.wait().unwrap();
    fails(&ready, 1, "/readyz: 503 Service Unavailable: ");
}

#[test]
fn by_tls_it_asks_whatever_name_the_certificate_has() {
    let data = tempfile::tempdir().unwrap();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let server = Server::start_with(data.path(), &["--tls-cert", &certificate, "--tls-key", &key]);
    let address = server.address.to_string();
    let settings = [("LISTEN", address.as_str()), ("TLS_CERT", certificate.as_str())];
    says(&health(&settings, &["--ready"]), "ready");
}

#[test]
fn where_clients_need_a_certificate_the_address_for_metrics_is_asked() {
    let data = tempfile::tempdir().unwrap();
    let (certificate, key, authority) = (file("server.pem"), file("server.key"), file("authority.pem"));
    let mut server = Server::start_with(
        data.path(),
        &[
            "--tls-cert",
            &certificate,
            "--tls-key",
            &key,
            "--client-ca",
            &authority,
            "--metrics-listen",
            "0",
        ],
    );
    let address = server.address.to_string();
    let port = server.metrics_address().port().to_string();
    let mut settings = vec![
        ("LISTEN", address.as_str()),
        ("TLS_CERT", certificate.as_str()),
        ("CLIENT_CA", authority.as_str()),
    ];
    fails(&health(&settings, &[]), 2, "--metrics-listen");
    settings.push(("METRICS_LISTEN", port.as_str()));
    says(&health(&settings, &[]), "alive");
    fails(
        &health(&settings, &["--ready"]),
        2,
        "/readyz is served to clients with a certificate only",
    );
}

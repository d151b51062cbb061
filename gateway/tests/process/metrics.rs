//! Metrics of a process, on a listener of their own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::common::scrape::Scrape;
use crate::common::server::{Server, post};
use crate::common::{batch, one_run, outbox, reading, schema};

/// The whole answer.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The text of a scrape after a batch.
fn scraped() -> String {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(data.path(), &["--metrics-listen", "0"]);
    let metrics = server.metrics_address();
    assert!(metrics.ip().is_loopback(), "a port alone is one of loopback");
    let (token, mut client) = (server.token(), server.client());
    let sent = batch(&outbox(1), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
    post(&mut client, &token, &sent).unwrap().ack();
    assert!(get(server.address, "/metrics").starts_with("HTTP/1.1 404"));
    assert!(get(metrics, "/healthz").starts_with("HTTP/1.1 200"));
    let answer = get(metrics, "/metrics");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    text.to_owned()
}

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_in_a_scrape() {
    let scrape = Scrape::parse(&scraped());
    let stored = r#"realm_ingest_documents_stored_total{app="any",door="http"}"#;
    assert_eq!(scrape.value(stored), 1.0);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/monitoring");
    let name = Regex::new("(realm_ingest|process)_[a-z_]+").unwrap();
    for (file, least) in [("dashboard.json", 15), ("alerts.yml", 9)] {
        let text = std::fs::read_to_string(directory.join(file)).unwrap();
        let mut named: Vec<_> = name.find_iter(&text).map(|found| found.as_str()).collect();
        named.sort_unstable();
        named.dedup();
        assert!(named.len() >= least, "{named:?}");
        for name in named {
            assert!(scrape.has(name), "{name} of {file} is in no scrape");
        }
    }
}

#[test]
fn every_metric_is_described_in_the_documentation() {
    let scrape = Scrape::parse(&scraped());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring.md");
    let text = std::fs::read_to_string(file).unwrap();
    for series in scrape.series() {
        let name = series.split('{').next().unwrap();
        let of_histogram = ["_bucket", "_sum", "_count"];
        let bare = of_histogram
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        assert!(text.contains(&format!("`{bare}`")), "{bare} is not described");
    }
}

/// Where Prometheus' own tool is installed.
#[test]
fn prometheus_has_nothing_to_say_against_a_scrape() {
    let mut tool = Command::new("promtool");
    tool.args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut tool) = tool.spawn() else {
        return;
    };
    let text = scraped();
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{text}");
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_served() {
    let data = tempfile::tempdir().unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let output = crate::common::server::command(
        data.path(),
        &[
            "serve",
            "--dev",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            &taken,
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.contains(&format!("cannot listen on {taken}")), "{said}");
}

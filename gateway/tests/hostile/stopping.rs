//! Clients that stand still while the server is to stop.

use std::io::Write;
use std::net::TcpStream;

use super::beside::Attacked;
use super::memory::begin;
use crate::common::server::logged;

#[test]
fn whoever_stands_still_does_not_hold_up_the_end() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let attacked = Attacked::over(logged(data.path(), &log, "info", &[]), data);
    let _standing = attacked.by(|Attacked { server, token, .. }| {
        let half_a_body = [(); 4].map(|()| begin(server.client(), token, 1 << 20, 1 << 10));
        let mut half_a_head = TcpStream::connect(server.address).unwrap();
        half_a_head.write_all(b"GET /healthz HTTP").unwrap();
        let nothing = TcpStream::connect(server.address).unwrap();
        // It is served by now: connections are taken in their order.
        server.token();
        (half_a_body, half_a_head, nothing)
    });
    attacked.server.signal("TERM");
    assert!(attacked.server.wait().success());
    let log = std::fs::read_to_string(log).unwrap();
    // Before the time was over that a body has otherwise.
    assert_eq!(log.matches("the gateway is stopping").count(), 4, "{log}");
    assert!(!log.contains("did not end in time"), "{log}");
    assert!(log.contains("clean=true"), "{log}");
}

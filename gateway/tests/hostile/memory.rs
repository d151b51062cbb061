//! Memory that is asked for and not used, and such that is used up.

use std::io::Write;

use realm_ingest_protocol::CONTENT_TYPE;

use super::beside::Attacked;
use super::connections::connect_from;
use crate::common::http::Client;
use crate::common::server::{Server, post};
use crate::common::{APP, Answer, batch, note, one_run, outbox, schema};

/// Begins to send a batch of which `sent` bytes of `announced` come.
pub fn begin(mut client: Client, token: &str, announced: usize, sent: usize) -> Client {
    let head = format!(
        "POST {APP}/ingest HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         content-type: {CONTENT_TYPE}\r\ncontent-length: {announced}\r\n\r\n"
    );
    let stream = client.stream();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![0; sent]).unwrap();
    client
}

/// A usual batch of a megabyte is stored at the first attempt.
fn is_served(server: &Server) {
    assert_eq!(send(server, &server.token()).ack().acked, 1);
}

/// Sends a usual batch of a megabyte.
fn send(server: &Server, token: &str) -> Answer {
    let text = "x".repeat(1 << 20);
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", &text)])]);
    post(&mut server.client(), token, &body).unwrap()
}

#[test]
fn what_is_announced_holds_no_memory_until_it_comes() {
    Attacked::new(&[]).by(|Attacked { server, .. }| {
        // Together all there is, and no user and no address beyond its share.
        let _announced = [2, 3, 4, 5].map(|number| {
            let stream = connect_from(&format!("127.0.0.{number}"), server.address);
            begin(Client::over(stream), &server.token(), 64 * 1024 * 1024, 0)
        });
        is_served(server);
    });
}

#[test]
fn who_sends_much_and_never_all_leaves_memory_to_others() {
    Attacked::new(&[]).by(|Attacked { server, token, .. }| {
        let bytes = 16 * 1024 * 1024;
        let _held = [(); 16].map(|()| begin(server.client(), token, bytes, bytes - 1));
        is_served(server);
    });
}

#[test]
fn who_holds_all_memory_and_sends_no_more_loses_it_to_who_needs_some() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let bytes = 32 * 1024 * 1024;
    let _held: Vec<_> = [2, 3, 4, 5]
        .into_iter()
        .flat_map(|number| [(number, server.token()), (number, server.token())])
        .map(|(number, token)| {
            let stream = connect_from(&format!("127.0.0.{number}"), server.address);
            begin(Client::over(stream), &token, bytes, bytes - 1)
        })
        .collect();
    let token = server.token();
    // Until all that was sent is there. Nothing is taken from anybody before somebody is asked to come back.
    while send(&server, &token).status == 200 {}
    let again = [(); 5].map(|()| send(&server, &token).status);
    assert_eq!(again[4], 200, "{again:?}");
}

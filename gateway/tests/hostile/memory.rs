//! Memory that is asked for and not used, and such that is used up.

use std::io::Write;

use realm_ingest_protocol::CONTENT_TYPE;

use super::connections::connect_from;
use crate::common::http::Client;
use crate::common::server::{Server, post};
use crate::common::{APP, batch, note, one_run, outbox, schema};

/// Begins to send a batch of which `sent` bytes of `announced` come.
fn begin(server: &Server, token: &str, announced: usize, sent: usize) -> Client {
    let mut client = server.client();
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
fn is_served(server: &Server, token: &str) {
    let text = "x".repeat(1 << 20);
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", &text)])]);
    let mut client = Client::over(connect_from("127.0.0.2", server.address));
    assert_eq!(post(&mut client, token, &body).unwrap().ack().acked, 1);
}

#[test]
fn what_is_announced_holds_no_memory_until_it_comes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (hostile, good) = (server.token(), server.token());
    let _announced = [(); 4].map(|()| begin(&server, &hostile, 65 * 1024 * 1024, 0));
    is_served(&server, &good);
}

#[test]
fn who_sends_much_and_never_all_leaves_memory_to_others() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (hostile, good) = (server.token(), server.token());
    let bytes = 16 * 1024 * 1024;
    let _held = [(); 16].map(|()| begin(&server, &hostile, bytes, bytes - 1));
    is_served(&server, &good);
}

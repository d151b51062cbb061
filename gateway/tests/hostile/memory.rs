//! Memory that is asked for and not used, and such that is used up.

use std::io::Write;
use std::sync::mpsc;

use realm_ingest_protocol::CONTENT_TYPE;

use super::beside::Attacked;
use super::connections::connect_from;
use crate::common::http::Client;
use crate::common::server::{Server, post};
use crate::common::{APP, Answer, batch, note, one_run, outbox, schema};

/// Begins to send a batch of which `sent` bytes of `announced` come.
pub fn begin(client: Client, token: &str, announced: usize, sent: usize) -> Client {
    let request = format!(
        "POST {APP}/ingest HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-type: {CONTENT_TYPE}\r\n"
    );
    begin_any(client, &request, announced, sent)
}

/// Begins to send JSON of this size, all but the last byte of which comes.
fn begin_json(client: Client, request: &str, bytes: usize) -> Client {
    let request = format!("{request}content-type: application/json\r\n");
    begin_any(client, &request, bytes, bytes - 1)
}

fn begin_any(mut client: Client, request: &str, announced: usize, sent: usize) -> Client {
    let head = format!("{request}host: 127.0.0.1\r\ncontent-length: {announced}\r\n\r\n");
    let stream = client.stream();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![0; sent]).unwrap();
    client
}

/// The status of whichever is answered first.
fn first_answered(clients: impl Iterator<Item = Client>) -> u16 {
    let (answer, answers) = mpsc::channel();
    for mut client in clients {
        let answer = answer.clone();
        // It ends with the server.
        std::thread::spawn(move || {
            if let Ok(read) = client.read() {
                let _ = answer.send(read.status);
            }
        });
    }
    answers.recv().unwrap()
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
    let (token, bytes) = (server.token(), 32 * 1024 * 1024);
    let _held: Vec<_> = [2, 3, 4, 5]
        .into_iter()
        .flat_map(|number| [(number, server.token()), (number, server.token())])
        .map(|(number, token)| {
            let stream = connect_from(&format!("127.0.0.{number}"), server.address);
            begin(Client::over(stream), &token, bytes, bytes - 1)
        })
        .collect();
    // Until all that was sent is there. Nothing is taken from anybody before somebody is asked to come back.
    while send(&server, &token).status == 200 {}
    let again = [(); 5].map(|()| send(&server, &token).status);
    assert_eq!(again[4], 200, "{again:?}");
}

#[test]
fn schemas_on_their_way_count_in_the_memory_of_their_user() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (token, bytes) = (server.token(), 1 << 20);
    let request = format!("PUT {APP}/ingest/schemas/0 HTTP/1.1\r\nauthorization: Bearer {token}\r\n");
    // More than a user has. None is ever complete, so none is answered but for want of memory, or of time much later.
    let all = [(); 200].map(|()| begin_json(server.client(), &request, bytes));
    assert_eq!(first_answered(all.into_iter()), 503);
}

#[test]
fn log_ins_on_their_way_count_in_the_memory_of_their_address() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (token, batches, log_ins) = (server.token(), 16 << 20, 64 << 10);
    // All that a user has, and more than is left to the address.
    let held = [(); 12].map(|()| begin(server.client(), &token, batches, batches - 1));
    let request = format!("POST {APP}/auth/providers/local-userpass/login HTTP/1.1\r\n");
    let all = [(); 600].map(|()| begin_json(server.client(), &request, log_ins));
    assert_eq!(first_answered(held.into_iter().chain(all)), 503);
}

//! Links that are slow, servers that stall, and answers without end, over real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use realm_ingest::transport::http::{HttpOptions, HttpTransport};
use realm_ingest::transport::{FailureKind, MAX_ANSWER, Method, Request, Response, Transport};

use crate::common::LIMIT;

/// Far less than the slow exchanges here take as a whole, and far more than what lies between two of their pieces.
const PATIENCE: Duration = Duration::from_secs(1);
const PIECE: usize = 64 * 1024;
/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(100);
const OK: &str = "HTTP/1.1 200 OK\r\n";

/// A server for one connection.
fn serve(work: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || work(listener.accept().unwrap().0));
    url
}

fn send(url: String, timeout: Duration, body: Vec<u8>) -> Response {
    let request = Request {
        method: Method::Post,
        url,
        timeout,
        max_answer: MAX_ANSWER,
        headers: Vec::new(),
        body: body.into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(HttpTransport::new(HttpOptions::default()).unwrap().send(request))
}

/// Reads the head of the request and says how long its body is.
fn head(socket: &mut TcpStream) -> usize {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    length.lines().next().unwrap().parse().unwrap()
}

/// Waits until the client has gone.
fn until_closed(mut socket: TcpStream) {
    // An error is an end as well.
    while socket.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

#[test]
fn a_large_body_arrives_over_a_slow_link_however_long_it_takes() {
    const SIZE: usize = 3 << 20;
    let url = serve(|mut socket| {
        let mut left = head(&mut socket);
        assert_eq!(left, SIZE);
        let mut piece = vec![0; PIECE];
        while left > 0 {
            thread::sleep(PAUSE);
            let read = socket.read(&mut piece).unwrap();
            assert!(piece[..read].iter().all(|byte| *byte == 7));
            left -= read;
        }
        socket
            .write_all(format!("{OK}Content-Length: 0\r\n\r\n").as_bytes())
            .unwrap();
    });
    let response = send(url, PATIENCE, vec![7; SIZE]);
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn a_large_answer_arrives_over_a_slow_link_however_long_it_takes() {
    const PIECES: usize = 30;
    let url = serve(|mut socket| {
        head(&mut socket);
        let answer = format!("{OK}Content-Length: {}\r\n\r\n", PIECES * PIECE);
        socket.write_all(answer.as_bytes()).unwrap();
        for _ in 0..PIECES {
            thread::sleep(PAUSE);
            socket.write_all(&[7; PIECE]).unwrap();
        }
    });
    let response = send(url, PATIENCE, vec![1]);
    assert_eq!(response.body.len(), PIECES * PIECE, "{response:?}");
}

fn timed_out(response: &Response) -> bool {
    let failure = response.failure.as_ref();
    failure.is_some_and(|failure| failure.kind == FailureKind::Timeout)
}

#[test]
fn a_server_that_stalls_is_given_up_wherever_it_does() {
    let short = Duration::from_millis(100);
    let unread = serve(until_closed);
    assert!(timed_out(&send(unread, short, vec![7; 16 * 1024])));
    let unanswered = serve(|mut socket| {
        head(&mut socket);
        until_closed(socket);
    });
    assert!(timed_out(&send(unanswered, short, vec![7; 16])));
    let half = serve(|mut socket| {
        head(&mut socket);
        let answer = format!("{OK}Content-Length: 100\r\n\r\nhalf");
        socket.write_all(answer.as_bytes()).unwrap();
        until_closed(socket);
    });
    let response = send(half, short, vec![7; 16]);
    assert!(timed_out(&response));
    let cause = response.failure.unwrap().cause;
    assert!(cause.contains("100ms"), "{cause}");
}

#[test]
fn an_answer_without_end_is_a_failure_and_not_kept() {
    let url = serve(|mut socket| {
        head(&mut socket);
        socket.write_all(format!("{OK}\r\n").as_bytes()).unwrap();
        // Until the client has had enough.
        let piece = vec![7; 1 << 20];
        while socket.write_all(&piece).is_ok() {}
    });
    let response = send(url, LIMIT, vec![1]);
    let failure = response.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Broken);
    assert!(failure.cause.contains("larger than"), "{}", failure.cause);
    assert!(response.body.is_empty());
}

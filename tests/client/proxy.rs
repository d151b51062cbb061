//! The way over a proxy, as an application sets it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use realm_ingest::transport::http::{HttpOptions, HttpTransport};
use realm_ingest::transport::{Method, Request, Response, Transport};

use crate::common::LIMIT;

/// A proxy that answers one request itself; the thread ends with the lines of its head.
fn proxy(answer: &'static str) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let lines = BufReader::new(socket.try_clone().unwrap()).lines();
        let head = lines.map(Result::unwrap).take_while(|line| !line.is_empty());
        let head = head.collect();
        socket.write_all(answer.as_bytes()).unwrap();
        head
    });
    (port, asked)
}

fn send(url: &str, port: u16) -> Response {
    let options = HttpOptions {
        proxy: Some(format!("http://device:secret@127.0.0.1:{port}")),
        ..HttpOptions::default()
    };
    let request = Request {
        method: Method::Get,
        url: url.to_owned(),
        timeout: LIMIT,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(HttpTransport::new(options).unwrap().send(request))
}

fn has_password(head: &[String]) -> bool {
    // device:secret
    head.iter()
        .any(|line| line.eq_ignore_ascii_case("proxy-authorization: Basic ZGV2aWNlOnNlY3JldA=="))
}

#[test]
fn a_plain_request_is_handed_to_the_proxy_whole() {
    let (port, asked) = proxy("HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n");
    let response = send("http://gateway.example/path", port);
    let head = asked.join().unwrap();
    assert_eq!(head[0], "GET http://gateway.example/path HTTP/1.1");
    assert!(has_password(&head), "{head:?}");
    assert_eq!(response.status, 204, "{response:?}");
}

#[test]
fn a_request_under_tls_asks_the_proxy_for_a_tunnel_and_says_what_it_answered() {
    let (port, asked) = proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let response = send("https://gateway.example/path", port);
    let head = asked.join().unwrap();
    assert_eq!(head[0], "CONNECT gateway.example:443 HTTP/1.1");
    assert!(has_password(&head), "{head:?}");
    let failure = response.failure.unwrap();
    assert!(failure.cause.contains("tunnel"), "{}", failure.cause);
    assert!(!failure.cause.contains("secret"), "{}", failure.cause);
}

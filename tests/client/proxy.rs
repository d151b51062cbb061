//! The way over a proxy, as an application or its environment sets it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread::{self, JoinHandle};

use realm_ingest::transport::http::{ClientCertificate, HttpOptions, HttpTransport};
use realm_ingest::transport::{MAX_ANSWER, Method, Request, Response, Transport};

use crate::certificates;
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
    send_with(url, options)
}

fn send_with(url: &str, options: HttpOptions) -> Response {
    let request = Request {
        method: Method::Get,
        url: url.to_owned(),
        timeout: LIMIT,
        max_answer: MAX_ANSWER,
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

/// A proxy that opens one tunnel to whatever it is asked for; the thread ends with the lines of the head.
fn tunnel() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        // Unbuffered: what follows the head is not for the proxy.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head: Vec<_> = String::from_utf8(head)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        let target = head[0].split(' ').nth(1).unwrap();
        let mut server = TcpStream::connect(target.replace("localhost", "127.0.0.1")).unwrap();
        client.write_all(b"HTTP/1.1 200 X\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        // An end by either side is an end.
        let _ = std::io::copy(&mut server, &mut client);
        head
    });
    (port, asked)
}

#[test]
fn what_goes_through_the_tunnel_is_the_servers_alone() {
    let (port, asked) = tunnel();
    let server = certificates::serve(true);
    let options = HttpOptions {
        proxy: Some(format!("http://device:secret@127.0.0.1:{port}")),
        trusted_certificates: Some(certificates::file("authority.pem")),
        client_certificate: Some(ClientCertificate {
            chain: certificates::file("client.pem"),
            key: certificates::file("client.key"),
        }),
        headers: vec![("X-Device".to_owned(), "42".to_owned())],
        ..HttpOptions::default()
    };
    let response = send_with(&format!("https://localhost:{server}/path"), options);
    assert_eq!(response.status, 204, "{response:?}");
    let head = asked.join().unwrap();
    assert_eq!(head[0], format!("CONNECT localhost:{server} HTTP/1.1"));
    assert!(has_password(&head), "{head:?}");
    let is_own = |line: &String| line.to_lowercase().starts_with("x-device");
    assert!(!head.iter().any(is_own), "{head:?}");
}

/// Answers every request with this status, for as long as the test program runs.
fn answering(address: &str, status: u16) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// In the environment of a process it names the URL to ask for.
const URL: &str = "REALM_INGEST_TEST_URL";
const NAME: &str = "proxy::no_proxy_holds_for_addresses_too";

/// What a process answers with that has these variables, and no others of the kind.
fn status_in_environment(url: &str, variables: &[(&str, &str)]) -> u16 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", NAME, "--nocapture"]).env(URL, url);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUEST_METHOD",
    ] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // The harness writes to the same output, also on the same line.
    let (_, status) = said.split_once("##").unwrap();
    status.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn no_proxy_holds_for_addresses_too() {
    if let Ok(url) = std::env::var(URL) {
        println!("##{}", send_with(&url, HttpOptions::default()).status);
        return;
    }
    const DIRECT: u16 = 200;
    const PROXY: u16 = 204;
    let four = format!("http://{}", answering("127.0.0.1:0", DIRECT));
    let six = format!("http://{}", answering("[::1]:0", DIRECT));
    let proxy = format!("http://{}", answering("127.0.0.1:0", PROXY));
    for (list, url, expected) in [
        ("", &four, PROXY),
        ("*", &four, DIRECT),
        ("*", &six, DIRECT),
        ("example.com, *", &four, DIRECT),
        ("[::1]", &six, DIRECT),
        ("::1", &six, DIRECT),
        ("[::1]", &four, PROXY),
        ("example.com", &four, PROXY),
        ("10.0.0.0/8,127.0.0.0/8", &four, DIRECT),
    ] {
        for (no, http) in [("NO_PROXY", "HTTP_PROXY"), ("no_proxy", "all_proxy")] {
            let status = status_in_environment(url, &[(no, list), (http, &proxy)]);
            assert_eq!(status, expected, "{no}={list} {http}, {url}");
        }
    }
    // A proxy that a client of a CGI program could have named is none.
    let cgi = [("HTTP_PROXY", &*proxy), ("REQUEST_METHOD", "GET")];
    assert_eq!(status_in_environment(&four, &cgi), DIRECT);
    assert_eq!(status_in_environment(&four, &[("HTTP_PROXY", "http://")]), DIRECT);
}

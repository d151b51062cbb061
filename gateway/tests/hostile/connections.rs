//! Connections: too many, and such that bring nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::beside::Attacked;
use super::memory::begin;
use crate::common::http::Client;
use crate::common::server::{BINARY, Server};

/// As `gateway/src/server/limits.rs` has it.
const OF_ONE_ADDRESS: usize = 1_024;

fn alive(client: &mut Client) -> bool {
    let answer = client.call("GET", "/healthz", &[], b"");
    answer.is_ok_and(|answer| answer.status == 200)
}

/// A connection from an address of this machine.
pub fn connect_from(local: &str, server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let local: SocketAddr = format!("{local}:0").parse().unwrap();
    socket.bind(&local.into()).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.into()
}

/// Waits until the server has closed the connection.
#[track_caller]
fn closed(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    match stream.read(&mut [0; 1]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("{other:?}"),
    }
}

/// Whether the server has left it open.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let read = stream.peek(&mut [0; 1]);
    matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn half_a_header_is_not_waited_for() {
    Attacked::new(&[]).by(|attacked| {
        let mut nothing = TcpStream::connect(attacked.server.address).unwrap();
        let mut half = TcpStream::connect(attacked.server.address).unwrap();
        half.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
        closed(&mut half);
        closed(&mut nothing);
    });
}

#[test]
fn one_address_cannot_have_all_connections() {
    Attacked::new(&[]).by(|attacked| {
        let connect = || connect_from("127.0.0.2", attacked.server.address);
        let mut before = Client::over(connect());
        assert!(alive(&mut before));
        // One is open already.
        let all: Vec<_> = (1..OF_ONE_ADDRESS).map(|_| connect()).collect();
        closed(&mut connect());
        assert!(is_open(&all[0]), "the time of who brings nothing is not over yet");
        assert!(alive(&mut before), "who has a connection keeps it");
        let mut elsewhere = Client::over(connect_from("127.0.0.3", attacked.server.address));
        assert!(alive(&mut elsewhere));
    });
}

#[test]
fn an_operator_says_how_many_connections_one_address_may_have() {
    Attacked::new(&["--connections-per-address", "2"]).by(|attacked| {
        let from = |local| Client::over(connect_from(local, attacked.server.address));
        let mut both = [(); 2].map(|()| from("127.0.0.2"));
        assert!(both.iter_mut().all(alive));
        assert!(!alive(&mut from("127.0.0.2")));
        assert!(alive(&mut from("127.0.0.3")));
    });
}

/// A server that has room for 64 connections.
fn small() -> Attacked {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 128 && exec \"$@\"", "sh", BINARY])
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path());
    Attacked::over(Server::run(command), data)
}

#[test]
fn connections_that_are_kept_by_small_requests_make_room_for_others() {
    small().by(|attacked| {
        let from = |number: usize| {
            let local = format!("127.0.0.{number}");
            Client::over(connect_from(&local, attacked.server.address))
        };
        // All that there is room for beside the good client.
        let mut kept: Vec<_> = (0..63).map(|number| from(2 + number % 4)).collect();
        assert!(kept.iter_mut().all(alive));
        let mut new = [(); 8].map(|()| from(6));
        assert!(new.iter_mut().all(alive));
        let left = kept.iter_mut().filter_map(|client| alive(client).then_some(()));
        assert_eq!(left.count(), 55, "one for each that is new");
        assert!(new.iter_mut().all(alive));
    });
}

#[test]
fn connections_that_bring_a_body_and_never_end_it_make_room_for_others() {
    small().by(|attacked| {
        let from = |number: usize| {
            let local = format!("127.0.0.{number}");
            Client::over(connect_from(&local, attacked.server.address))
        };
        // All that there is room for beside the good client.
        let busy = |number: usize| begin(from(2 + number % 4), &attacked.token, 1 << 20, 1);
        let _busy: Vec<_> = (0..63).map(busy).collect();
        let mut new = [(); 8].map(|()| from(6));
        assert!(new.iter_mut().all(alive));
        assert!(new.iter_mut().all(alive));
    });
}

#[test]
fn short_of_files_a_server_closes_what_it_cannot_serve_and_serves_on() {
    let attacked = small();
    let address = attacked.server.address;
    attacked.by(|_| {
        let connect = || connect_from("127.0.0.2", address);
        let mut before = Client::over(connect());
        assert!(alive(&mut before));
        let mut all: Vec<_> = (0..128).map(|_| connect()).collect();
        closed(all.last_mut().unwrap());
        assert!(is_open(&all[0]), "the time of who brings nothing is not over yet");
        assert!(alive(&mut before), "who has a connection keeps it");
        // There are descriptors left for what has to be stored.
        assert_eq!(before.call("GET", "/readyz", &[], b"").unwrap().status, 200);
    });
    while !TcpStream::connect(address)
        .map(Client::over)
        .is_ok_and(|mut client| alive(&mut client))
    {
        std::thread::yield_now();
    }
}

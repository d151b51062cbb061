//! Devices that are connected and have nothing to say.

use std::fs;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::common::server::Server;
use crate::device::{ask, offers, path, read_until};

/// As many as there is room for.
const DEVICES: usize = 10_000;

/// Bytes of resident memory that one of them may take; measured are 15,000.
const EACH: usize = 24 * 1024;

/// How many there can be, with the files that this process and the server may open.
fn devices() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(65_536).min(65_536);
    let current = Some(most);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    DEVICES.min(usize::try_from(most).unwrap() - 200)
}

fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A frame of a client, with a mask that changes nothing.
fn frame(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[0x82, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

/// A device whose file is bound.
async fn connect(server: std::net::SocketAddr, token: &str, salt: usize) -> TcpStream {
    let answer = ask(server, &path(token), &[&offers(14)]).await;
    assert_eq!(answer.status, 101);
    let mut stream = answer.stream;
    let ident = format!("ident 1 2 {salt} 0 0 0 0 0 2\n{{}}");
    let said = ["bind 1 0 0 0 0\n", &ident, "mark 1 1\n"].map(frame).concat();
    stream.write_all(&said).await.unwrap();
    read_until(&mut stream, "mark 1 1\n").await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_devices_that_do_nothing_take_little() {
    let count = devices();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--connections-per-address", "20000"]);
    let (address, token): (_, Arc<str>) = (server.address, server.token().into());
    // What the first of them bring about is not theirs.
    let mut streams = vec![connect(address, &token, 1).await];
    let before = resident(&server);
    let at_once = Arc::new(Semaphore::new(64));
    let mut all = JoinSet::new();
    for salt in 2..=count {
        let (token, at_once) = (Arc::clone(&token), Arc::clone(&at_once));
        all.spawn(async move {
            let _turn = at_once.acquire().await.unwrap();
            connect(address, &token, salt).await
        });
    }
    streams.extend(all.join_all().await);
    let each = resident(&server).saturating_sub(before) / count;
    println!("{count} idle devices take {each} bytes each");
    assert!(each < EACH, "{each} bytes each");
    // All of them are there.
    for stream in [0, count / 2, count - 1] {
        let stream = &mut streams[stream];
        stream.write_all(&frame("ping 5 0\n")).await.unwrap();
        let mut pong = [0; 9];
        stream.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong[2..], b"pong 5\n");
    }
}

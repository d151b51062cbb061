#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::device_sync::agent::Agent;
use crate::device_sync::version::Version;
use crate::gateway::{Gateway, Settings};
use crate::memory::Memory;
use crate::state::{Identity, Provider, Session, UserKind};
use crate::stopping::Stop;

/// A connection of a user that has left HTTP, and how it ends.
struct Connected {
    io: DuplexStream,
    ended: tokio::task::JoinHandle<End>,
    stop: Stop,
    gateway: Arc<Gateway>,
    _data: TempDir,
}

async fn connect() -> Connected {
    let data = tempfile::tempdir().unwrap();
    let gateway = Arc::new(Gateway::open(data.path(), Settings::default()).await.unwrap());
    let app = gateway.apps.called("any-abcde").unwrap();
    let identity = Identity {
        provider: Provider::Anonymous,
        id: "one".to_owned(),
        data: serde_json::Map::default(),
    };
    let user = app
        .state
        .find_or_create(identity, UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    let session = Session {
        id: "s".to_owned(),
        user: user.id,
        device: String::new(),
        api_key: None,
        expires: i64::MAX,
    };
    let now = std::time::Instant::now();
    let tokens = app.keyring.tokens(now).await.unwrap();
    let token = tokens.access(&session, None, clock::unix_millis()).unwrap();
    let claims = tokens.check_access(&token, clock::unix_seconds()).unwrap();
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    let client = Client::new(
        Arc::clone(&gateway),
        app,
        claims,
        from,
        (Version::NEWEST, Agent::default()),
    );
    let (io, other) = tokio::io::duplex(1 << 20);
    let (read, write) = tokio::io::split(other);
    let account = client.budget();
    let mut reader = Reader::new(read, account.another());
    let mut connection = Connection::new(client, Requests::default(), account, Writer::new(write));
    let stop = Stop::default();
    let stopping = stop.stopping();
    let ended = tokio::spawn(async move { connection.run(&mut reader, stopping).await });
    Connected {
        io,
        ended,
        stop,
        gateway,
        _data: data,
    }
}

impl Connected {
    async fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        let frame = [&[0x82, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        self.io.write_all(&frame).await.unwrap();
    }

    async fn bind(&mut self) {
        self.say("bind 1 0 0 0 0\n").await;
        self.say("ident 1 2 77 0 0 0 0 0 2\n{}").await;
    }

    /// Reads until this has come.
    async fn hears(&mut self, text: &str) {
        let mut heard = Vec::new();
        while !heard.ends_with(text.as_bytes()) {
            heard.push(self.io.read_u8().await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_no_file_is_named_is_closed_after_a_minute() {
    for first in ["ping 1 0\n", "bind 1 0 0 0 0\n"] {
        let mut connected = connect().await;
        let begun = Instant::now();
        connected.say(first).await;
        // Whatever else it says.
        for _ in 0..5 {
            connected.say("ping 1 0\n").await;
            tokio::time::sleep(Duration::from_secs(9)).await;
        }
        let end = connected.ended.await.unwrap();
        assert!(matches!(end, End::NoFile));
        assert_eq!(begun.elapsed().as_secs(), limits::NO_FILE.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_lasts_while_a_session_does_and_the_client_is_not_silent() {
    let mut connected = connect().await;
    connected.bind().await;
    for _ in 0..10 {
        tokio::time::sleep(limits::NO_FILE * 4).await;
        connected.say("ping 1 0\n").await;
    }
    assert!(!connected.ended.is_finished());
    let end = connected.ended.await.unwrap();
    assert!(matches!(
        end,
        End::Socket(super::super::websocket::SocketError::Silent)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_at_once_when_the_gateway_stops() {
    let mut connected = connect().await;
    connected.bind().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    connected.stop.begin();
    let end = connected.ended.await.unwrap();
    assert!(matches!(end, End::Close(Some(CloseCode::Normal))));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn files_are_named_in_turns_and_nothing_is_read_while_too_many_wait() {
    let mut connected = connect().await;
    let names = &connected.gateway.device_sync.names;
    let here = std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST);
    let mut turns = Vec::new();
    for _ in 0..super::super::NAMED_AT_ONCE {
        turns.push(names.turn(here.into()).await.unwrap());
    }
    // Sessions that end at once: their files are named all the same.
    let pairs = limits::JOBS;
    for session in 1..=pairs {
        connected.say(&format!("bind {session} 0 0 1 0\n")).await;
        connected.say(&format!("unbind {session}\n")).await;
    }
    connected.say("ping 7 0\n").await;
    connected.hears(&format!("unbound {}\n", pairs - 1)).await;
    let pong = tokio::time::timeout(Duration::from_millis(200), connected.hears("pong 7\n"));
    assert!(pong.await.is_err(), "it is read on");
    drop(turns);
    connected.hears("pong 7\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_for_which_there_is_no_memory_is_told_so() {
    let mut connected = connect().await;
    connected.bind().await;
    let mut others = connected
        .gateway
        .memory
        .budget_of_stranger(std::net::Ipv4Addr::LOCALHOST.into());
    others.try_grow(Memory::LIMIT / 8 * 7).unwrap();
    let head = [0x82, 0xfe, 0x13, 0x88, 0, 0, 0, 0];
    connected.io.write_all(&head).await.unwrap();
    connected.io.write_all(&[0; 5000]).await.unwrap();
    let end = connected.ended.await.unwrap();
    assert!(matches!(end, End::Close(None)));
}

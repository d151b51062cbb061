#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Sent;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use super::*;
use crate::memory::Budget;

const MEMORY: usize = 256 * 1024 * 1024;

/// The server's side of a connection.
struct Server {
    reader: Reader<ReadHalf<DuplexStream>>,
    writer: Writer<WriteHalf<DuplexStream>>,
    memory: Arc<Semaphore>,
}

impl Server {
    /// With a client over so small a pipe that every read brings a piece.
    fn new() -> (DuplexStream, Self) {
        Self::over(64)
    }

    fn over(pipe: usize) -> (DuplexStream, Self) {
        let (client, io) = tokio::io::duplex(pipe);
        let (read, write) = tokio::io::split(io);
        let memory = Arc::new(Semaphore::new(MEMORY));
        let server = Self {
            reader: Reader::new(read, Budget::new(Arc::clone(&memory))),
            writer: Writer::new(write),
            memory,
        };
        (client, server)
    }

    fn held(&self) -> usize {
        MEMORY - self.memory.available_permits()
    }

    /// What comes next, but for what says that it will.
    async fn next(&mut self) -> Result<Received, SocketError> {
        loop {
            match self.reader.next().await {
                Ok(Received::Begins) => {}
                next => return next,
            }
        }
    }

    async fn message(&mut self) -> Message {
        match self.next().await.unwrap() {
            Received::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }
}

async fn websocket(client: DuplexStream) -> WebSocketStream<DuplexStream> {
    WebSocketStream::from_raw_socket(client, Role::Client, None).await
}

/// A frame as a client sends it, with a mask of its own.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        is_final: opcode & 0x80 != 0,
        rsv1: opcode & 0x40 != 0,
        opcode: OpCode::from(opcode & 0x0f),
        mask: Some([7, 200, 1, 99]),
        ..FrameHeader::default()
    };
    let mut out = Vec::new();
    header.format(payload.len() as u64, &mut out).unwrap();
    out.extend(
        payload
            .iter()
            .zip([7, 200, 1, 99].into_iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    out
}

/// What a connection on which just this comes ends with.
async fn ends_with(bytes: &[u8]) -> SocketError {
    let (mut client, mut server) = Server::over(1 << 20);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    loop {
        if let Err(error) = server.next().await {
            return error;
        }
    }
}

#[tokio::test]
async fn messages_of_every_length_arrive_as_they_were_sent() {
    let lengths = [
        0,
        1,
        2,
        125,
        126,
        127,
        511,
        512,
        513,
        1024,
        65_535,
        65_536,
        1 << 20,
    ];
    let (client, mut server) = Server::over(100_000);
    let client = tokio::spawn(async move {
        let mut client = websocket(client).await;
        for length in lengths {
            let payload: Vec<u8> = (0..=255).cycle().take(length).collect();
            client.send(Sent::binary(payload)).await.unwrap();
        }
        client
    });
    for length in lengths {
        let message = server.message().await;
        assert!(
            message.bytes.iter().copied().eq((0..=255).cycle().take(length)),
            "{length}"
        );
        assert!(message.budget.held() >= length || length <= 1024);
        assert!(message.bytes.capacity() <= message.budget.held().max(1024));
    }
    assert_eq!(server.held(), 0);
    drop(client.await.unwrap());
    assert!(matches!(server.reader.next().await, Err(SocketError::Ended)));
}

#[tokio::test]
async fn a_client_gets_what_it_is_sent_however_slowly_it_fetches() {
    let (client, mut server) = Server::new();
    let mut client = websocket(client).await;
    let payload = vec![5; 100_000];
    server.writer.binary(b"first");
    server.writer.binary(&payload);
    server.writer.pong(b"p");
    server.writer.close(1000);
    let sent = tokio::spawn(async move {
        // It may be given up at any time.
        while tokio::time::timeout(Duration::from_micros(100), server.writer.send())
            .await
            .is_err()
        {}
        assert!(server.writer.is_idle() && server.writer.waiting() == 0);
        server
    });
    assert_eq!(client.next().await.unwrap().unwrap(), Sent::binary(&b"first"[..]));
    assert_eq!(client.next().await.unwrap().unwrap(), Sent::binary(payload));
    assert_eq!(client.next().await.unwrap().unwrap(), Sent::Pong(b"p"[..].into()));
    let Sent::Close(Some(close)) = client.next().await.unwrap().unwrap() else {
        panic!("it is closed")
    };
    assert_eq!(u16::from(close.code), 1000);
    sent.await.unwrap();
}

#[tokio::test]
async fn what_is_cut_into_frames_is_one_message_and_pings_come_between() {
    let (mut client, mut server) = Server::new();
    let frames = [
        frame(0x02, b"up"),
        frame(0x89, b"there?"),
        frame(0x00, b"lo"),
        frame(0x8a, b"unasked"),
        frame(0x00, b""),
        frame(0x80, b"ad"),
        frame(0x81, b"text is not ours"),
        frame(0x01, b"however "),
        frame(0x80, b"it is cut"),
        frame(0x82, b"next"),
        frame(0x88, &[3, 232]),
    ];
    let sent = tokio::spawn(async move { client.write_all(&frames.concat()).await });
    assert!(matches!(server.reader.next().await, Ok(Received::Ping(ping)) if ping == b"there?"));
    assert_eq!(server.message().await.bytes, b"upload");
    assert_eq!(server.message().await.bytes, b"next");
    assert!(matches!(server.reader.next().await, Ok(Received::Close)));
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_lost_when_somebody_stops_waiting() {
    let (mut client, mut server) = Server::new();
    let payload = vec![9; 50_000];
    let bytes = [frame(0x82, &payload), frame(0x89, b"x"), frame(0x82, &payload)].concat();
    tokio::spawn(async move {
        for piece in bytes.chunks(7) {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client
    });
    let mut received = Vec::new();
    while received.len() < 3 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            next = server.next() => received.push(next.unwrap()),
        }
    }
    let [
        Received::Message(first),
        Received::Ping(_),
        Received::Message(second),
    ] = &received[..]
    else {
        panic!("{received:?}")
    };
    assert!(first.bytes == payload && second.bytes == payload);
}

#[tokio::test]
async fn what_no_web_socket_sends_ends_the_connection() {
    let unmasked = [0x82, 1, b'x'];
    for (bytes, why) in [
        (unmasked.to_vec(), "without a mask"),
        (frame(0xc2, b"x"), "extension"),
        (frame(0x83, b"x"), "unknown"),
        (frame(0x8b, b"x"), "unknown"),
        (frame(0x09, b"x"), "control frame"),
        (frame(0x89, &[0; 126]), "control frame"),
        (frame(0x80, b"x"), "not begun"),
        ([frame(0x02, b"x"), frame(0x82, b"x")].concat(), "within another"),
    ] {
        let error = ends_with(&bytes).await.to_string();
        assert!(error.contains(why), "{error}: {bytes:?}");
    }
    assert!(matches!(ends_with(b"").await, SocketError::Ended));
    let sound = [frame(0x02, b"abc"), frame(0x89, b"x"), frame(0x80, &[1; 600])].concat();
    for cut in 1..sound.len() {
        let error = ends_with(&sound[..cut]).await;
        assert!(matches!(error, SocketError::BrokenOff), "{cut}: {error}");
    }
}

#[tokio::test]
async fn what_is_announced_takes_no_memory_until_it_comes() {
    let (mut client, mut server) = Server::over(1 << 20);
    let mut bytes = frame(0x82, &vec![1; MAX_MESSAGE]);
    bytes.truncate(1000);
    client.write_all(&bytes).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(10), server.next());
    assert!(waits.await.is_err());
    assert!(server.held() <= 16 * 1024, "{}", server.held());
    // The same in crumbs.
    let (mut client, mut server) = Server::over(1 << 20);
    let crumbs: Vec<u8> = std::iter::repeat_n(frame(0x00, b"x"), 50_000).flatten().collect();
    client.write_all(&frame(0x02, b"x")).await.unwrap();
    client.write_all(&crumbs).await.unwrap();
    client.write_all(&frame(0x80, b"x")).await.unwrap();
    let message = server.message().await;
    assert_eq!(message.bytes.len(), 50_002);
    assert!(message.budget.held() >= message.bytes.capacity() && server.held() <= 128 * 1024);
}

/// The head of a frame that has no mask to speak of.
fn head(opcode: u8, length: u64) -> Vec<u8> {
    let header = FrameHeader {
        is_final: opcode & 0x80 != 0,
        opcode: OpCode::from(opcode & 0x0f),
        mask: Some([0; 4]),
        ..FrameHeader::default()
    };
    let mut out = Vec::new();
    header.format(length, &mut out).unwrap();
    out
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_by_its_beginning_and_the_next_one_arrives() {
    const BEGINS: &[u8] = b"upload 1 ";
    let most = MAX_MESSAGE as u64;
    for cut in [false, true] {
        let (mut client, mut server) = Server::over(1 << 20);
        tokio::spawn(async move {
            let length = if cut { most } else { most + 1 };
            let first = head(if cut { 0x02 } else { 0x82 }, length);
            client.write_all(&[&first, BEGINS].concat()).await.unwrap();
            let mut left = MAX_MESSAGE - BEGINS.len();
            while left > 0 {
                let next = left.min(1 << 20);
                client.write_all(&vec![3; next]).await.unwrap();
                left -= next;
            }
            if cut {
                client.write_all(&head(0x80, 1)).await.unwrap();
            }
            client.write_all(&[3]).await.unwrap();
            client.write_all(&frame(0x82, b"next")).await.unwrap();
            client
        });
        let Ok(Received::TooLarge { head, bytes }) = server.next().await else {
            panic!("it is too large")
        };
        assert!(head.starts_with(b"upload 1 \x03") && head.len() == HEAD);
        assert_eq!(bytes, most + 1);
        assert_eq!(server.message().await.bytes, b"next");
        assert_eq!(server.held(), 0);
    }
}

#[tokio::test]
async fn more_than_anybody_sends_ends_the_connection_without_a_word() {
    for length in [MAX_THROWN_AWAY + 1, u64::MAX] {
        assert!(matches!(
            ends_with(&head(0x82, length)).await,
            SocketError::TooLarge
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn memory_that_does_not_come_ends_the_connection_and_small_messages_need_none() {
    let (mut client, mut server) = Server::over(1 << 20);
    let all = Arc::clone(&server.memory)
        .acquire_many_owned(u32::try_from(MEMORY).unwrap())
        .await
        .unwrap();
    client.write_all(&frame(0x82, b"ping 1 0\n")).await.unwrap();
    assert_eq!(server.message().await.bytes, b"ping 1 0\n");
    client.write_all(&frame(0x82, &[0; 5000])).await.unwrap();
    let begun = Instant::now();
    assert!(matches!(server.next().await, Err(SocketError::NoMemory(_))));
    assert_eq!(begun.elapsed(), MEMORY_WAIT);
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_for_memory_and_leaves_what_becomes_free_to_what_is_being_done() {
    let (mut client, mut server) = Server::over(1 << 20);
    let memory = Arc::clone(&server.memory);
    let all = u32::try_from(MEMORY).unwrap();
    memory.acquire_many(all).await.unwrap().forget();
    client.write_all(&frame(0x82, &[0; 50_000])).await.unwrap();
    let message = tokio::spawn(async move { server.message().await.bytes.len() });
    tokio::time::sleep(MEMORY_WAIT / 2).await;
    memory.add_permits(1000);
    assert!(
        memory.try_acquire_many(1000).is_ok(),
        "a reader took it, and waits"
    );
    memory.add_permits(MEMORY - 1000);
    assert_eq!(message.await.unwrap(), 50_000);
}

#[tokio::test]
async fn a_message_that_takes_a_while_says_that_it_begins() {
    let (mut client, mut server) = Server::over(1 << 20);
    let long = frame(0x82, &[0; 5000]);
    client.write_all(&frame(0x82, &[0; 1000])).await.unwrap();
    client.write_all(&long[..2000]).await.unwrap();
    assert_eq!(server.message().await.bytes.len(), 1000);
    assert!(matches!(server.reader.next().await, Ok(Received::Begins)));
    client.write_all(&long[2000..]).await.unwrap();
    assert!(matches!(server.reader.next().await, Ok(Received::Message(_))));
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_dead_and_who_is_not_read_has_time() {
    let (mut client, mut server) = Server::over(1 << 20);
    for _ in 0..3 {
        client.write_all(&frame(0x82, b"ping 1 0\n")).await.unwrap();
        server.message().await;
        let waits = tokio::time::timeout(SILENCE.mul_f64(0.9), server.reader.next());
        assert!(waits.await.is_err());
    }
    server.reader.rest();
    tokio::time::sleep(SILENCE).await;
    let begun = Instant::now();
    assert!(matches!(server.reader.next().await, Err(SocketError::Silent)));
    assert_eq!(begun.elapsed().as_secs(), SILENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_trickles_is_given_up_and_a_slow_one_arrives() {
    for (bytes, arrives) in [(1000, true), (100, false)] {
        let (mut client, mut server) = Server::over(1 << 20);
        let sent = frame(0x82, &[0; 100_000]);
        tokio::spawn(async move {
            for piece in sent.chunks(bytes) {
                if client.write_all(piece).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        });
        let received = server.next().await;
        assert_eq!(received.is_ok(), arrives, "{received:?}");
        assert!(arrives || matches!(received, Err(SocketError::Slow)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_fetches_nothing_is_gone() {
    let (mut client, mut server) = Server::new();
    server.writer.binary(&[0; 1000]);
    let begun = Instant::now();
    assert!(matches!(server.writer.send().await, Err(SocketError::Unfetched)));
    assert_eq!(begun.elapsed(), FETCH_WAIT);
    // One that fetches a little now and then is not.
    let (mut slow, mut server) = Server::new();
    server.writer.binary(&[0; 1000]);
    tokio::spawn(async move {
        while slow.read_exact(&mut [0; 60]).await.is_ok() {
            tokio::time::sleep(FETCH_WAIT / 2).await;
        }
    });
    server.writer.send().await.unwrap();
    client.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_fetches_everything_has_no_more_memory_for_it() {
    let (mut client, mut server) = Server::over(512);
    for _ in 0..10_000 {
        server.writer.pong(&[0; 125]);
        while server.writer.waiting() > 1000 {
            let sent = server.writer.send();
            let _ = tokio::time::timeout(Duration::ZERO, sent).await;
            client.read_exact(&mut [0; 127]).await.unwrap();
        }
    }
    assert!(!server.writer.is_idle());
    assert!(server.writer.held() < 10_000, "{}", server.writer.held());
}

//! How much a client may send, take in memory and wait.

use super::*;

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

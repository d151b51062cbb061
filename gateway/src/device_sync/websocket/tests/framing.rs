//! Messages arrive and are sent as the web socket protocol says.

use super::*;

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

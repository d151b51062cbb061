//! Bad input over real sockets, where early answers, slow senders and broken connections exist.

use std::io::{Read, Write};

use realm_ingest_protocol::CONTENT_TYPE;

use crate::common::http::Client;
use crate::common::server::{Server, lines, post};
use crate::common::{APP, Answer, batch, note, one_run, outbox, schema};

fn ingest(client: &mut Client, token: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", CONTENT_TYPE)];
    all.extend(headers);
    client.call("POST", &format!("{APP}/ingest"), &all, body).unwrap()
}

fn good(id: &str) -> Vec<u8> {
    batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note(id, "text")])])
}

#[test]
fn bad_input_is_answered_and_the_server_serves_on() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();

    // A body that is too large is answered although nobody waited for the answer.
    let oversized = vec![0; 66 * 1024 * 1024];
    let answer = ingest(&mut server.client(), &token, &[], &oversized);
    answer.refused(
        413,
        Some("ReadSizeLimitExceeded"),
        "read limited at 68157440 bytes",
    );
    // So is one that only claims to be.
    let mut client = server.client();
    let answer = ingest(&mut client, &token, &[("content-length", "99999999999")], b"");
    answer.refused(413, Some("ReadSizeLimitExceeded"), "");
    // And one whose length is not told.
    let mut chunked = Vec::new();
    for piece in oversized.chunks(1 << 20) {
        write!(chunked, "{:x}\r\n", piece.len()).unwrap();
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = ingest(
        &mut server.client(),
        &token,
        &[("transfer-encoding", "chunked")],
        &chunked,
    );
    answer.refused(413, Some("ReadSizeLimitExceeded"), "");

    let bomb = zstd::encode_all(std::io::repeat(0).take(66 * 1024 * 1024), 1).unwrap();
    let answer = ingest(
        &mut server.client(),
        &token,
        &[("content-encoding", "zstd")],
        &bomb,
    );
    answer.refused(413, Some("ReadSizeLimitExceeded"), "after decompression");

    let mut client = server.client();
    let body = good("a");
    ingest(&mut client, &token, &[], &body[..body.len() - 1]).refused(400, Some("BadRequest"), "");
    ingest(&mut client, "wrong", &[], &body).refused(401, Some("InvalidSession"), "unauthorized");
    ingest(&mut client, &token, &[("content-encoding", "br")], &body).refused(
        415,
        Some("InvalidParameter"),
        "",
    );
    // A token that expired while a batch was on its way is told as such, or it would never be refreshed.
    ingest(&mut client, "wrong", &[], &oversized[..8 << 20]).refused(
        401,
        Some("InvalidSession"),
        "unauthorized",
    );
    // Through all of this the connection can be used again.
    assert_eq!(ingest(&mut client, &token, &[], &body).ack().acked, 1);
    assert_eq!(lines(data.path(), &["find", "Note"]).len(), 1);
}

#[test]
fn connections_that_break_off_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token();
    let body = good("a");
    for length in [0, 1, body.len() / 2, body.len() - 1] {
        let mut client = server.client();
        let head = format!(
            "POST {APP}/ingest HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: {CONTENT_TYPE}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        client.stream().write_all(head.as_bytes()).unwrap();
        client.stream().write_all(&body[..length]).unwrap();
    }
    for garbage in [
        &b"\0\0\0\0"[..],
        b"GET\r\n\r\n",
        &[0x16, 3, 1, 2, 0],
        &[b'x'; 100_000],
    ] {
        let mut client = server.client();
        let _ = client.stream().write_all(garbage);
    }
    let mut client = server.client();
    let position = format!("{APP}/ingest/{}", outbox(1));
    let bearer = format!("Bearer {token}");
    let answer = client
        .call("GET", &position, &[("authorization", &bearer)], b"")
        .unwrap();
    assert_eq!((answer.status, answer.json["position"].as_i64()), (200, Some(0)));
    assert_eq!(post(&mut client, &token, &body).unwrap().ack().acked, 1);
}

#[test]
fn the_app_id_can_be_fixed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--app-id", "only-one"]);
    let mut client = server.client();
    let answer = client
        .call(
            "POST",
            &format!("{APP}/auth/providers/anon-user/login"),
            &[],
            b"{}",
        )
        .unwrap();
    answer.refused(
        404,
        Some("AppNotFound"),
        "cannot find app using Client App ID 'test-abcde'",
    );
    let answer = client
        .call("GET", "/api/client/v2.0/app/only-one/location", &[], b"")
        .unwrap();
    assert_eq!(answer.json["hostname"], format!("http://{}", server.address));
}

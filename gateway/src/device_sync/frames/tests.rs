#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::device_sync::errors::{ConnectionCode, ConnectionError, SessionError};
use crate::device_sync::version::Version;

fn parsed(message: &str) -> ClientMessage<'_> {
    ClientMessage::parse(message.as_bytes()).unwrap_or_else(|error| panic!("{message:?}: {error}"))
}

fn encoded(message: &ServerMessage, version: u8) -> String {
    let mut bytes = Vec::new();
    message.encode(Version::new(version).unwrap(), 1_795_395_084_512, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

const UPLOAD: UploadHeader = UploadHeader {
    session: 1,
    compressed: false,
    uncompressed: 0,
    compressed_size: 0,
    progress_client: 12,
    progress_server: 2,
    locked_server: 2,
};

#[test]
fn every_message_of_a_client_is_read() {
    let messages = [
        (
            "bind 1 37 0 1 0\n{\"schemaVersion\":0,\"sessionReason\":0}",
            ClientMessage::Bind {
                session: 1,
                data: "{\"schemaVersion\":0,\"sessionReason\":0}",
                needs_ident: true,
            },
        ),
        (
            "bind 7 0 3 0 0\nabc",
            ClientMessage::Bind {
                session: 7,
                data: "",
                needs_ident: false,
            },
        ),
        (
            "ident 1 2 946016527359837633 3 4 5 -7 6 2\n{}",
            ClientMessage::Ident {
                session: 1,
                file: FileIdent {
                    ident: 2,
                    salt: 946_016_527_359_837_633,
                },
                download: (3, 4),
                latest: 5,
                latest_salt: -7,
                query: Query {
                    version: 6,
                    body: "{}",
                },
            },
        ),
        (
            "query 1 1 25\n{\"Top\":\"(TRUEPREDICATE)\"}",
            ClientMessage::Query {
                session: 1,
                query: Query {
                    version: 1,
                    body: "{\"Top\":\"(TRUEPREDICATE)\"}",
                },
            },
        ),
        ("upload 1 0 0 0 12 2 2\n", ClientMessage::Upload(UPLOAD, b"")),
        (
            "upload 1 0 9 0 12 2 2\n5 0 0 0 0",
            ClientMessage::Upload(
                UploadHeader {
                    uncompressed: 9,
                    ..UPLOAD
                },
                b"5 0 0 0 0",
            ),
        ),
        (
            "upload 1 1 2000 4 12 2 2\nx\n\0y",
            ClientMessage::Upload(
                UploadHeader {
                    compressed: true,
                    uncompressed: 2_000,
                    compressed_size: 4,
                    ..UPLOAD
                },
                b"x\n\0y",
            ),
        ),
        (
            "mark 1 4\n",
            ClientMessage::Mark {
                session: 1,
                request: 4,
            },
        ),
        ("ping 123456 0\n", ClientMessage::Ping { timestamp: 123_456 }),
        ("unbind 1\n", ClientMessage::Unbind { session: 1 }),
        (
            "json_error 112 15 3\n{\"message\":\"x\"}",
            ClientMessage::Error {
                session: 3,
                code: 112,
                message: "{\"message\":\"x\"}",
            },
        ),
        (
            "test_command 2 1 2\n{}",
            ClientMessage::TestCommand { session: 2 },
        ),
        (
            "transact 1 2 three\nfour",
            ClientMessage::Unknown { name: "transact" },
        ),
    ];
    for (text, message) in messages {
        assert_eq!(parsed(text), message);
    }
}

#[test]
fn salts_have_a_sign_and_versions_do_not() {
    let ident = |salt: &str, version: &str| {
        let text = format!("ident 1 2 {salt} 0 0 {version} 0 0 2\n{{}}");
        ClientMessage::parse(text.as_bytes()).map(|_| ())
    };
    assert_eq!(ident("-9223372036854775808", "9223372036854775807"), Ok(()));
    let field = "latest server version";
    assert_eq!(
        ident("1", "9223372036854775808"),
        Err(FrameError::Field { field })
    );
    assert_eq!(ident("1", "-1"), Err(FrameError::Field { field }));
}

#[test]
fn a_message_in_any_other_form_is_refused() {
    let messages = [
        "",
        "\n",
        "mark 1 4",
        "mark 1 4\n\n",
        "mark 1 4 \n",
        "mark  1 4\n",
        " mark 1 4\n",
        "mark 1\n",
        "mark 1 4 5\n",
        "mark 1 +4\n",
        "mark 1 04\n",
        "mark 1 4x\n",
        "mark 1 \u{664}\n",
        "mark 1 4\r\n",
        "ping 1\n",
        "unbind 1\nx",
        "bind 1 2 0 1 0\n{}x",
        "bind 1 2 0 1 0\n{",
        "bind 1 2 0 2 0\n{}",
        "bind 1 18446744073709551615 18446744073709551615 0 0\n{}",
        "bind 1 9223372036854775807 9223372036854775807 0 0\n{}",
        "ident 1 2 3 0 0 0 0\n",
        "query 1 1 3\n{}",
        "query 1 -1 2\n{}",
        "upload 1 0 5 0 12 2 2\nfour",
        "upload 1 0 4 4 12 2 2\nfour",
        "upload 1 1 4000 5 12 2 2\nfour",
        "upload 1 1 0 4 12 2 2\nfour",
        "json_error 112 2 0 1\n{}",
    ];
    for message in messages {
        assert!(ClientMessage::parse(message.as_bytes()).is_err(), "{message:?}");
    }
    let not_text = ClientMessage::parse(b"query 1 1 2\n\xff\xff");
    assert_eq!(not_text, Err(FrameError::NotUtf8 { body: "query" }));
    let endless = vec![b'x'; 100_000];
    assert_eq!(ClientMessage::parse(&endless), Err(FrameError::Endless));
}

#[test]
fn what_cannot_be_read_is_bad_syntax() {
    let error = ConnectionError::from(ClientMessage::parse(b"mark 1 4").unwrap_err());
    assert_eq!(error.code(), ConnectionCode::BadSyntax);
}

#[test]
fn every_message_to_a_client_is_written() {
    let file = FileIdent {
        ident: 2,
        salt: 946_016_527_359_837_633,
    };
    let download = Download {
        session: 1,
        server: 1,
        client: 0,
        upload_server: 0,
        query: 0,
        batch: Batch::Bootstrap,
    };
    let acknowledgement = Download {
        server: 2,
        client: 11,
        upload_server: 1,
        batch: Batch::Acknowledgement,
        ..download
    };
    let compensation = Download {
        batch: Batch::Compensation,
        ..acknowledgement
    };
    let messages = [
        (
            ServerMessage::Ident { session: 1, file },
            "ident 1 2 946016527359837633\n",
        ),
        (
            ServerMessage::Download(download),
            "download 1 1 0 1 8243101811291549287 0 0 0 1 1 0 23 0\n1 0 375324684512 1 0 0 ",
        ),
        (
            ServerMessage::Download(acknowledgement),
            "download 1 2 11 2 8243101811291549287 11 1 0 2 1 0 0 0\n",
        ),
        (
            ServerMessage::Download(compensation),
            "download 1 2 11 2 8243101811291549287 11 1 0 2 1 0 24 0\n2 11 375324684512 1 0 0 ",
        ),
        (
            ServerMessage::Mark {
                session: 1,
                request: 1,
            },
            "mark 1 1\n",
        ),
        (ServerMessage::Pong { timestamp: 123_456 }, "pong 123456\n"),
        (ServerMessage::Unbound { session: 1 }, "unbound 1\n"),
        (
            ServerMessage::QueryError {
                session: 1,
                query: 3,
                message: "no".to_owned(),
            },
            "query_error 226 2 1 3\nno",
        ),
    ];
    for (message, text) in messages {
        assert_eq!(encoded(&message, 14), text);
    }
}

#[test]
fn progress_is_what_the_version_has() {
    let download = ServerMessage::Download(Download {
        session: 1,
        server: 2,
        client: 11,
        upload_server: 1,
        query: 0,
        batch: Batch::Acknowledgement,
    });
    assert_eq!(
        encoded(&download, 11),
        "download 1 2 11 2 8243101811291549287 11 1 0 2 0 0 0 0\n"
    );
    assert_eq!(
        encoded(&download, 12),
        "download 1 2 11 2 8243101811291549287 11 1 0 2 1 0 0 0\n"
    );
}

#[test]
fn errors_are_json_where_the_client_reads_it() {
    let session = ServerMessage::SessionError {
        session: 3,
        error: SessionError::closed("é"),
    };
    let body = SessionError::closed("é").body();
    assert_eq!(
        encoded(&session, 4),
        format!("json_error 200 {} 3\n{body}", body.len())
    );
    assert_eq!(encoded(&session, 3), "error 200 2 1 3\né");
    let connection = ServerMessage::ConnectionError(ConnectionError::new(ConnectionCode::BadSyntax, "x"));
    assert!(encoded(&connection, 14).starts_with("json_error 103 "));
    assert_eq!(encoded(&connection, 2), "error 103 1 1 0\nx");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        head in "(bind|ident|query|upload|mark|ping|unbind|json_error|test_command)( [0-9]{1,20}){0,10}",
        body in proptest::collection::vec(any::<u8>(), 0..20),
        cut in 0_usize..40,
    ) {
        let mut message = head.into_bytes();
        message.push(b'\n');
        message.extend(body);
        let _ = ClientMessage::parse(&message);
        message.truncate(cut);
        let _ = ClientMessage::parse(&message);
    }
}

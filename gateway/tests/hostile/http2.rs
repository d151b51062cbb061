//! HTTP/2 as no honest client speaks it, frame by frame.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use realm_ingest_protocol::CONTENT_TYPE;

use super::beside::Attacked;
use super::connections::connect_from;
use crate::common::APP;

// Of RFC 9113: kinds of frames, flags, and reasons to end.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
const CANCEL: [u8; 4] = [0, 0, 0, 8];
const ENHANCE_YOUR_CALM: u32 = 11;

/// The setting of how many streams may be open.
const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];

/// The setting that leaves no room for an answer on a stream.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// A string of HPACK.
fn string(text: &str) -> Vec<u8> {
    let mut length = vec![u8::try_from(text.len().min(127)).unwrap()];
    if let Some(mut more) = text.len().checked_sub(127) {
        while more >= 128 {
            length.push(u8::try_from(more % 128).unwrap() | 128);
            more /= 128;
        }
        length.push(u8::try_from(more).unwrap());
    }
    [&length, text.as_bytes()].concat()
}

/// A head: GET is 0x82 of the static table and POST 0x83, http 0x86, a path 0x04 and an authority 0x01.
fn head(method: u8, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut head = [
        &[method, 0x86, 0x04][..],
        &string(path),
        &[0x01],
        &string("localhost"),
    ]
    .concat();
    for (name, value) in more {
        head.extend([&[0][..], &string(name), &string(value)].concat());
    }
    head
}

/// The head of a batch, whose body is to follow.
fn batch_head(token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let more = [("authorization", bearer.as_str()), ("content-type", CONTENT_TYPE)];
    head(0x83, &format!("{APP}/ingest"), &more)
}

/// The numbers of a client's streams.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

struct Connection {
    socket: TcpStream,
    /// How many the server takes at the same time.
    streams: u32,
}

impl Connection {
    /// From an address that the good client does not have.
    fn open(attacked: &Attacked, settings: &[u8]) -> Self {
        let socket = connect_from("127.0.0.2", attacked.server.address);
        let limit = Some(Duration::from_secs(60));
        socket.set_read_timeout(limit).unwrap();
        socket.set_write_timeout(limit).unwrap();
        let mut connection = Self { socket, streams: 0 };
        let hello = [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            &frame(SETTINGS, 0, 0, settings),
        ];
        assert!(connection.send(&hello.concat()));
        let settings = connection.next_of(SETTINGS).unwrap().payload;
        let streams = settings
            .chunks(6)
            .find_map(|setting| setting.strip_prefix(&MAX_CONCURRENT_STREAMS));
        connection.streams = u32::from_be_bytes(streams.unwrap().try_into().unwrap());
        connection
    }

    /// Whether it is taken: a server that has closed takes nothing, and one that takes its time is none that has closed.
    #[track_caller]
    fn send(&mut self, bytes: &[u8]) -> bool {
        match self.socket.write_all(bytes) {
            Ok(()) => true,
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the server sends next; none when it has closed.
    #[track_caller]
    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.socket.read_exact(&mut head) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                return None;
            }
            Err(error) => panic!("{error}"),
        }
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        self.socket.read_exact(&mut payload).unwrap();
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The next frame of this kind that is no acknowledgement.
    #[track_caller]
    fn next_of(&mut self, kind: u8) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| frame.kind == kind)
    }

    /// Whether the server has looked at all that was sent, and goes on.
    #[track_caller]
    fn goes_on(&mut self) -> bool {
        self.send(&frame(PING, 0, 0, &[7; 8])) && self.next_of(PING).is_some_and(|pong| pong.flags & ACK != 0)
    }

    /// Why the server closes the connection, where it says so.
    #[track_caller]
    fn reason(&mut self) -> Option<u32> {
        let end = self.next_of(GOAWAY)?;
        Some(u32::from_be_bytes(end.payload[4..8].try_into().unwrap()))
    }
}

#[test]
fn streams_that_are_opened_and_reset_at_once_end_their_connection() {
    Attacked::new(&[]).by(|attacked| {
        let get = head(0x82, "/readyz", &[]);
        for _ in 0..50 {
            let mut connection = Connection::open(attacked, &[]);
            let taken = streams(100_000)
                .map(|stream| {
                    let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get);
                    [open, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
                })
                .take_while(|both| connection.send(both));
            assert!(taken.count() < 100_000);
            assert_eq!(connection.reason(), Some(ENHANCE_YOUR_CALM));
        }
    });
}

#[test]
fn requests_that_are_begun_and_cancelled_leave_nothing_behind() {
    Attacked::new(&[]).by(|attacked| {
        let batch = batch_head(&attacked.token);
        let mut connection = Connection::open(attacked, &[]);
        let all: Vec<_> = streams(connection.streams * 500).collect();
        for some in all.chunks(connection.streams.try_into().unwrap()) {
            let opened = some
                .iter()
                .flat_map(|stream| frame(HEADERS, END_HEADERS, *stream, &batch));
            connection.send(&opened.collect::<Vec<_>>());
            assert!(connection.goes_on());
            let reset = some
                .iter()
                .flat_map(|stream| frame(RST_STREAM, 0, *stream, &CANCEL));
            connection.send(&reset.collect::<Vec<_>>());
        }
        let next = all.last().unwrap() + 2;
        let get = head(0x82, "/healthz", &[]);
        connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, next, &get));
        assert_eq!(connection.next_of(HEADERS).unwrap().stream, next);
    });
}

#[test]
fn settings_and_pings_without_end_are_no_request() {
    Attacked::new(&[]).by(|attacked| {
        std::thread::scope(|scope| {
            for piece in [frame(SETTINGS, 0, 0, &NO_WINDOW), frame(PING, 0, 0, &[7; 8])] {
                let pieces = piece.repeat(1_000);
                for is_read in [true, false] {
                    let mut connection = Connection::open(attacked, &[]);
                    if is_read {
                        let mut answers = connection.socket.try_clone().unwrap();
                        scope.spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
                    }
                    // Until the time for a first request is over.
                    let pieces = pieces.clone();
                    scope.spawn(move || while connection.send(&pieces) {});
                }
            }
        });
    });
}

#[test]
fn a_head_without_end_is_not_kept() {
    Attacked::new(&[]).by(|attacked| {
        let more = [&[0][..], &string("name"), &string(&"x".repeat(16_000))].concat();
        for _ in 0..50 {
            let mut connection = Connection::open(attacked, &[]);
            connection.send(&frame(HEADERS, END_STREAM, 1, &head(0x82, "/healthz", &[])));
            let taken = (0..2_000).take_while(|_| connection.send(&frame(CONTINUATION, 0, 1, &more)));
            assert!(taken.count() < 2_000);
            assert_eq!(connection.reason(), Some(ENHANCE_YOUR_CALM));
        }
    });
}

#[test]
fn a_head_of_as_many_bytes_as_may_be_is_read() {
    let attacked = Attacked::new(&[]);
    let mut connection = Connection::open(&attacked, &[]);
    connection.send(&frame(HEADERS, END_STREAM, 1, &head(0x82, "/healthz", &[])));
    let more = [&[0][..], &string("name"), &string(&"x".repeat(12_000))].concat();
    for flags in [0, 0, 0, 0, END_HEADERS] {
        connection.send(&frame(CONTINUATION, flags, 1, &more));
    }
    let answer = connection.next_of(HEADERS).unwrap();
    assert_eq!(answer.payload[0], 0x88, "200 of the static table");
}

#[test]
fn a_head_that_grows_when_it_is_read_is_not_kept() {
    Attacked::new(&[]).by(|attacked| {
        // A name of the dynamic table, and 12,000 times the same: 48 MB.
        let entry = [&[0x40][..], &string("name"), &string(&"x".repeat(4_000))].concat();
        let bomb = [head(0x82, "/healthz", &[]), entry, vec![0xbe; 12_000]].concat();
        for _ in 0..50 {
            let mut connection = Connection::open(attacked, &[]);
            connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb));
            assert_eq!(connection.reason(), Some(ENHANCE_YOUR_CALM));
        }
    });
}

#[test]
fn streams_that_are_held_open_are_so_many_and_no_more() {
    Attacked::new(&[]).by(|attacked| {
        let batch = batch_head(&attacked.token);
        let _held: Vec<_> = (0..100)
            .map(|_| {
                let mut connection = Connection::open(attacked, &[]);
                let opened =
                    streams(connection.streams + 1).map(|stream| frame(HEADERS, END_HEADERS, stream, &batch));
                connection.send(&opened.collect::<Vec<_>>().concat());
                let refused = connection.next_of(RST_STREAM).unwrap();
                assert_eq!(refused.stream, 2 * connection.streams + 1);
                assert_eq!(refused.payload, REFUSED_STREAM.to_be_bytes());
                connection
            })
            .collect();
    });
}

#[test]
fn answers_that_nobody_fetches_are_held_in_little_memory() {
    Attacked::new(&[]).by(|attacked| {
        let get = head(0x82, &format!("{APP}/location"), &[]);
        let _held: Vec<_> = (0..500)
            .map(|_| {
                let mut connection = Connection::open(attacked, &NO_WINDOW);
                let all = streams(connection.streams)
                    .map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &get));
                connection.send(&all.collect::<Vec<_>>().concat());
                for _ in 0..connection.streams {
                    assert!(connection.next_of(HEADERS).is_some(), "each is answered");
                }
                connection
            })
            .collect();
    });
}

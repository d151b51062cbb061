//! What strangers may take of the server before they have proven anything.

use std::time::Duration;

/// HTTP connections at the same time. Each may hold some 100 KiB in buffers, so all of them hold less than all batches do. A device
/// keeps one, and only while it has something to send.
pub const HTTP_CONNECTIONS: usize = 4_096;

/// Connections at the same time: room for 10,000 web sockets beside HTTP. A device with a Realm SDK keeps one as long as its
/// application runs, and while it does nothing it takes less than 16 KiB.
pub const CONNECTIONS: usize = HTTP_CONNECTIONS + 10_240;

/// Connections of one address: a fleet of 500 devices behind one, twice over, and a quarter of those that speak HTTP.
pub const CONNECTIONS_OF_ONE_ADDRESS: usize = 1_024;

/// How many times as much all addresses of one site may have: half of all.
pub const SITE_TIMES: usize = 2;

/// File descriptors that are for other things: the data files, what commands and logs need.
pub const OTHER_FILES: u64 = 64;

/// How long a TLS handshake may take: some round trips over the worst of links.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a new connection may take to bring its first request.
pub const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// How long a connection may take to bring the next one. HTTP clients keep connections for a minute or so.
pub const NEXT_REQUEST: Duration = Duration::from_secs(75);

/// How long a client may take to fetch the next [`ANSWER_PIECE`] of an answer.
pub const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Pieces in which an answer is given to a connection, so that it is held until the client takes it.
pub const ANSWER_PIECE: usize = 64 * 1024;

/// How long each of these may take once the gateway stops.
pub const STOP_WAIT: Duration = Duration::from_secs(2);

/// Bytes of the head of a request, and of what is written at once. Tokens have some hundred.
pub const HEAD: u32 = 64 * 1024;

/// Requests of one HTTP/2 connection at the same time. A device sends one at a time, an application has some outboxes, and
/// each stream is a request in memory: all connections together have no more than 32,768 of them.
pub const STREAMS: u32 = 8;

/// Bytes that an HTTP/2 client may send ahead of being read, on one stream and on all of a connection.
pub const WINDOW: u32 = 256 * 1024;

/// How often an HTTP/2 client is asked whether it is there, and how long it may take to answer: a device that lost its link
/// does not say so.
pub const PING: Duration = Duration::from_secs(20);

/// How long to wait after no connection could be accepted, most often for want of file descriptors.
pub const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bounds;
mod framing;

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

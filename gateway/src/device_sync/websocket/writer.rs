//! Frames to a client.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::{FETCH_WAIT, SocketError};

/// Bytes that are kept for the next messages when all are sent.
const KEPT: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(in crate::device_sync) struct Writer<W> {
    io: W,
    out: Vec<u8>,
    /// How much of it is sent.
    sent: usize,
    /// Since when the client has not fetched the next part; none when everything is flushed.
    since: Option<Instant>,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub fn new(io: W) -> Self {
        Self {
            io,
            out: Vec::new(),
            sent: 0,
            since: None,
        }
    }

    /// A message of the protocol.
    pub fn binary(&mut self, payload: &[u8]) {
        self.frame(OpCode::Data(Data::Binary), payload);
    }

    /// The answer to a ping.
    pub fn pong(&mut self, payload: &[u8]) {
        self.frame(OpCode::Control(Control::Pong), payload);
    }

    /// The last frame.
    pub fn close(&mut self, code: u16) {
        self.frame(OpCode::Control(Control::Close), &code.to_be_bytes());
    }

    fn frame(&mut self, opcode: OpCode, payload: &[u8]) {
        let header = FrameHeader {
            is_final: true,
            opcode,
            ..FrameHeader::default()
        };
        // A client that fetches a little at a time is never sent everything; what it has would pile up.
        if self.sent >= self.waiting() {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        // Writing to memory does not fail.
        let _ = header.format(payload.len() as u64, &mut self.out);
        self.out.extend_from_slice(payload);
        self.since.get_or_insert_with(Instant::now);
    }

    /// Bytes that are not sent yet.
    pub fn waiting(&self) -> usize {
        self.out.len().saturating_sub(self.sent)
    }

    /// Bytes of memory that it has.
    #[cfg(test)]
    pub const fn held(&self) -> usize {
        self.out.capacity()
    }

    /// Whether everything has been sent.
    pub fn is_idle(&self) -> bool {
        self.since.is_none()
    }

    /// Sends what there is. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection has ended or the client fetches nothing.
    pub async fn send(&mut self) -> Result<(), SocketError> {
        while let Some(since) = self.since {
            let left = self.out.get(self.sent..).unwrap_or_default();
            let until = since + FETCH_WAIT;
            if left.is_empty() {
                let flushed = timeout_at(until, self.io.flush()).await;
                flushed.map_err(|_| SocketError::Unfetched)??;
                self.since = None;
            } else {
                let written = timeout_at(until, self.io.write(left)).await;
                match written.map_err(|_| SocketError::Unfetched)?? {
                    0 => return Err(SocketError::Ended),
                    written => self.sent += written,
                }
                self.since = Some(Instant::now());
            }
        }
        self.out.clear();
        self.out.shrink_to(KEPT);
        self.sent = 0;
        Ok(())
    }

    /// Says that nothing more is sent.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn end(&mut self) -> Result<(), SocketError> {
        Ok(self.io.shutdown().await?)
    }
}

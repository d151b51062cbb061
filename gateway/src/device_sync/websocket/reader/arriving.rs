//! A message while it arrives: what is kept of it, out of which memory, and how long it may take.

use tokio::time::{Instant, sleep};

use super::{Message, Received};
use crate::arriving::{Worth, growth};
use crate::device_sync::websocket::{
    HEAD, MAX_MESSAGE, MAX_THROWN_AWAY, MEMORY_LOOK, MEMORY_WAIT, MESSAGE_TIME, PIECE, PIECE_WAIT,
    SocketError,
};
use crate::memory::Budget;

/// Bytes of a message that cost nobody anything: what keeps a connection alive has to come through when memory is short.
pub(super) const FREE: usize = 1024;

/// A message of which a part may have come.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) kind: Kind,
    /// What its frames have announced so far.
    pub(super) announced: u64,
    /// How much of the next piece has come.
    pub(super) piece: usize,
    pub(super) begun: Instant,
    pub(super) bytes: Vec<u8>,
    pub(super) budget: Budget,
    pub(super) worth: Worth,
    /// Whether it was told that it begins.
    pub(super) is_told: bool,
    /// Since when it waits for memory.
    pub(super) waits: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the protocol.
    Binary,
    /// The same, and too large: only its beginning is kept.
    TooLarge,
    /// Text, which nobody speaks here.
    Ignored,
}

impl Arriving {
    pub(super) fn new(is_binary: bool, budget: Budget) -> Self {
        Self {
            kind: if is_binary { Kind::Binary } else { Kind::Ignored },
            announced: 0,
            piece: 0,
            begun: Instant::now(),
            bytes: Vec::new(),
            budget,
            worth: Worth::default(),
            is_told: false,
            waits: None,
        }
    }

    /// Its next frame has this length.
    pub(super) fn announce(&mut self, length: u64) -> Result<(), SocketError> {
        self.announced = self.announced.saturating_add(length);
        if self.announced > MAX_THROWN_AWAY {
            return Err(SocketError::TooLarge);
        }
        if self.kind == Kind::Binary && self.announced > MAX_MESSAGE as u64 {
            self.kind = Kind::TooLarge;
            self.bytes.truncate(HEAD);
            self.bytes.shrink_to_fit();
            self.budget.shrink(self.budget.held());
        }
        Ok(())
    }

    /// How many of the `left` bytes of a frame are kept, with the room that there is.
    pub(super) fn room(&self, left: u64) -> usize {
        at_most(left, self.bytes.capacity() - self.bytes.len())
    }

    /// So many of its bytes have come. Whether a piece is complete with them.
    pub(super) fn came(&mut self, count: usize) -> bool {
        self.piece += count;
        let complete = self.piece >= PIECE;
        if complete {
            self.piece = 0;
        }
        complete
    }

    /// Takes memory, if what is to be kept has none. Of the last frame it is known how much that will be. Says whether it has waited.
    pub(super) async fn make_room(&mut self, is_last: bool) -> Result<bool, SocketError> {
        if self.bytes.len() < self.bytes.capacity() {
            return Ok(false);
        }
        let most = match self.kind {
            Kind::Binary => MAX_MESSAGE,
            Kind::TooLarge => HEAD,
            Kind::Ignored => 0,
        };
        let expected = if is_last {
            at_most(self.announced, most)
        } else {
            most
        };
        if expected <= self.bytes.len() {
            return Ok(false);
        }
        let more = growth(self.bytes.capacity(), expected);
        let held = self.bytes.capacity() + more;
        if held > FREE {
            self.take(held.saturating_sub(self.budget.held())).await?;
            // It may have waited for that, and its sender with it.
            self.worth = Worth::since(self.bytes.len());
        }
        self.bytes.reserve_exact(more);
        Ok(self.waits.take().is_some())
    }

    /// Takes so much memory. Who stands in the queue for it gets what others give back; this one does not, as messages that have come
    /// need some to be done with, and give back more.
    pub(super) async fn take(&mut self, bytes: usize) -> Result<(), SocketError> {
        while let Err(short) = self.budget.try_grow(bytes) {
            let since = *self.waits.get_or_insert_with(Instant::now);
            if since.elapsed() >= MEMORY_WAIT {
                return Err(short.into());
            }
            sleep(MEMORY_LOOK).await;
        }
        Ok(())
    }

    /// Until when the next piece has to come.
    pub(super) fn until(&self) -> Instant {
        (Instant::now() + PIECE_WAIT).min(self.begun + MESSAGE_TIME)
    }

    pub(super) fn into_received(self) -> Option<Received> {
        match self.kind {
            Kind::Ignored => None,
            Kind::Binary => Some(Received::Message(Message {
                bytes: self.bytes,
                budget: self.budget,
            })),
            Kind::TooLarge => Some(Received::TooLarge {
                head: self.bytes,
                bytes: self.announced,
            }),
        }
    }
}

/// The smaller of the two.
pub(super) fn at_most(left: u64, most: usize) -> usize {
    usize::try_from(left).map_or(most, |left| left.min(most))
}

//! Frames of a client, put together to messages.

mod arriving;

use std::io::Cursor;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use self::arriving::{Arriving, FREE, at_most};
use super::mask::Mask;
use super::{SILENCE, SocketError};
use crate::memory::Budget;

/// Bytes that are read ahead: the head of a frame, and most messages that a client sends while it has nothing to upload.
const AHEAD: usize = 512;

/// Bytes of a control frame.
const CONTROL: u64 = 125;

/// A message of the protocol, and the memory that it takes.
#[derive(Debug)]
pub(in crate::device_sync) struct Message {
    pub bytes: Vec<u8>,
    pub budget: Budget,
}

/// What comes from a client.
#[derive(Debug)]
pub(in crate::device_sync) enum Received {
    /// A message has begun to arrive that may take a while. Comes before some of them.
    Begins,
    Message(Message),
    /// The beginning of a message that was too large to be kept.
    TooLarge {
        head: Vec<u8>,
        bytes: u64,
    },
    /// It wants to know whether the server is there.
    Ping(Vec<u8>),
    /// It closes the connection.
    Close,
}

/// See the module.
#[derive(Debug)]
pub(in crate::device_sync) struct Reader<R> {
    io: R,
    /// What messages take comes out of the same memory as this.
    account: Budget,
    ahead: [u8; AHEAD],
    /// Which part of it was read and not used yet.
    unused: std::ops::Range<usize>,
    frame: Option<Frame>,
    control: Vec<u8>,
    message: Option<Arriving>,
    /// Until when something has to come; none while nobody waits for it.
    until: Option<Instant>,
}

/// A frame of which a part may have come.
#[derive(Debug)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    mask: Mask,
    left: u64,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Messages take their memory from where `account` does.
    pub const fn new(io: R, account: Budget) -> Self {
        Self {
            io,
            account,
            ahead: [0; AHEAD],
            unused: 0..0,
            frame: None,
            control: Vec::new(),
            message: None,
            until: None,
        }
    }

    /// Nothing is waited for: the time that passes until the next call of [`Self::next`] is not the client's.
    pub const fn rest(&mut self) {
        self.until = None;
    }

    /// What it reads from.
    pub fn into_inner(self) -> R {
        self.io
    }

    /// What comes next. May be dropped and called again: nothing that was read is lost.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub async fn next(&mut self) -> Result<Received, SocketError> {
        loop {
            let Some(frame) = &self.frame else {
                self.begin().await?;
                continue;
            };
            let (is_control, is_over) = (matches!(frame.opcode, OpCode::Control(_)), frame.left == 0);
            if !is_over {
                if is_control {
                    self.fill_control().await?;
                } else {
                    self.fill_message().await?;
                    if self.begins() {
                        return Ok(Received::Begins);
                    }
                }
            } else if let Some(received) = self.end() {
                return Ok(received);
            }
        }
    }

    /// Whether it is to be told that a message begins of which more is to come.
    fn begins(&mut self) -> bool {
        let has_more = self.frame.as_ref().is_some_and(|frame| frame.left > 0);
        let message = self.message.as_mut();
        let large = message.filter(|message| has_more && message.announced > FREE as u64);
        large.is_some_and(|message| !std::mem::replace(&mut message.is_told, true))
    }

    /// Reads the head of the next frame.
    async fn begin(&mut self) -> Result<(), SocketError> {
        let unused = self.ahead.get(self.unused.clone()).unwrap_or_default();
        let mut head = Cursor::new(unused);
        let parsed = FrameHeader::parse(&mut head);
        let taken = usize::try_from(head.position()).unwrap_or(0);
        match parsed.map_err(|_| SocketError::Malformed("an unknown kind of frame"))? {
            Some((header, length)) => {
                self.unused.start += taken;
                self.frame = Some(self.admitted(&header, length)?);
                Ok(())
            }
            None => self.read_ahead().await,
        }
    }

    /// The frame of this head, if it may come here.
    fn admitted(&mut self, header: &FrameHeader, length: u64) -> Result<Frame, SocketError> {
        let malformed = |what| Err(SocketError::Malformed(what));
        let Some(mask) = header.mask else {
            return malformed("a frame without a mask");
        };
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return malformed("a frame of an extension that was not offered");
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final || length > CONTROL => {
                return malformed("a control frame that is cut or too long");
            }
            OpCode::Control(_) => self.control.clear(),
            OpCode::Data(Data::Continue) => match &mut self.message {
                Some(message) => message.announce(length)?,
                None => return malformed("the middle of a message that has not begun"),
            },
            OpCode::Data(_) if self.message.is_some() => {
                return malformed("a message within another");
            }
            OpCode::Data(kind) => {
                let mut message = Arriving::new(kind == Data::Binary, self.account.another());
                message.announce(length)?;
                self.message = Some(message);
                self.until = None;
            }
        }
        Ok(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            mask: Mask::new(mask),
            left: length,
        })
    }

    /// What a frame that is complete amounts to.
    fn end(&mut self) -> Option<Received> {
        let Frame { opcode, is_final, .. } = self.frame.take()?;
        match opcode {
            OpCode::Control(Control::Ping) => Some(Received::Ping(std::mem::take(&mut self.control))),
            OpCode::Control(Control::Close) => Some(Received::Close),
            OpCode::Control(_) => None,
            OpCode::Data(_) if !is_final => None,
            OpCode::Data(_) => {
                self.until = None;
                self.message.take()?.into_received()
            }
        }
    }

    async fn fill_control(&mut self) -> Result<(), SocketError> {
        if self.unused.is_empty() {
            return self.read_ahead().await;
        }
        if let Some(frame) = &mut self.frame {
            let before = self.control.len();
            let unused = self.ahead.get(self.unused.clone()).unwrap_or_default();
            let taken = at_most(frame.left, unused.len());
            self.control.extend(unused.iter().take(taken));
            self.unused.start += taken;
            frame.took(taken, self.control.get_mut(before..));
        }
        Ok(())
    }

    async fn fill_message(&mut self) -> Result<(), SocketError> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Err(SocketError::Malformed("a frame without a message"));
        };
        if message.make_room(frame.is_final).await? {
            // That was not the client's time.
            self.until = None;
        }
        let before = message.bytes.len();
        let room = message.room(frame.left);
        let unused = self.ahead.get(self.unused.clone()).unwrap_or_default();
        if room == 0 || !unused.is_empty() {
            // What is not kept goes through the same buffer.
            if unused.is_empty() {
                return self.read_ahead().await;
            }
            let taken = at_most(frame.left, unused.len());
            let kept = taken.min(room);
            message.bytes.extend(unused.iter().take(kept));
            self.unused.start += taken;
            frame.took(taken, message.bytes.get_mut(before..));
            if message.came(taken) {
                self.until = None;
            }
            return Ok(());
        }
        let until = *self.until.get_or_insert_with(|| message.until());
        let mut into = (&mut message.bytes).limit(room);
        let read = tokio::select! {
            biased;
            read = timeout_at(until, self.io.read_buf(&mut into)) => read.map_err(|_| SocketError::Slow)??,
            () = message.worth.look() => {
                message.worth.check(message.bytes.len(), &message.budget)?;
                return Ok(());
            }
        };
        if read == 0 {
            return Err(SocketError::BrokenOff);
        }
        frame.took(read, message.bytes.get_mut(before..));
        if message.came(read) {
            self.until = None;
        }
        Ok(())
    }

    /// Reads what there is, up to what is kept ahead.
    async fn read_ahead(&mut self) -> Result<(), SocketError> {
        self.ahead.copy_within(self.unused.clone(), 0);
        self.unused = 0..self.unused.len();
        let message = self.message.as_ref();
        let until = self
            .until
            .get_or_insert_with(|| message.map_or_else(|| Instant::now() + SILENCE, Arriving::until));
        let room = self.ahead.get_mut(self.unused.end..).unwrap_or_default();
        let read = timeout_at(*until, self.io.read(room)).await;
        let slow = |_| match message {
            Some(_) => SocketError::Slow,
            None => SocketError::Silent,
        };
        let read = read.map_err(slow)??;
        if read == 0 {
            let between = self.message.is_none() && self.frame.is_none() && self.unused.is_empty();
            return Err(if between {
                SocketError::Ended
            } else {
                SocketError::BrokenOff
            });
        }
        self.unused.end += read;
        if self.message.is_none() {
            self.until = None;
        }
        Ok(())
    }
}

impl Frame {
    /// So many of its bytes have come, of which some are kept.
    fn took(&mut self, count: usize, kept: Option<&mut [u8]>) {
        self.left = self.left.saturating_sub(count as u64);
        self.mask.take_off(kept.unwrap_or_default());
    }
}

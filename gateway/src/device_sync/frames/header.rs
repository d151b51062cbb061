//! The header of a message from a client. There is one way to write each, and what is written in another is refused.

use crate::device_sync::errors::{ConnectionCode, ConnectionError};

/// Bytes of a header with its line feed; the longest that a client sends have 200.
pub const MAX_HEADER_BYTES: usize = 1_024;

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The line feed is missing.
    #[error("no line feed ends the header of a message within {MAX_HEADER_BYTES} bytes")]
    Endless,
    /// The header has other bytes than ASCII.
    #[error("the header of a message is not ASCII")]
    NotAscii,
    /// A field is missing, or is not what it should be.
    #[error("a message has no {field} where it should be")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// There are more fields than the message has.
    #[error("the header of a message goes on behind its last field")]
    MoreFields,
    /// The length of the body is another one than the header says.
    #[error("the body of a message has {found} bytes, and {announced} by its header")]
    Length {
        /// As it is.
        found: usize,
        /// As the header has it.
        announced: usize,
    },
    /// A body that should be text is not UTF-8.
    #[error("the {body} of a message is not UTF-8")]
    NotUtf8 {
        /// What it is.
        body: &'static str,
    },
}

impl From<FrameError> for ConnectionError {
    fn from(error: FrameError) -> Self {
        Self::new(ConnectionCode::BadSyntax, error.to_string())
    }
}

/// The fields of a header that are not read yet.
pub(super) struct Header<'a> {
    fields: std::str::Split<'a, char>,
}

impl<'a> Header<'a> {
    /// Parts a message into header and body.
    pub(super) fn of(message: &'a [u8]) -> Result<(Self, &'a [u8]), FrameError> {
        let head = message.get(..MAX_HEADER_BYTES).unwrap_or(message);
        let end = head.iter().position(|byte| *byte == b'\n');
        let (head, rest) = message.split_at(end.ok_or(FrameError::Endless)?);
        let body = rest.split_first().map_or(rest, |(_, body)| body);
        let head = str::from_utf8(head).ok().filter(|head| head.is_ascii());
        let fields = head.ok_or(FrameError::NotAscii)?.split(' ');
        Ok((Self { fields }, body))
    }

    /// The next field as it is.
    pub(super) fn word(&mut self, field: &'static str) -> Result<&'a str, FrameError> {
        let word = self.fields.next().filter(|word| !word.is_empty());
        word.ok_or(FrameError::Field { field })
    }

    /// The next field, a number from 0 to 2^63-1: a version, an ident, or a time.
    pub(super) fn unsigned(&mut self, field: &'static str) -> Result<u64, FrameError> {
        let word = self.word(field)?;
        let number = word.parse().ok().filter(|_| is_decimal(word));
        number
            .filter(|number| i64::try_from(*number).is_ok())
            .ok_or(FrameError::Field { field })
    }

    /// The next field, a number of 64 bits with a sign.
    pub(super) fn signed(&mut self, field: &'static str) -> Result<i64, FrameError> {
        let word = self.word(field)?;
        let digits = word.strip_prefix('-').unwrap_or(word);
        let number = word.parse().ok().filter(|_| is_decimal(digits));
        number.ok_or(FrameError::Field { field })
    }

    /// The next field, a number of bytes.
    pub(super) fn size(&mut self, field: &'static str) -> Result<usize, FrameError> {
        usize::try_from(self.unsigned(field)?).map_err(|_| FrameError::Field { field })
    }

    /// The next field, 0 or 1.
    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, FrameError> {
        match self.word(field)? {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(FrameError::Field { field }),
        }
    }

    /// Says that there is no further field.
    pub(super) fn end(mut self) -> Result<(), FrameError> {
        self.fields.next().map_or(Ok(()), |_| Err(FrameError::MoreFields))
    }
}

/// Whether these are digits as a number is printed.
fn is_decimal(digits: &str) -> bool {
    let leads = digits.len() > 1 && digits.starts_with('0');
    !leads && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

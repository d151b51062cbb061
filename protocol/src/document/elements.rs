//! Elements by their frames: where each begins and ends, without a look at what is in it.

use std::str;

use super::{Document, DocumentError, Field, Value};

/// Smallest document: its length and the closing zero.
const EMPTY_DOCUMENT: usize = 5;

/// Takes the first document off `bytes`: its own bytes and the rest. Only the frame is looked at.
///
/// # Errors
/// When the length cannot be true or the closing zero is not where the length says.
pub fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), DocumentError> {
    let length = frame_length(bytes)?;
    let (document, rest) = bytes.split_at_checked(length).ok_or(DocumentError::Truncated)?;
    match document.last() {
        Some(0) => Ok((document, rest)),
        _ => Err(DocumentError::MissingTerminator),
    }
}

fn frame_length(bytes: &[u8]) -> Result<usize, DocumentError> {
    let length = i32::from_le_bytes(*bytes.first_chunk().ok_or(DocumentError::Truncated)?);
    match usize::try_from(length) {
        Ok(length) if length >= EMPTY_DOCUMENT => Ok(length),
        _ => Err(DocumentError::BadLength),
    }
}

/// One element by its frame: type, key without the zero, and the bytes of the value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) kind: u8,
    pub(super) key: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Element<'a> {
    pub(super) fn field(self) -> Option<Field<'a>> {
        let key = str::from_utf8(self.key).ok()?;
        Some(Field {
            key,
            value: self.value()?,
            kind: self.kind,
            raw: self.raw,
        })
    }

    fn value(self) -> Option<Value<'a>> {
        let raw = self.raw;
        Some(match self.kind {
            0x01 => Value::Double(f64::from_le_bytes(*raw.first_chunk()?)),
            0x02 => Value::String(text(raw)?),
            0x03 => Value::Document(Document { bytes: raw }),
            0x04 => Value::Array(Document { bytes: raw }),
            0x05 => Value::Binary {
                subtype: *raw.get(4)?,
                bytes: raw.get(5..)?,
            },
            0x06 => Value::Undefined,
            0x07 => Value::ObjectId(*raw.first_chunk()?),
            0x08 => Value::Boolean(*raw.first()? != 0),
            0x09 => Value::DateTime(i64::from_le_bytes(*raw.first_chunk()?)),
            0x0A => Value::Null,
            0x0B => {
                let mut parts = raw.split(|byte| *byte == 0);
                let pattern = str::from_utf8(parts.next()?).ok()?;
                Value::RegularExpression {
                    pattern,
                    options: str::from_utf8(parts.next()?).ok()?,
                }
            }
            0x0C => {
                let (namespace, id) = raw.split_last_chunk::<12>()?;
                Value::DbPointer {
                    namespace: text(namespace)?,
                    id: *id,
                }
            }
            0x0D => Value::JavaScript(text(raw)?),
            0x0E => Value::Symbol(text(raw)?),
            0x0F => {
                let (code, rest) = take_string(raw.get(4..)?).ok()?;
                Value::JavaScriptWithScope {
                    code: text(code)?,
                    scope: Document { bytes: rest },
                }
            }
            0x10 => Value::Int32(i32::from_le_bytes(*raw.first_chunk()?)),
            0x11 => Value::Timestamp(u64::from_le_bytes(*raw.first_chunk()?)),
            0x12 => Value::Int64(i64::from_le_bytes(*raw.first_chunk()?)),
            0x13 => Value::Decimal128(*raw.first_chunk()?),
            0xFF => Value::MinKey,
            0x7F => Value::MaxKey,
            _ => return None,
        })
    }
}

/// Walks the elements of one level by their frames.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    /// What is left between the length and the closing zero.
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    pub(super) fn new(document: &'a [u8]) -> Self {
        let end = document.len().saturating_sub(1);
        Self {
            rest: document.get(4..end).unwrap_or_default(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Element<'a>, DocumentError>> {
        let (&kind, rest) = self.rest.split_first()?;
        let element = take_element(kind, rest);
        // After an error the walk is over.
        self.rest = element.as_ref().map_or(&[], |(_, rest)| rest);
        Some(element.map(|(element, _)| element))
    }
}

fn take_element(kind: u8, bytes: &[u8]) -> Result<(Element<'_>, &[u8]), DocumentError> {
    let (key, rest) = take_cstring(bytes)?;
    let length = match kind {
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        0x02 | 0x0D | 0x0E => 4 + prefixed_length(rest)?,
        0x03 | 0x04 => frame_length(rest)?,
        0x05 => 5 + prefixed_length(rest)?,
        0x06 | 0x0A | 0xFF | 0x7F => 0,
        0x07 => 12,
        0x08 => 1,
        0x0B => {
            let (pattern, options) = take_cstring(rest)?;
            pattern.len() + take_cstring(options)?.0.len() + 2
        }
        0x0C => 4 + prefixed_length(rest)? + 12,
        0x0F => prefixed_length(rest)?,
        0x10 => 4,
        0x13 => 16,
        other => return Err(DocumentError::UnknownType(other)),
    };
    let (raw, rest) = rest.split_at_checked(length).ok_or(DocumentError::Truncated)?;
    Ok((Element { kind, key, raw }, rest))
}

/// The bytes up to the next zero, and those behind it.
fn take_cstring(bytes: &[u8]) -> Result<(&[u8], &[u8]), DocumentError> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .ok_or(DocumentError::MissingTerminator)?;
    let (text, rest) = bytes.split_at(end);
    Ok((text, rest.get(1..).unwrap_or_default()))
}

fn prefixed_length(bytes: &[u8]) -> Result<usize, DocumentError> {
    let length = i32::from_le_bytes(*bytes.first_chunk().ok_or(DocumentError::Truncated)?);
    usize::try_from(length).map_err(|_| DocumentError::BadLength)
}

/// A string with its length in front, whole, and the bytes behind it.
pub(super) fn take_string(bytes: &[u8]) -> Result<(&[u8], &[u8]), DocumentError> {
    let length = 4 + prefixed_length(bytes)?;
    bytes.split_at_checked(length).ok_or(DocumentError::Truncated)
}

/// The text of a string value: behind the length, before the zero.
fn text(raw: &[u8]) -> Option<&str> {
    str::from_utf8(raw.get(4..raw.len().checked_sub(1)?)?).ok()
}

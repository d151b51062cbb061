//! Reads BSON where it lies.
//!
//! [`split`] looks only at the frame of a document (its length and its last byte). [`Document::validate`]
//! walks every value once; from then on [`Document::fields`] cannot meet anything malformed, and
//! borrows from the bytes it was given.

use std::borrow::Cow;
use std::str;

/// Smallest document: its length and the closing zero.
const EMPTY_DOCUMENT: usize = 5;

/// How large and how deep a document may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole document.
    pub max_bytes: usize,
    /// Levels of documents and arrays, the outermost counted.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: crate::MAX_DOCUMENT_BYTES,
            max_depth: crate::MAX_DEPTH,
        }
    }
}

/// Why bytes are not a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The bytes end before the document does.
    #[error("the document is cut off")]
    Truncated,
    /// The length at the start cannot be true.
    #[error("the document's length field is wrong")]
    BadLength,
    /// Bytes are left over behind the document.
    #[error("there are bytes behind the end of the document")]
    TrailingBytes,
    /// The closing zero of a document or string is missing.
    #[error("a closing zero byte is missing")]
    MissingTerminator,
    /// A type byte that BSON does not have.
    #[error("unknown element type 0x{0:02x}")]
    UnknownType(u8),
    /// A key or string is not UTF-8.
    #[error("a key or string is not valid UTF-8")]
    InvalidUtf8,
    /// A boolean that is neither 0 nor 1.
    #[error("a boolean is neither 0 nor 1")]
    InvalidBoolean,
    /// Documents inside documents, too many levels.
    #[error("documents are nested deeper than {0} levels")]
    TooDeep(usize),
    /// Larger than the limit.
    #[error("the document has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size of the document.
        bytes: usize,
        /// Size allowed.
        limit: usize,
    },
}

/// A well-formed document, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    bytes: &'a [u8],
}

/// One field of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// Name of the field.
    pub key: &'a str,
    /// Value of the field.
    pub value: Value<'a>,
    /// BSON type byte of the value.
    pub kind: u8,
    /// The value's bytes as they lie in the document.
    pub raw: &'a [u8],
}

/// A BSON value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "the variants are BSON's own types under BSON's own names"
)]
pub enum Value<'a> {
    Double(f64),
    String(&'a str),
    Document(Document<'a>),
    Array(Document<'a>),
    Binary { subtype: u8, bytes: &'a [u8] },
    Undefined,
    ObjectId([u8; 12]),
    Boolean(bool),
    DateTime(i64),
    Null,
    RegularExpression { pattern: &'a str, options: &'a str },
    DbPointer { namespace: &'a str, id: [u8; 12] },
    JavaScript(&'a str),
    Symbol(&'a str),
    JavaScriptWithScope { code: &'a str, scope: Document<'a> },
    Int32(i32),
    Timestamp(u64),
    Int64(i64),
    Decimal128([u8; 16]),
    MinKey,
    MaxKey,
}

impl Value<'_> {
    /// The type's name as `$type` of MongoDB spells it; binary says whether it is a UUID.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Document(_) => "object",
            Value::Array(_) => "array",
            Value::Binary { subtype: 4, bytes } if bytes.len() == 16 => "uuid",
            Value::Binary { .. } => "binData",
            Value::Undefined => "undefined",
            Value::ObjectId(_) => "objectId",
            Value::Boolean(_) => "bool",
            Value::DateTime(_) => "date",
            Value::Null => "null",
            Value::RegularExpression { .. } => "regex",
            Value::DbPointer { .. } => "dbPointer",
            Value::JavaScript(_) => "javascript",
            Value::Symbol(_) => "symbol",
            Value::JavaScriptWithScope { .. } => "javascriptWithScope",
            Value::Int32(_) => "int",
            Value::Timestamp(_) => "timestamp",
            Value::Int64(_) => "long",
            Value::Decimal128(_) => "decimal",
            Value::MinKey => "minKey",
            Value::MaxKey => "maxKey",
        }
    }
}

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

impl<'a> Document<'a> {
    /// Checks that `bytes` are exactly one well-formed document within `limits`.
    ///
    /// # Errors
    /// With the first thing found wrong.
    pub fn validate(bytes: &'a [u8], limits: &Limits) -> Result<Self, DocumentError> {
        if bytes.len() > limits.max_bytes {
            return Err(DocumentError::TooLarge {
                bytes: bytes.len(),
                limit: limits.max_bytes,
            });
        }
        validate_body(bytes, limits.max_depth, limits.max_depth)?;
        Ok(Self { bytes })
    }

    /// Takes bytes that [`Document::validate`] has accepted before. Of other bytes, fields are read as far
    /// as they make sense; nothing panics.
    #[must_use]
    pub const fn assume_valid(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Of bytes that [`Document::validate`] has refused: the key of the field that holds what is wrong, however deep
    /// inside of it; none where it is not in a field.
    #[must_use]
    pub fn key_of_invalid_field(bytes: &'a [u8], limits: &Limits) -> Option<Cow<'a, str>> {
        let mut elements = Elements::new(bytes);
        loop {
            let element = elements.next()?.ok()?;
            let depth = limits.max_depth.saturating_sub(1);
            if validate_element(element, depth, limits.max_depth).is_err() {
                return Some(String::from_utf8_lossy(element.key));
            }
        }
    }

    /// The document's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fields in the order they have.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields {
            elements: Elements::new(self.bytes),
        }
    }

    /// The first field with this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.field(key).map(|field| field.value)
    }

    /// The first field with this name, with its raw bytes.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<Field<'a>> {
        let mut elements = Elements::new(self.bytes);
        loop {
            let element = elements.next()?.ok()?;
            if element.key == key.as_bytes() {
                return element.field();
            }
        }
    }

    /// An integer of either width, as scripts write the smaller one where it fits.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::Int32(value) => Some(value.into()),
            Value::Int64(value) => Some(value),
            _ => None,
        }
    }
}

/// Iterator over the fields of a [`Document`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    elements: Elements<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.elements.next()?.ok()?.field()
    }
}

/// One element by its frame: type, key without the zero, and the bytes of the value.
#[derive(Clone, Copy, Debug)]
struct Element<'a> {
    kind: u8,
    key: &'a [u8],
    raw: &'a [u8],
}

impl<'a> Element<'a> {
    fn field(self) -> Option<Field<'a>> {
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
struct Elements<'a> {
    /// What is left between the length and the closing zero.
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    fn new(document: &'a [u8]) -> Self {
        let end = document.len().saturating_sub(1);
        Self {
            rest: document.get(4..end).unwrap_or_default(),
        }
    }

    fn next(&mut self) -> Option<Result<Element<'a>, DocumentError>> {
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
fn take_string(bytes: &[u8]) -> Result<(&[u8], &[u8]), DocumentError> {
    let length = 4 + prefixed_length(bytes)?;
    bytes.split_at_checked(length).ok_or(DocumentError::Truncated)
}

/// The text of a string value: behind the length, before the zero.
fn text(raw: &[u8]) -> Option<&str> {
    str::from_utf8(raw.get(4..raw.len().checked_sub(1)?)?).ok()
}

fn validate_body(bytes: &[u8], depth: usize, max_depth: usize) -> Result<(), DocumentError> {
    let depth = depth.checked_sub(1).ok_or(DocumentError::TooDeep(max_depth))?;
    let (document, rest) = split(bytes)?;
    if !rest.is_empty() {
        return Err(DocumentError::TrailingBytes);
    }
    let mut elements = Elements::new(document);
    while let Some(element) = elements.next() {
        validate_element(element?, depth, max_depth)?;
    }
    Ok(())
}

fn validate_element(element: Element<'_>, depth: usize, max_depth: usize) -> Result<(), DocumentError> {
    let Element { kind, key, raw } = element;
    utf8(key)?;
    match kind {
        0x02 | 0x0D | 0x0E => validate_string(raw),
        0x03 | 0x04 => validate_body(raw, depth, max_depth),
        0x08 if raw != [0] && raw != [1] => Err(DocumentError::InvalidBoolean),
        0x0B => utf8(raw),
        0x0C => validate_string(raw.split_last_chunk::<12>().map_or(raw, |(text, _)| text)),
        0x0F => {
            let (code, scope) = take_string(raw.get(4..).ok_or(DocumentError::BadLength)?)?;
            validate_string(code)?;
            validate_body(scope, depth, max_depth)
        }
        _ => Ok(()),
    }
}

fn validate_string(raw: &[u8]) -> Result<(), DocumentError> {
    match raw.get(4..).and_then(<[u8]>::split_last) {
        Some((0, text)) => utf8(text),
        Some(_) => Err(DocumentError::MissingTerminator),
        None => Err(DocumentError::BadLength),
    }
}

fn utf8(bytes: &[u8]) -> Result<(), DocumentError> {
    str::from_utf8(bytes)
        .map(drop)
        .map_err(|_| DocumentError::InvalidUtf8)
}

/// Writes the small header documents of a batch. Documents of the application never pass through it.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    /// Opens a document at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, start }
    }

    fn key(&mut self, kind: u8, key: &str) {
        self.out.push(kind);
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(0);
    }

    /// Appends a string.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(0x02, key);
        self.out.extend_from_slice(&length_prefix(value.len() + 1));
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
    }

    /// Appends a 32-bit integer.
    pub fn int32(&mut self, key: &str, value: i32) {
        self.key(0x10, key);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a 64-bit integer.
    pub fn int64(&mut self, key: &str, value: i64) {
        self.key(0x12, key);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends an array whose elements `fill` writes, keyed "0", "1" and so on.
    pub fn array(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.nested(0x04, key, fill);
    }

    /// Appends a document whose fields `fill` writes.
    pub fn document(&mut self, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.nested(0x03, key, fill);
    }

    fn nested(&mut self, kind: u8, key: &str, fill: impl FnOnce(&mut Writer<'_>)) {
        self.key(kind, key);
        let mut inner = Writer::new(self.out);
        fill(&mut inner);
        inner.finish();
    }

    /// Closes the document.
    pub fn finish(self) {
        self.out.push(0);
        let length = length_prefix(self.out.len() - self.start);
        if let Some(place) = self.out.get_mut(self.start..self.start + 4) {
            place.copy_from_slice(&length);
        }
    }
}

/// Header documents are far below 2 GiB; one that is not gets a length no reader accepts.
fn length_prefix(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(-1).to_le_bytes()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;

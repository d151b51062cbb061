//! Reads BSON where it lies.
//!
//! [`split`] looks only at the frame of a document (its length and its last byte). [`Document::validate`]
//! walks every value once; from then on [`Document::fields`] cannot meet anything malformed, and
//! borrows from the bytes it was given.

mod elements;
#[cfg(test)]
mod tests;
mod well_formed;
mod writer;

pub use elements::split;
pub use writer::Writer;

use std::borrow::Cow;

use self::elements::Elements;
use self::well_formed::{validate_body, validate_element};

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

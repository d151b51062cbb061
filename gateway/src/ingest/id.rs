//! `_id` as the key of a document: what MongoDB takes for the same value is the same here.

use realm_ingest_protocol::Document;

/// Type and value of an `_id`, integers in 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key<'a> {
    /// 32 or 64 bits.
    Int(i64),
    /// Any other type, by its byte and the value's bytes.
    Other(u8, &'a [u8]),
}

/// The key of a sound document; none when it has no `_id`.
#[must_use]
pub fn key(document: &[u8]) -> Option<Key<'_>> {
    let field = Document::assume_valid(document).field("_id")?;
    Some(match (field.kind, field.raw) {
        (0x10, raw) => Key::Int(i32::from_le_bytes(*raw.first_chunk()?).into()),
        (0x12, raw) => Key::Int(i64::from_le_bytes(*raw.first_chunk()?)),
        (kind, raw) => Key::Other(kind, raw),
    })
}

impl Key<'_> {
    /// Appends the key to `out`: the type's byte and the value's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => {
                out.push(0x12);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Other(kind, raw) => {
                out.push(*kind);
                out.extend_from_slice(raw);
            }
        }
    }
}

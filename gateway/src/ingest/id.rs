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
    /// Appends the key to `out`: the type's byte and the value's bytes. Integers are in the order of their bytes, so that
    /// those that are counted upwards lie side by side in an index.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => {
                out.push(0x12);
                out.extend_from_slice(&(value ^ i64::MIN).to_be_bytes());
            }
            Self::Other(kind, raw) => {
                out.push(*kind);
                out.extend_from_slice(raw);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::{Bson, doc};

    use super::*;

    fn written(id: impl Into<Bson>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let document = doc! {"_id": id.into()}.to_vec().unwrap();
        key(&document).unwrap().write(&mut bytes);
        bytes
    }

    #[test]
    fn keys_of_integers_are_in_the_order_of_the_integers_whatever_their_width() {
        let integers = [i64::MIN, -256, -129, -1, 0, 1, 127, 128, 255, 256, i64::MAX];
        assert!(integers.map(written).is_sorted());
        for integer in [i32::MIN, -1, 0, i32::MAX] {
            assert_eq!(written(integer), written(i64::from(integer)));
        }
    }
}

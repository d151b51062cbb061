//! A door to the packs, for the fuzz targets.
#![allow(missing_docs, reason = "each is what it calls")]

use super::pack::Stored;
use super::{lease, packs};
use crate::outbox::{Row, SchemaId};

/// A row that stands for several transactions, as it lies in a file.
pub struct Pack<'a> {
    pub seq: i64,
    pub transactions: i64,
    pub created: i64,
    pub payload: &'a [u8],
}

/// What a pack was made of.
pub struct Unpacked(Vec<packs::Member>);

impl Pack<'_> {
    /// As it is given out.
    pub fn rows(&self, after: i64) -> Option<Vec<Row>> {
        lease::pack(
            self.seq,
            self.transactions,
            self.created,
            self.payload,
            SchemaId(1),
            after,
        )
    }

    /// As it is divided and carried over.
    pub fn unpacked(&self) -> Option<Unpacked> {
        packs::decode(self.payload, self.transactions, self.created).map(Unpacked)
    }
}

impl Unpacked {
    /// The payload of a pack of the same; none where they do not make one.
    pub fn packed_again(&self) -> Option<Vec<u8>> {
        let row = packs::encode(SchemaId(1), &self.0)?;
        (row.stored == Stored::Pack).then(|| row.payload.into_owned())
    }
}

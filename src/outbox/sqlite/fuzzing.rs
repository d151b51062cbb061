//! A door to the packs, for the fuzz targets.
#![allow(missing_docs, reason = "each is what it calls")]

use std::borrow::Cow;

use super::pack::{Prepared, Stored};
use super::{packs, rows};
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
        let payload = Cow::Borrowed(self.payload);
        let stored = Stored::Pack;
        let row = Prepared::new(SchemaId(1), self.transactions, 0, 0, stored, Vec::new(), payload);
        rows::transactions(self.seq, self.created, row, after)
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

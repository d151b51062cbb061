//! What a row holds, as it lies in the file.
//!
//! Without encryption the columns `runs` and `payload` are what they say, and `checksum` has two sums: in its lower half
//! one of the content, in its upper half one that ties it to the row's numbers, with which a row of format 1 does without.
//! In an encrypted file `runs` is empty and `payload` has both sealed: the length of the runs as an LEB128 number, the runs,
//! the payload. The seal is bound to the row's numbers and stands for the checksum, which is 0: one of what is sealed would
//! tell about it.

use std::borrow::Cow;

use rusqlite::Result;

use super::pack::{Prepared, push_number, stored_number, take_number};
use crate::outbox::SchemaId;
use crate::outbox::seal::Seal;

/// Names a row's content to the seal.
const PURPOSE: &str = "row";

/// In each tie: no row that has one is taken for one that has none.
const TIED: u32 = 1 << 30;

/// The columns that say what the content is of.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) seq: i64,
    pub(super) first: Option<i64>,
    pub(super) created: i64,
    pub(super) objects: i64,
    pub(super) bytes: i64,
    pub(super) schema: SchemaId,
    /// How it is stored, as its column has it.
    pub(super) codec: i64,
}

impl Place {
    /// Of a row that is to be stored as number `seq`.
    pub(super) fn of(row: &Prepared<'_>, seq: i64, created: i64) -> Place {
        Place {
            seq,
            first: (row.transactions > 1).then(|| seq - row.transactions + 1),
            created,
            objects: row.objects as i64,
            bytes: row.bytes as i64,
            schema: row.schema,
            codec: stored_number(row.stored),
        }
    }

    fn numbers(&self) -> [i64; 7] {
        [
            self.seq,
            // No row begins with 0.
            self.first.unwrap_or(0),
            self.created,
            self.objects,
            self.bytes,
            self.schema.0,
            self.codec,
        ]
    }
}

/// The columns that hold the content.
pub(super) struct Content<'a> {
    pub(super) runs: Cow<'a, [u8]>,
    /// The column `checksum`.
    pub(super) sum: i64,
    pub(super) payload: Cow<'a, [u8]>,
}

/// What ties content of this sum to its place: the upper half of the column `checksum`.
pub(super) fn tie(content: u32, place: &Place) -> i64 {
    let mut sum = crc32fast::Hasher::new_with_initial(content);
    for number in [place.seq, place.first.unwrap_or(0), place.created] {
        sum.update(&number.to_le_bytes());
    }
    // Without a sign.
    i64::from(sum.finalize() & (TIED - 1) | TIED)
}

/// The two halves of the column `checksum`: the sum of the content, and what ties it to its place; 0 where nothing does.
pub(super) fn untied(sum: i64) -> (u32, i64) {
    (sum as u32, sum >> 32)
}

/// How the content of the row is stored at its place.
pub(super) fn stored<'a>(row: &'a Prepared<'_>, place: &Place, seal: &Seal) -> Result<Content<'a>> {
    if seal.is_none() {
        return Ok(Content {
            runs: Cow::Borrowed(&row.runs),
            sum: tie(row.checksum, place) << 32 | i64::from(row.checksum),
            payload: Cow::Borrowed(&row.payload),
        });
    }
    let mut length = Vec::with_capacity(2);
    push_number(&mut length, row.runs.len() as u64);
    let parts = [&length[..], &row.runs, &row.payload];
    Ok(Content {
        runs: Cow::Borrowed(&[]),
        sum: 0,
        payload: Cow::Owned(seal.seal(PURPOSE, &place.numbers(), &parts)?),
    })
}

/// The runs and the payload of what was sealed at this place; `None` when it is not as it was sealed.
pub(super) fn unsealed(stored: Vec<u8>, place: &Place, seal: &Seal) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut content = seal.open(PURPOSE, &place.numbers(), stored)?;
    let mut rest = &content[..];
    let length = usize::try_from(take_number(&mut rest)?).ok()?;
    let runs = rest.get(..length)?.to_vec();
    let before = content.len() - rest.len() + length;
    content.drain(..before);
    Some((runs, content))
}

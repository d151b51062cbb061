//! What a row holds, as it lies in the file.
//!
//! Without encryption the columns `runs` and `payload` are what they say, under a checksum. In an encrypted
//! file `runs` is empty and `payload` has both sealed: the length of the runs as an LEB128 number, the runs, the
//! payload. The seal is bound to the row's numbers and stands for the checksum, which is 0: one of what is
//! sealed would tell about it.

use std::borrow::Cow;

use rusqlite::Result;

use super::pack::{Prepared, push_number, stored_number, take_number};
use crate::outbox::SchemaId;
use crate::outbox::seal::Seal;

/// Names a row's content to the seal.
const PURPOSE: &str = "row";

/// The columns that say what the content is of.
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
    pub(super) checksum: u32,
    pub(super) payload: Cow<'a, [u8]>,
}

/// How the content of the row is stored at its place.
pub(super) fn stored<'a>(row: &'a Prepared<'_>, place: &Place, seal: &Seal) -> Result<Content<'a>> {
    if seal.is_none() {
        return Ok(Content {
            runs: Cow::Borrowed(&row.runs),
            checksum: row.checksum,
            payload: Cow::Borrowed(&row.payload),
        });
    }
    let mut length = Vec::with_capacity(2);
    push_number(&mut length, row.runs.len() as u64);
    let parts = [&length[..], &row.runs, &row.payload];
    Ok(Content {
        runs: Cow::Borrowed(&[]),
        checksum: 0,
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

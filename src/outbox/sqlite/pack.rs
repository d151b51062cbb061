//! How a write transaction becomes the columns of a row: payload compression, and the runs.
//!
//! `runs` is, for each run: the count and the length of the class name, each as an LEB128 number,
//! then the name in UTF-8.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::Compressor;

use crate::outbox::{Codec, Run, SchemaId, WriteTransaction, objects};

/// Payloads from this size are compressed. Below it a row shares its page with others, a commit
/// writes that one page whatever the row's size, and there is too little in it for zstd to find;
/// above it compression saves whole pages of every commit.
const COMPRESS_FROM: usize = 2 * 1024;

/// zstd level 1: more than 1 GB/s on documents of one class, where higher levels save a little
/// more at several times the cost.
const LEVEL: i32 = 1;

/// Idle compression contexts kept, by all outboxes of the process together. One is made of some hundred KiB and serves
/// a write at a time, so this bounds memory while as many threads as a device has cores compress without making one anew.
const IDLE_CONTEXTS: usize = 4;

static IDLE: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());

/// What a row takes beside its payload and runs: its numbers, and its share of the pages above it.
pub(super) const ROW_OVERHEAD: u64 = 64;

/// What a row of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// One transaction.
    Row(Codec),
    /// Several (`packs.rs`).
    Pack,
}

/// A row before it has a number. Borrows the payload as long as its own thread writes it.
pub(super) struct Prepared<'a> {
    pub(super) schema: SchemaId,
    /// One, or those of a pack.
    pub(super) transactions: i64,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) stored: Stored,
    pub(super) runs: Vec<u8>,
    pub(super) payload: Cow<'a, [u8]>,
    pub(super) checksum: u32,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        schema: SchemaId,
        transactions: i64,
        objects: u64,
        bytes: u64,
        stored: Stored,
        runs: Vec<u8>,
        payload: Cow<'a, [u8]>,
    ) -> Prepared<'a> {
        Prepared {
            checksum: checksum(schema, objects, bytes, stored, &runs, &payload),
            schema,
            transactions,
            objects,
            bytes,
            stored,
            runs,
            payload,
        }
    }

    pub(super) fn into_owned(self) -> Prepared<'static> {
        Prepared {
            schema: self.schema,
            transactions: self.transactions,
            objects: self.objects,
            bytes: self.bytes,
            stored: self.stored,
            runs: self.runs,
            payload: Cow::Owned(self.payload.into_owned()),
            checksum: self.checksum,
        }
    }

    /// What the row takes in the file.
    pub(super) fn stored_bytes(&self) -> u64 {
        (self.runs.len() + self.payload.len()) as u64 + ROW_OVERHEAD
    }
}

/// Prepares rows.
pub(super) struct Packer;

impl Packer {
    pub(super) fn pack<'a>(&self, transaction: &WriteTransaction<'a>) -> Prepared<'a> {
        let (codec, payload) = match self.compress(transaction.payload) {
            Some(compressed) => (Codec::Zstd, Cow::Owned(compressed)),
            None => (Codec::Identity, Cow::Borrowed(transaction.payload)),
        };
        Prepared::new(
            transaction.schema,
            1,
            objects(transaction.runs),
            transaction.payload.len() as u64,
            Stored::Row(codec),
            encode_runs(transaction.runs),
            payload,
        )
    }

    /// `None` when the payload is small, or does not become smaller.
    fn compress(&self, payload: &[u8]) -> Option<Vec<u8>> {
        if payload.len() < COMPRESS_FROM {
            return None;
        }
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = match idle {
            Some(context) => context,
            None => Compressor::new(LEVEL).ok()?,
        };
        // The room is what compression has to stay under to be worth it; zstd gives up when it does
        // not. The part of it that stays unused is never touched, so it costs no memory.
        let mut compressed = Vec::with_capacity(payload.len() - payload.len() / 16);
        let smaller = context.compress_to_buffer(payload, &mut compressed).is_ok();
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONTEXTS {
            idle.push(context);
        }
        smaller.then_some(compressed)
    }
}

/// Of everything in a row but its place: CRC-32. SQLite does not notice when the disk changes what a
/// row holds.
pub(super) fn checksum(
    schema: SchemaId,
    objects: u64,
    bytes: u64,
    stored: Stored,
    runs: &[u8],
    payload: &[u8],
) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for number in [schema.0, objects as i64, bytes as i64, stored_number(stored)] {
        sum.update(&number.to_le_bytes());
    }
    sum.update(runs);
    sum.update(payload);
    sum.finalize()
}

fn encode_runs(runs: &[Run]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(runs.iter().map(|run| run.class.len() + 4).sum());
    for run in runs {
        push_number(&mut encoded, u64::from(run.count));
        push_number(&mut encoded, run.class.len() as u64);
        encoded.extend_from_slice(run.class.as_bytes());
    }
    encoded
}

/// `None` when the bytes are not what [`encode_runs`] makes.
pub(super) fn decode_runs(mut encoded: &[u8]) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    while !encoded.is_empty() {
        let count = u32::try_from(take_number(&mut encoded)?).ok()?;
        let length = usize::try_from(take_number(&mut encoded)?).ok()?;
        let (class, rest) = encoded.split_at_checked(length)?;
        encoded = rest;
        runs.push(Run {
            class: str::from_utf8(class).ok()?.to_owned(),
            count,
        });
    }
    Some(runs)
}

pub(super) fn push_number(encoded: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        encoded.push(number as u8 | 0x80);
        number >>= 7;
    }
    encoded.push(number as u8);
}

pub(super) fn take_number(encoded: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = encoded.split_first()?;
        *encoded = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// What says in the file how a row is stored. Numbers are never reused.
pub(super) fn stored_number(stored: Stored) -> i64 {
    match stored {
        Stored::Row(Codec::Identity) => 0,
        Stored::Row(Codec::Zstd) => 1,
        Stored::Pack => 2,
    }
}

pub(super) fn stored_of(number: i64) -> Option<Stored> {
    match number {
        0 => Some(Stored::Row(Codec::Identity)),
        1 => Some(Stored::Row(Codec::Zstd)),
        2 => Some(Stored::Pack),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run(class: &str, count: u32) -> Run {
        Run {
            class: class.to_owned(),
            count,
        }
    }

    #[test]
    fn runs_come_back_as_they_were() {
        for runs in [
            vec![],
            vec![run("Reading", 1)],
            vec![
                run("Reading", u32::MAX),
                run("", 0),
                run(&"ü".repeat(100), 127),
                run("b", 128),
            ],
        ] {
            assert_eq!(decode_runs(&encode_runs(&runs)).unwrap(), runs);
        }
    }

    #[test]
    fn malformed_runs_are_refused() {
        let whole = encode_runs(&[run("Reading", 300)]);
        for end in 1..whole.len() {
            assert!(decode_runs(&whole[..end]).is_none(), "cut at {end}");
        }
        assert!(decode_runs(&[1, 1, 0xff]).is_none(), "not UTF-8");
        assert!(decode_runs(&[0xff; 12]).is_none(), "number without end");
    }

    #[test]
    fn only_what_becomes_smaller_is_compressed() {
        let packer = Packer;
        let pack = |payload: &[u8]| {
            let runs = [run("Reading", 1)];
            let prepared = packer.pack(&WriteTransaction {
                schema: SchemaId(1),
                runs: &runs,
                payload,
            });
            assert_eq!(prepared.bytes, payload.len() as u64);
            let Stored::Row(codec) = prepared.stored else {
                unreachable!("a transaction of its own")
            };
            (codec, prepared.payload.into_owned())
        };
        let dull = vec![7; COMPRESS_FROM];
        let (codec, stored) = pack(&dull);
        assert_eq!(codec, Codec::Zstd);
        assert_eq!(zstd::bulk::decompress(&stored, COMPRESS_FROM).unwrap(), dull);
        assert_eq!(pack(&dull[1..]), (Codec::Identity, dull[1..].to_vec()), "small");
        let mut state = 1u64;
        let noise: Vec<u8> = (0..COMPRESS_FROM * 4)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        assert_eq!(pack(&noise), (Codec::Identity, noise.clone()), "incompressible");
    }
}

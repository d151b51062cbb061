//! Packs: what many small rows that wait become, to take a fraction of the space.
//!
//! A pack is one row of the file that stands for the transactions `first..=seq`, all of one schema. Its
//! `runs` are empty, `created` is the first one's, `objects` and `bytes` are sums. Its payload is one
//! zstd frame that states its content size. In it, for each transaction in order: the time since the one
//! before it, zigzag-coded; 0 if its runs are the same as those of the one before it, else 1 + the length
//! of its runs and its runs; the length of its payload. All numbers are LEB128. The payloads follow, back
//! to back.

use std::borrow::Cow;

use bytes::Bytes;

use super::found::Kept;
use super::pack::{Prepared, ROW_OVERHEAD, Stored, decode_runs, push_number, take_number};
use crate::outbox::{Codec, SchemaId, objects};

/// zstd level 3. Weather readings of 253 bytes a row take 9 in a pack at this level as at level 19, which
/// takes a hundred times as long.
const LEVEL: i32 = 3;

/// No pack is larger than this before compression; it bounds what one in a damaged file makes of memory.
const MAX_CONTENT: usize = 1024 * 1024;

/// What the transactions of a pack take in rows of their own is not more than this, several times what rows that are
/// packed can. In a damaged file it bounds what a pack that repeats its runs makes of memory.
const MAX_APART: u64 = 8 * 1024 * 1024;

/// One transaction of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) created: i64,
    /// Encoded as in a row of its own.
    pub(super) runs: Bytes,
    pub(super) payload: Bytes,
}

impl Member {
    /// What it takes in a row of its own.
    pub(super) fn stored_bytes(&self) -> u64 {
        (self.runs.len() + self.payload.len()) as u64 + ROW_OVERHEAD
    }
}

/// One row for all of these; a single one is a row as any other. `None` when there are none, or too many.
pub(super) fn encode(schema: SchemaId, members: &[Member]) -> Option<Prepared<'static>> {
    let [first, others @ ..] = members else {
        return None;
    };
    let objects_of = |member: &Member| decode_runs(&member.runs).map(|runs| objects(&runs));
    let objects = members.iter().map(objects_of).sum::<Option<u64>>()?;
    let bytes: usize = members.iter().map(|member| member.payload.len()).sum();
    if others.is_empty() {
        return Some(Prepared::new(
            schema,
            1,
            objects,
            bytes as u64,
            Stored::Row(Codec::Identity),
            first.runs.to_vec(),
            Cow::Owned(first.payload.to_vec()),
        ));
    }
    let mut content = Vec::with_capacity(bytes + members.len() * 6);
    let mut created = first.created;
    let mut runs: &[u8] = &[];
    for member in members {
        let delta = member.created.wrapping_sub(created);
        push_number(&mut content, (delta << 1 ^ delta >> 63) as u64);
        if member.runs == runs {
            push_number(&mut content, 0);
        } else {
            push_number(&mut content, 1 + member.runs.len() as u64);
            content.extend_from_slice(&member.runs);
        }
        push_number(&mut content, member.payload.len() as u64);
        created = member.created;
        runs = &member.runs;
    }
    for member in members {
        content.extend_from_slice(&member.payload);
    }
    let apart: u64 = members.iter().map(Member::stored_bytes).sum();
    if content.len() > MAX_CONTENT || apart > MAX_APART {
        return None;
    }
    Some(Prepared::new(
        schema,
        members.len() as i64,
        objects,
        bytes as u64,
        Stored::Pack,
        Vec::new(),
        Cow::Owned(zstd::bulk::compress(&content, LEVEL).ok()?),
    ))
}

/// The `count` transactions of a pack, which share its content; `None` when it is not what [`encode`] makes.
pub(super) fn decode(payload: &[u8], count: i64, created: i64) -> Option<Vec<Member>> {
    let content = Bytes::from(zstd::bulk::decompress(payload, MAX_CONTENT).ok()?);
    let mut rest = &content[..];
    let mut created = created;
    let mut runs = Bytes::new();
    let mut members = Vec::new();
    let mut lengths = Vec::new();
    let mut room = MAX_APART;
    for _ in 0..count {
        let delta = take_number(&mut rest)?;
        created = created.wrapping_add((delta >> 1) as i64 ^ -((delta & 1) as i64));
        if let Some(length) = take_number(&mut rest)?.checked_sub(1) {
            let (taken, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            runs = content.slice_ref(taken);
            rest = behind;
        }
        let length = take_number(&mut rest)?;
        room = room
            .checked_sub(length)?
            .checked_sub(runs.len() as u64 + ROW_OVERHEAD)?;
        lengths.push(usize::try_from(length).ok()?);
        members.push(Member {
            created,
            runs: runs.clone(),
            payload: Bytes::new(),
        });
    }
    for (member, length) in members.iter_mut().zip(lengths) {
        let (payload, behind) = rest.split_at_checked(length)?;
        member.payload = content.slice_ref(payload);
        rest = behind;
    }
    rest.is_empty().then_some(members)
}

/// Whether the row can be given out: of a pack the checksum does not say how many transactions it stands for.
pub(super) fn is_whole(kept: &Kept) -> bool {
    let Kept { row, seat } = kept;
    let members = match row.stored {
        Stored::Row(_) => return true,
        Stored::Pack => decode(&row.payload, row.transactions, seat.created()),
    };
    members.is_some_and(|members| members.iter().all(|member| decode_runs(&member.runs).is_some()))
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn members() -> Vec<Member> {
        (0..50)
            .map(|number: i64| Member {
                created: 1_700_000_000_000 + if number % 7 == 0 { -number } else { number * 1000 },
                runs: vec![1, 1, if number % 9 == 0 { b'x' } else { b'y' }].into(),
                payload: vec![number as u8; number as usize].into(),
            })
            .collect()
    }

    #[test]
    fn members_come_back_as_they_were() {
        let members = members();
        let packed = encode(SchemaId(3), &members).unwrap();
        assert_eq!((packed.transactions, packed.objects), (50, 50));
        assert_eq!(packed.bytes, (0..50).sum::<u64>());
        let found = decode(&packed.payload, 50, members[0].created).unwrap();
        assert_eq!(found, members);
    }

    #[test]
    fn what_is_not_a_pack_is_refused() {
        let members = members();
        let packed = encode(SchemaId(3), &members).unwrap();
        assert!(
            decode(&packed.payload, 49, members[0].created).is_none(),
            "one too few"
        );
        assert!(
            decode(&packed.payload, 51, members[0].created).is_none(),
            "one too many"
        );
        assert!(
            decode(&packed.payload[1..], 50, members[0].created).is_none(),
            "no frame"
        );
        let bomb = zstd::bulk::compress(&vec![0; MAX_CONTENT + 1], 1).unwrap();
        assert!(decode(&bomb, 50, 0).is_none(), "larger than any pack");
    }

    #[test]
    fn a_pack_that_repeats_its_runs_without_end_is_refused() {
        let member = Member {
            created: 0,
            runs: vec![1; 64 * 1024].into(),
            payload: Bytes::new(),
        };
        let mut content = vec![0];
        push_number(&mut content, 1 + member.runs.len() as u64);
        content.extend_from_slice(&member.runs);
        content.push(0);
        let pack = |others: usize| {
            let content = [&content[..], &[0; 3].repeat(others)].concat();
            let payload = zstd::bulk::compress(&content, LEVEL).unwrap();
            decode(&payload, 1 + others as i64, 0)
        };
        assert!(pack(100).is_some());
        assert!(pack(1_000).is_none());
        assert!(encode(SchemaId(1), &vec![member; 1_000]).is_none());
    }
}

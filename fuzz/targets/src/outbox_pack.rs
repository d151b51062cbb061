//! A pack out of a file is read within bounds, and packed again it is the same.

use arbitrary::{Arbitrary as _, Result, Unstructured};
use realm_ingest::fuzzing::Pack;

/// Bytes that the transactions of one pack hold at most, whatever it says: twenty times what they take in a file.
const MAX_HELD: u64 = 160 * 1024 * 1024;

pub(crate) fn run(data: &[u8]) {
    let Ok((seq, first, created, payload)) = columns(Unstructured::new(data)) else {
        return;
    };
    let transactions = i64::saturating_sub(seq, first).saturating_add(1);
    if transactions < 2 {
        return;
    }
    let pack = Pack {
        seq,
        transactions,
        created,
        payload: &payload,
    };
    let held = crate::most_held(|| drop(pack.rows(0)));
    assert!(held <= MAX_HELD, "{held} bytes held");
    let Some(unpacked) = pack.unpacked() else {
        assert_eq!(pack.rows(0), None);
        return;
    };
    let Some(payload) = unpacked.packed_again() else {
        return;
    };
    let again = Pack {
        payload: &payload,
        ..pack
    };
    assert_eq!(again.rows(0), pack.rows(0));
}

/// The number of the last and the first transaction, the time, and the payload.
fn columns(mut bytes: Unstructured<'_>) -> Result<(i64, i64, i64, Vec<u8>)> {
    let first = match u8::arbitrary(&mut bytes)? % 4 {
        0 => i64::arbitrary(&mut bytes)?,
        _ => 1,
    };
    let seq = match u8::arbitrary(&mut bytes)? % 4 {
        // A column that is wrong: what it says is not believed before it was read.
        0 => i64::arbitrary(&mut bytes)?.max(1),
        _ => first.saturating_add(u16::arbitrary(&mut bytes)?.into()).max(1),
    };
    let created = i64::arbitrary(&mut bytes)?;
    let payload = match u8::arbitrary(&mut bytes)? % 4 {
        0 => bytes.take_rest().to_vec(),
        how => {
            // A few bytes stand for many: the same transaction again and again.
            let times = if how == 1 {
                u32::arbitrary(&mut bytes)? as usize
            } else {
                1
            };
            let length = u8::arbitrary(&mut bytes)?.into();
            let head = bytes.bytes(length)?;
            let tail = bytes.take_rest();
            let times = times.min(1024 * 1024 / tail.len().max(1));
            zstd::bulk::compress(&[head, &tail.repeat(times)].concat(), 1).unwrap()
        }
    };
    Ok((seq, first, created, payload))
}

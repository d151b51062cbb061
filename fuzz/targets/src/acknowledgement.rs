//! An acknowledgement that is taken speaks of what was sent and of nothing else.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use realm_ingest::fuzzing;

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok(rows) = rows(&mut bytes) else { return };
    let Ok(ack) = fuzzing::acknowledgement(&rows, bytes.take_rest()) else {
        return;
    };
    assert!(rows.contains_key(&ack.acked));
    let sent: u64 = rows.range(..=ack.acked).map(|(_, objects)| objects).sum();
    assert!(ack.refused.len() as u64 + ack.unlisted.iter().map(|one| one.count).sum::<u64>() <= sent);
    for refusal in &ack.refused {
        assert!(refusal.seq <= ack.acked && u64::from(refusal.index) < rows[&refusal.seq]);
    }
}

/// Up to four transactions from 1 on, each with its objects.
fn rows(bytes: &mut Unstructured<'_>) -> Result<BTreeMap<i64, u64>> {
    let count = bytes.int_in_range(1..=4)?;
    (1..=count)
        .map(|seq| Ok((seq, u8::arbitrary(bytes)?.into())))
        .collect()
}

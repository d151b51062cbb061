//! A body is unpacked and decoded within the memory it was given, and the decoder finds what the reader of batches finds.

use std::sync::Arc;

use realm_ingest_gateway::http::decode;
use realm_ingest_gateway::http::media::Encoding;
use realm_ingest_gateway::memory::Budget;
use realm_ingest_protocol::BatchReader;
use tokio::sync::Semaphore;

/// Memory of one request here: enough for some steps of unpacking, so that running out is met as well.
const POOL: usize = 4 * 1024 * 1024;

/// What is held for an error's text and other small things.
const SMALL: u64 = 8 * 1024;

/// The first byte says what the others are: a body as it travels, one to be packed first, one that is not packed, or one
/// in two frames.
pub(crate) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
    let (sent, encoding) = match how % 4 {
        0 => (rest.to_vec(), Encoding::Zstd),
        1 => (packed(rest), Encoding::Zstd),
        2 => (rest.to_vec(), Encoding::Identity),
        _ => {
            let (one, other) = rest.split_at(rest.len() / 2);
            ([packed(one), packed(other)].concat(), Encoding::Zstd)
        }
    };
    let all = Arc::new(Semaphore::new(POOL));
    let mut budget = Budget::new(Arc::clone(&all));
    if budget.try_grow(sent.capacity()).is_err() {
        return;
    }
    let mut unpacked = None;
    let held = crate::most_held(|| unpacked = decode::unpack(sent, encoding, &mut budget).ok());
    assert!(held <= POOL as u64 + SMALL, "{held} bytes held");
    let Some(body) = unpacked else { return };
    assert!(body.capacity() <= budget.held(), "what is held is accounted for");
    if how % 4 != 0 {
        assert_eq!(body, rest);
    }
    let expected = transactions(&body);
    let found = decode::transactions(body, &mut budget).ok();
    let found = found.map(|(_, transactions)| {
        transactions
            .into_iter()
            .map(|one| (one.seq, one.payload.to_vec()))
    });
    assert_eq!(found.map(Vec::from_iter), expected);
    drop(budget);
    assert_eq!(all.available_permits(), POOL);
}

fn transactions(body: &[u8]) -> Option<Vec<(i64, Vec<u8>)>> {
    let mut reader = BatchReader::new(body).ok()?;
    let mut found = Vec::new();
    while let Some(transaction) = reader.next_transaction().ok()? {
        found.push((transaction.header.seq, transaction.payload.to_vec()));
    }
    Some(found)
}

//! A batch that is read is what its headers say, and written anew from what was read it is read as the same.

use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{BatchHeader, BatchReader, TransactionHeader};

/// What reading holds beside the bytes it borrows: names and numbers out of the headers, each of which a few bytes make.
const HELD_PER_BYTE: u64 = 16;

pub(crate) fn run(data: &[u8]) {
    let mut found = None;
    let held = crate::most_held(|| found = read(data));
    assert!(
        held <= 4096 + data.len() as u64 * HELD_PER_BYTE,
        "{held} bytes held"
    );
    let Some((header, transactions)) = found else {
        return;
    };
    let mut documents = 0;
    let mut again = Vec::new();
    encode_batch_header(&header, &mut again);
    let mut last = header.first_seq - 1;
    for (transaction, payload) in &transactions {
        assert!(transaction.seq > last && (transaction.schema as usize) < header.schemas.len());
        last = transaction.seq;
        documents += transaction.documents();
        encode_transaction_header(transaction, &mut again);
        again.extend_from_slice(payload);
    }
    assert_eq!((last, documents), (header.last_seq, header.count));
    assert!(header.after < header.first_seq && header.acked >= 0);
    let fits = transactions
        .iter()
        .flat_map(|(one, _)| &one.runs)
        .all(|run| i32::try_from(run.count).is_ok());
    if fits && again.len() < 1024 * 1024 {
        assert_eq!(read(&again), Some((header, transactions)));
    }
}

type Batch<'a> = (BatchHeader, Vec<(TransactionHeader, &'a [u8])>);

fn read(data: &[u8]) -> Option<Batch<'_>> {
    let mut reader = BatchReader::new(data).ok()?;
    let mut transactions = Vec::new();
    while let Some(transaction) = reader.next_transaction().ok()? {
        assert_eq!(
            transaction.documents().count() as u64,
            transaction.header.documents()
        );
        transactions.push((transaction.header.clone(), transaction.payload));
    }
    Some((reader.header().clone(), transactions))
}

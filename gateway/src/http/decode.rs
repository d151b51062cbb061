//! The HTTP door's decoder: a body as it travelled becomes transactions.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::{
    BatchError, BatchHeader, BatchReader, MAX_BATCH_BYTES, MAX_TRANSACTION_DOCUMENTS, TransactionHeader,
};

use super::body::too_large;
use super::media::Encoding;
use super::reject::Reject;
use crate::ingest::{Form, Run, Transaction};
use crate::memory::{Budget, NoMemory};

/// Largest window a zstd frame may ask for, as a power of two: 16 MiB, enough for every ordinary level.
const MAX_WINDOW_LOG: u32 = 24;

/// Steps in which decompressed bytes are taken.
const STEP: usize = 256 * 1024;

/// Transactions of one batch: a client sends a megabyte at a time, which is some thousands of the smallest.
const MAX_TRANSACTIONS: usize = 100_000;

/// Memory that a class takes beside its name: its counters, and its place in a table that grows by doubling.
const CLASS_BYTES: usize = 2 * size_of::<usize>() + 2 * (size_of::<Arc<str>>() + 1);

/// Memory that is taken at once for what is said of transactions: each time costs as much as to read a small one.
const AHEAD: usize = 64 * 1024;

/// Reads a batch to its end.
///
/// # Errors
/// When it is malformed or contradicts itself, has too many transactions or documents, or memory is short.
pub fn transactions(body: Vec<u8>, budget: &mut Budget) -> Result<(BatchHeader, Vec<Transaction>), Reject> {
    let bad = |error: BatchError| Reject::BadRequest(error.to_string());
    let body = Bytes::from(body);
    let mut reader = BatchReader::new(&body).map_err(bad)?;
    let header = reader.header().clone();
    if header.count > MAX_TRANSACTION_DOCUMENTS {
        return Err(Reject::TooLarge(format!(
            "read limited at {MAX_TRANSACTION_DOCUMENTS} documents: the batch announces more"
        )));
    }
    let mut account = Account { budget, ahead: 0 };
    let mut forms = Forms::new(&header.schemas);
    let mut transactions: Vec<Transaction> = Vec::new();
    while let Some(transaction) = reader.next_transaction().map_err(bad)? {
        if transactions.len() == MAX_TRANSACTIONS {
            return Err(Reject::TooLarge(format!(
                "read limited at {MAX_TRANSACTIONS} transactions: the batch has more"
            )));
        }
        let form = match transactions.last() {
            Some(before) if transaction.is_repeated => Arc::clone(&before.form),
            _ => forms.form(transaction.header, &mut account)?,
        };
        account.take(Transaction::memory(form.documents()))?;
        transactions.push(Transaction {
            seq: transaction.header.seq,
            form,
            payload: body.slice_ref(transaction.payload),
        });
    }
    account.settle();
    Ok((header, transactions))
}

/// Makes forms, in which each name is held once.
struct Forms {
    schemas: Vec<Arc<str>>,
    classes: HashSet<Arc<str>>,
}

impl Forms {
    fn new(schemas: &[String]) -> Self {
        Self {
            schemas: schemas.iter().map(|name| name.as_str().into()).collect(),
            classes: HashSet::new(),
        }
    }

    fn form(&mut self, header: &TransactionHeader, account: &mut Account<'_>) -> Result<Arc<Form>, Reject> {
        let TransactionHeader { seq, schema, runs } = header;
        let schema = usize::try_from(*schema)
            .ok()
            .and_then(|index| self.schemas.get(index));
        let schema = schema.ok_or_else(|| Reject::Internal(format!("transaction {seq} has no schema")))?;
        let schema = Arc::clone(schema);
        account.take(Form::memory(runs.len()))?;
        let runs = runs.iter().map(|run| {
            Ok(Run {
                class: self.class(&run.class, account)?,
                count: run.count,
            })
        });
        let runs = runs.collect::<Result<_, NoMemory>>()?;
        Ok(Arc::new(Form { schema, runs }))
    }

    fn class(&mut self, name: &str, account: &mut Account<'_>) -> Result<Arc<str>, NoMemory> {
        if let Some(known) = self.classes.get(name) {
            return Ok(Arc::clone(known));
        }
        account.take(name.len() + CLASS_BYTES)?;
        let class: Arc<str> = name.into();
        self.classes.insert(Arc::clone(&class));
        Ok(class)
    }
}

/// Takes memory out of a budget before it is needed, so that this is done seldom.
struct Account<'b> {
    budget: &'b mut Budget,
    /// Bytes that were taken and are not needed yet.
    ahead: usize,
}

impl Account<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), NoMemory> {
        if bytes > self.ahead {
            let more = (bytes - self.ahead).max(AHEAD);
            self.budget.try_grow(more)?;
            self.ahead += more;
        }
        self.ahead -= bytes;
        Ok(())
    }

    /// Gives back what was not needed.
    fn settle(self) {
        self.budget.shrink(self.ahead);
    }
}

/// Unpacks a body. Blocks.
///
/// # Errors
/// When the frames are damaged or cut off, unpack to too much, or memory is short.
pub fn unpack(sent: Vec<u8>, encoding: Encoding, budget: &mut Budget) -> Result<Vec<u8>, Reject> {
    if encoding == Encoding::Identity {
        return Ok(sent);
    }
    let damaged = |error: std::io::Error| Reject::BadRequest(format!("the body is not valid zstd: {error}"));
    let limit = usize::try_from(MAX_BATCH_BYTES).unwrap_or(usize::MAX);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(sent.as_slice()).map_err(damaged)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(damaged)?;
    let mut out = Vec::new();
    loop {
        let more = out
            .capacity()
            .clamp(STEP, (limit + STEP).saturating_sub(out.capacity()).max(STEP));
        // Waiting here would take the turn from somebody who has his memory.
        budget.try_grow(more)?;
        out.reserve_exact(more);
        let room = out.capacity() - out.len();
        let read = decoder
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut out)
            .map_err(damaged)?;
        if out.len() > limit {
            return Err(too_large(MAX_BATCH_BYTES, "after decompression"));
        }
        if read < room {
            drop(decoder);
            budget.shrink(sent.capacity());
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
    use tokio::sync::Semaphore;

    use super::*;

    /// A batch of transactions of one document, each of this class and under the schema of this index.
    fn batch(transactions: &[(&str, u32)]) -> Vec<u8> {
        let mut body = Vec::new();
        let last = i64::try_from(transactions.len()).unwrap();
        let header = BatchHeader {
            outbox: "0".repeat(32),
            lineage: "1".repeat(32),
            acked: 0,
            after: 0,
            first_seq: 1,
            last_seq: last,
            count: last.unsigned_abs(),
            schemas: vec!["a".repeat(32), "b".repeat(32)],
            device: None,
        };
        encode_batch_header(&header, &mut body);
        for (seq, (class, schema)) in (1..).zip(transactions) {
            let runs = vec![realm_ingest_protocol::Run {
                class: (*class).to_owned(),
                count: 1,
            }];
            let schema = *schema;
            encode_transaction_header(&TransactionHeader { seq, schema, runs }, &mut body);
            body.extend(bson::doc! {"_id": seq}.to_vec().unwrap());
        }
        body
    }

    #[test]
    fn what_transactions_in_a_row_have_alike_is_held_once() {
        let sent = [("A", 0), ("A", 0), ("B", 0), ("A", 0), ("A", 1), ("A", 1)];
        let (_, found) = transactions(batch(&sent), &mut budget()).unwrap();
        let alike = found
            .windows(2)
            .map(|pair| Arc::ptr_eq(&pair[0].form, &pair[1].form));
        assert_eq!(Vec::from_iter(alike), [true, false, false, false, true]);
        let sent = sent.map(|(class, schema)| (class, ["a", "b"][schema as usize].repeat(32)));
        let found = found.iter().map(|one| {
            assert_eq!(one.form.documents(), 1);
            (&*one.form.runs[0].class, one.form.schema.to_string())
        });
        assert_eq!(Vec::from_iter(found), sent);
    }

    #[test]
    fn memory_for_what_is_said_of_transactions_is_taken_to_the_byte() {
        let mut all = Vec::new();
        for count in [1, 10_000] {
            let mut budget = budget();
            transactions(batch(&vec![("A", 0); count]), &mut budget).unwrap();
            all.push(budget.held());
        }
        assert_eq!(all[1] - all[0], 9_999 * Transaction::memory(1));
        assert_eq!(all[0], Transaction::memory(1) + Form::memory(1) + CLASS_BYTES + 1);
        let mut none = Budget::new(Arc::new(Semaphore::new(1_000_000)));
        let short = transactions(batch(&vec![("A", 0); 10_000]), &mut none);
        assert!(matches!(short, Err(Reject::Busy(_))));
    }

    fn budget() -> Budget {
        Budget::new(Arc::new(Semaphore::new(256 * 1024 * 1024)))
    }

    async fn unpacked(sent: Vec<u8>) -> Result<(Vec<u8>, Budget), Reject> {
        let work = move || {
            let mut budget = budget();
            unpack(sent, Encoding::Zstd, &mut budget).map(|bytes| (bytes, budget))
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[tokio::test]
    async fn frames_in_a_row_are_one_body() {
        let mut sent = zstd::encode_all(&b"one "[..], 1).unwrap();
        sent.extend(zstd::encode_all(&b"two"[..], 19).unwrap());
        assert_eq!(unpacked(sent).await.unwrap().0, b"one two");
        let large = vec![7_u8; 3 * STEP + 1];
        let (bytes, budget) = unpacked(zstd::encode_all(large.as_slice(), 1).unwrap())
            .await
            .unwrap();
        assert_eq!(bytes, large);
        assert!(
            bytes.capacity() <= budget.held() + 100,
            "what is held is accounted for"
        );
    }

    #[tokio::test]
    async fn a_bomb_stops_at_the_limit() {
        let bomb = zstd::encode_all(std::io::repeat(0).take(MAX_BATCH_BYTES + 1), 1).unwrap();
        assert!(bomb.len() < 20_000);
        assert!(matches!(unpacked(bomb).await, Err(Reject::TooLarge(_))));
    }

    #[tokio::test]
    async fn cut_and_foreign_bodies_are_refused() {
        let sent = zstd::encode_all(&b"a body that is long enough to be cut"[..], 1).unwrap();
        for end in 1..sent.len() {
            assert!(
                matches!(unpacked(sent[..end].to_vec()).await, Err(Reject::BadRequest(_))),
                "cut at {end}"
            );
        }
        assert!(matches!(
            unpacked(b"no zstd at all".to_vec()).await,
            Err(Reject::BadRequest(_))
        ));
    }
}

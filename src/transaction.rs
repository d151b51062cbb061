//! What a write transaction has to be so that the server can read it. A row that it cannot read would hold up all that
//! follow it, so none is let into an outbox.

use std::borrow::Cow;
use std::collections::HashMap;

use realm_ingest_protocol::batch::{MAX_TRANSACTION_HEADER_BYTES, Run, encode_transaction_header};
use realm_ingest_protocol::{MAX_DOCUMENT_BYTES, MAX_TRANSACTION_DOCUMENTS, TransactionHeader, document};

use crate::error::{Error, Result};

/// More than a run takes in a header beside the name of its class.
const RUN_BYTES: usize = 64;

/// Documents and what they belong to, fit to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Transaction<'a> {
    pub(crate) runs: Cow<'a, [Run]>,
    pub(crate) payload: Cow<'a, [u8]>,
}

impl<'a> Transaction<'a> {
    /// The documents of the runs, back to back. Each class gets one run, at the place of its first; documents of one class
    /// keep their order.
    ///
    /// # Errors
    /// The payload does not hold the documents that the runs announce, there are too many of them, or they are of more
    /// classes than one header can name.
    pub(crate) fn of(runs: &'a [Run], payload: &'a [u8]) -> Result<Transaction<'a>> {
        let mut parts = Vec::with_capacity(runs.len());
        let mut rest = payload;
        let mut index = 0_u64;
        for run in runs {
            let start = rest;
            for _ in 0..run.count {
                let (one, behind) = document::split(rest).map_err(|error| {
                    Error::InvalidArgument(format!(
                        "document {index} of the transaction is not valid BSON: {error}"
                    ))
                })?;
                if one.len() > MAX_DOCUMENT_BYTES {
                    return Err(Error::DocumentTooLarge {
                        index,
                        bytes: one.len(),
                        limit: MAX_DOCUMENT_BYTES,
                    });
                }
                rest = behind;
                index += 1;
            }
            parts.push(start.get(..start.len() - rest.len()).unwrap_or_default());
        }
        if !rest.is_empty() {
            return Err(Error::InvalidArgument(format!(
                "the transaction has {} bytes behind its {index} documents",
                rest.len()
            )));
        }
        if index > MAX_TRANSACTION_DOCUMENTS {
            return Err(Error::TooManyDocuments {
                documents: index,
                limit: MAX_TRANSACTION_DOCUMENTS,
            });
        }
        let transaction = match runs {
            [] | [Run { count: 1.., .. }] => Transaction {
                runs: Cow::Borrowed(runs),
                payload: Cow::Borrowed(payload),
            },
            _ => merged(runs, &parts, payload),
        };
        if !fits_a_header(&transaction.runs) {
            return Err(Error::InvalidArgument(format!(
                "the transaction has objects of {} classes, more than can be sent at once: write fewer of them",
                transaction.runs.len()
            )));
        }
        Ok(transaction)
    }
}

fn merged<'a>(runs: &'a [Run], parts: &[&[u8]], payload: &'a [u8]) -> Transaction<'a> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut merged: Vec<(Run, Vec<&[u8]>)> = Vec::new();
    let mut in_order = true;
    for (run, part) in runs.iter().zip(parts).filter(|(run, _)| run.count > 0) {
        let place = *places.entry(&run.class).or_insert(merged.len());
        in_order &= place + 1 >= merged.len();
        match merged.get_mut(place) {
            Some((known, parts)) => {
                // A payload that holds more cannot be stored.
                known.count = known.count.saturating_add(run.count);
                parts.push(part);
            }
            None => merged.push((run.clone(), vec![part])),
        }
    }
    let payload = if in_order {
        Cow::Borrowed(payload)
    } else {
        let parts = merged.iter().flat_map(|(_, parts)| parts).copied();
        Cow::Owned(parts.collect::<Vec<_>>().concat())
    };
    Transaction {
        runs: merged.into_iter().map(|(run, _)| run).collect(),
        payload,
    }
}

/// Whether the server reads the header of a transaction with these runs.
pub(crate) fn fits_a_header(runs: &[Run]) -> bool {
    let at_most: usize = runs.iter().map(|run| run.class.len() + RUN_BYTES).sum();
    if at_most <= MAX_TRANSACTION_HEADER_BYTES / 2 {
        return true;
    }
    let header = TransactionHeader {
        seq: i64::MAX,
        schema: 0,
        runs: runs.to_vec(),
    };
    let mut bytes = Vec::new();
    encode_transaction_header(&header, &mut bytes);
    bytes.len() <= MAX_TRANSACTION_HEADER_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;
    use crate::error::Code;

    fn document(size: u8) -> Vec<u8> {
        let mut bytes = vec![0; usize::from(size)];
        bytes[0] = size;
        bytes
    }

    fn run(class: &str, count: u32) -> Run {
        Run {
            class: class.to_owned(),
            count,
        }
    }

    #[test]
    fn classes_that_alternate_get_one_run_each_and_their_documents_keep_their_order() {
        let runs = [run("A", 1), run("B", 2), run("C", 0), run("A", 1), run("B", 1)];
        let sizes = [5, 6, 7, 8, 9];
        let payload = sizes.map(document).concat();
        let transaction = Transaction::of(&runs, &payload).unwrap();
        assert_eq!(*transaction.runs, [run("A", 2), run("B", 3)]);
        assert_eq!(*transaction.payload, [5, 8, 6, 7, 9].map(document).concat());
    }

    #[test]
    fn what_is_in_order_is_not_copied() {
        let payload = [5, 6, 7].map(document).concat();
        let runs = [run("A", 1), run("A", 1), run("B", 0), run("C", 1)];
        let transaction = Transaction::of(&runs, &payload).unwrap();
        assert_eq!(*transaction.runs, [run("A", 2), run("C", 1)]);
        assert!(matches!(transaction.payload, Cow::Borrowed(_)));
        let one = [run("A", 3)];
        let transaction = Transaction::of(&one, &payload).unwrap();
        assert!(matches!(
            (transaction.runs, transaction.payload),
            (Cow::Borrowed(_), Cow::Borrowed(_))
        ));
    }

    #[test]
    fn a_document_that_no_store_takes_is_refused() {
        let sized = |size: usize| {
            let mut bytes = vec![0; size];
            bytes[..4].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
            bytes
        };
        let runs = [run("A", 1)];
        assert!(Transaction::of(&runs, &sized(MAX_DOCUMENT_BYTES)).is_ok());
        let refused = Transaction::of(&runs, &sized(MAX_DOCUMENT_BYTES + 1)).unwrap_err();
        assert_eq!(refused.code(), Code::LimitExceeded);
    }

    #[test]
    fn more_documents_than_one_request_can_have_are_refused() {
        let of = |count: u32| {
            let runs = [run("A", count)];
            let payload = document(5).repeat(count.try_into().unwrap());
            Transaction::of(&runs, &payload).map(drop)
        };
        let limit = u32::try_from(MAX_TRANSACTION_DOCUMENTS).unwrap();
        of(limit).unwrap();
        assert_eq!(of(limit + 1).unwrap_err().code(), Code::LimitExceeded);
    }

    #[test]
    fn more_classes_than_a_header_can_name_are_refused() {
        let runs = |count: usize| {
            let name = |n| format!("{n:057}");
            (0..count).map(|n| run(&name(n), 1)).collect::<Vec<_>>()
        };
        let fits = |count| Transaction::of(&runs(count), &document(5).repeat(count)).is_ok();
        assert!(fits(5_000));
        assert!(!fits(6_000));
    }
}

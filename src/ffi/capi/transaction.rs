//! Transactions: documents that are stored all or not at all.

use std::ffi::c_char;
use std::sync::{Arc, Mutex};

use realm_ingest_protocol::document::{self, Document, DocumentError, Limits};

use super::realm::realm_ingest_realm;
use super::{
    Exclusive, bytes, change, enter, free, give, live, output, realm_ingest_code, realm_ingest_error, text,
};
use crate::error::{Error, Result};
use crate::outbox::Run;

/// Documents on their way into a realm, in memory until the commit. Several transactions of one realm may be under way at
/// once.
///
/// Threads: one at a time. Ownership: the caller's, until `realm_ingest_transaction_free`.
pub struct realm_ingest_transaction(Mutex<Transaction>);

pub(super) struct Transaction {
    realm: Arc<realm_ingest_realm>,
    documents: Documents,
}

impl Exclusive for realm_ingest_transaction {
    type Inner = Transaction;

    fn lock(&self) -> &Mutex<Transaction> {
        &self.0
    }
}

#[derive(Default)]
struct Documents {
    runs: Vec<Run>,
    payload: Vec<u8>,
}

impl Documents {
    /// Adds documents of one class that stand back to back in `bytes`: all of them, or none where one is not
    /// well-formed.
    fn add(&mut self, class: &str, bytes: &[u8]) -> Result<()> {
        let mut count = 0_u32;
        let mut rest = bytes;
        while !rest.is_empty() {
            let refuse = |reason: String| {
                Error::InvalidArgument(format!("document {count} is not valid BSON: {reason}"))
            };
            let (one, behind) = document::split(rest).map_err(|error| refuse(error.to_string()))?;
            let limits = Limits::default();
            let key = || Document::key_of_invalid_field(one, &limits).unwrap_or_default();
            Document::validate(one, &limits).map_err(|error| match error {
                DocumentError::InvalidUtf8 => {
                    refuse(format!("property '{class}.{}' is not valid UTF-8", key()))
                }
                DocumentError::TooDeep(levels) => refuse(format!(
                    "property '{class}.{}' is nested deeper than {levels} levels",
                    key()
                )),
                DocumentError::TooLarge { bytes, limit } => Error::DocumentTooLarge {
                    index: u64::from(count),
                    bytes,
                    limit,
                },
                error => refuse(error.to_string()),
            })?;
            rest = behind;
            count += 1;
        }
        match self.runs.last_mut().filter(|run| run.class == class) {
            Some(run) => run.count += count,
            None => self.runs.push(Run {
                class: class.to_owned(),
                count,
            }),
        }
        self.payload.extend_from_slice(bytes);
        Ok(())
    }
}

/// Begins a transaction.
///
/// Threads: any. Ownership: gives `transaction`, which `realm_ingest_transaction_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `transaction` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_transaction_new(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    transaction: *mut *mut realm_ingest_transaction,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(transaction, "transaction")?;
            let begun = Transaction {
                realm: live(realm, "realm")?,
                documents: Documents::default(),
            };
            give(slot, realm_ingest_transaction(Mutex::new(begun)));
            Ok(())
        })
    }
}

/// Adds one or more BSON documents of one class, back to back. They are copied. Bytes that are not well-formed BSON
/// are refused and change nothing; whether a document fits its class is the server's to judge.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `class_name` and `documents` point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_transaction_append(
    transaction: *mut realm_ingest_transaction,
    class_name: *const c_char,
    class_name_length: usize,
    documents: *const u8,
    documents_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(transaction, "transaction", error, |transaction| {
            let class = text(class_name, class_name_length, "class_name")?;
            transaction
                .documents
                .add(class, bytes(documents, documents_length, "documents")?)
        })
    }
}

/// Stores the documents, all or none. On success they are on stable storage, will be uploaded, and the transaction is
/// empty again; on failure nothing is stored and the transaction is as it was. `number`, which may be NULL, is for
/// `realm_ingest_realm_state_of`, also after a restart; 0 for a transaction without documents.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` and `number` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_transaction_commit(
    transaction: *mut realm_ingest_transaction,
    error: *mut *mut realm_ingest_error,
    number: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(transaction, "transaction", error, |transaction| {
            let documents = &mut transaction.documents;
            let stored = transaction
                .realm
                .handle()
                .call(|realm| realm.append(&documents.runs, &documents.payload))?;
            documents.runs.clear();
            documents.payload.clear();
            if let Some(number) = number.as_mut() {
                *number = stored;
            }
            Ok(())
        })
    }
}

/// Frees a transaction, and forgets what was not committed; NULL is fine.
///
/// Threads: any. Ownership: takes `transaction`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_transaction_free(transaction: *mut realm_ingest_transaction) {
    free(transaction)
}

/// A whole transaction in one call: stores documents of one class, back to back, all or none. `number` is as of
/// `realm_ingest_transaction_commit`.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `class_name` and `documents` point to their bytes; `error` and `number` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_append(
    realm: *const realm_ingest_realm,
    class_name: *const c_char,
    class_name_length: usize,
    documents: *const u8,
    documents_length: usize,
    error: *mut *mut realm_ingest_error,
    number: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let realm = live(realm, "realm")?;
            let class = text(class_name, class_name_length, "class_name")?;
            let mut added = Documents::default();
            added.add(class, bytes(documents, documents_length, "documents")?)?;
            let stored = realm
                .handle()
                .call(|realm| realm.append(&added.runs, &added.payload))?;
            if let Some(number) = number.as_mut() {
                *number = stored;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use realm_ingest_protocol::MAX_DEPTH;

    use super::Documents;

    const EMPTY: &[u8] = &[5, 0, 0, 0, 0];

    #[test]
    fn documents_of_one_class_in_a_row_are_one_run() {
        let mut documents = Documents::default();
        documents.add("A", &[EMPTY, EMPTY].concat()).unwrap();
        documents.add("A", EMPTY).unwrap();
        documents.add("B", EMPTY).unwrap();
        documents.add("A", EMPTY).unwrap();
        let runs: Vec<_> = documents
            .runs
            .iter()
            .map(|run| (run.class.as_str(), run.count))
            .collect();
        assert_eq!(runs, [("A", 3), ("B", 1), ("A", 1)]);
        assert_eq!(documents.payload, EMPTY.repeat(5));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_class_and_property() {
        let mut documents = Documents::default();
        let nested = b"\x0f\0\0\0\x02n\0\x03\0\0\0M\xfc\0\0";
        let fine = b"\x02ok\0\x02\0\0\0x\0".as_slice();
        for (key, field) in [
            ("deviceId", b"\x02deviceId\0\x03\0\0\0M\xfc\0".to_vec()),
            ("position", [b"\x03position\0".as_slice(), nested].concat()),
            ("lines", [b"\x04lines\0".as_slice(), nested].concat()),
            ("k\u{fffd}", b"\x0Ak\xff\0".to_vec()),
        ] {
            let body = [fine, &field, b"\0"].concat();
            let length = u32::try_from(body.len() + 4).unwrap().to_le_bytes();
            let document = [length.as_slice(), &body].concat();
            let error = documents
                .add("Reading", &[EMPTY, &document].concat())
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("document 1 is not valid BSON: property 'Reading.{key}' is not valid UTF-8")
            );
        }
        assert!(documents.runs.is_empty() && documents.payload.is_empty());
    }

    #[test]
    fn nesting_beyond_what_the_server_takes_is_refused_with_class_and_property() {
        let nested =
            |levels| (1..levels).fold(bson::doc! {}, |inner, _| bson::doc! {"a": 1, "deeper": inner});
        let mut documents = Documents::default();
        documents
            .add("Reading", &nested(MAX_DEPTH).to_vec().unwrap())
            .unwrap();
        let error = documents
            .add("Reading", &nested(MAX_DEPTH + 1).to_vec().unwrap())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "document 0 is not valid BSON: property 'Reading.deeper' is nested deeper than 100 levels"
        );
    }

    #[test]
    fn bytes_that_are_not_bson_change_nothing() {
        let mut documents = Documents::default();
        for (index, broken) in [
            (1, &[5, 0, 0, 0][..]),
            (1, &[6, 0, 0, 0, 1, 0]),
            (2, &[5, 0, 0, 0, 0, 5]),
            (1, &[0; 5]),
        ] {
            let error = documents.add("A", &[EMPTY, broken].concat()).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("document {index} is not valid BSON: ")),
                "{error}"
            );
        }
        assert!(documents.runs.is_empty() && documents.payload.is_empty());
    }
}

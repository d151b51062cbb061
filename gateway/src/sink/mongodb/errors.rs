//! What the database says of documents that it does not take. What is wrong with a document itself, and stays wrong however often
//! it is sent, is a refusal; everything else is the database's, and its sender comes again.

use bson::{Bson, Document};
use realm_ingest_protocol::{RefusalCode, Violation};

use super::request::DUPLICATE_KEY;
use crate::backend::BackendError;

/// Characters of what the database says that are told.
const MAX_MESSAGE: usize = 200;

/// The index of `_id`.
const OF_ID: &str = "_id_";

/// A validator of the collection refuses it.
const VALIDATION_FAILED: i32 = 121;

/// It is larger than the database takes: before an insert, and when an index or a validator looks at it.
const TOO_LARGE: [i32; 4] = [10_334, 17_419, 17_420, 17_280];

/// Something about it is bad.
const BAD_VALUE: i32 = 2;

/// It is no BSON for the database.
const INVALID_BSON: i32 = 22;

/// What a key or a value cannot be: bad values and types, names that begin with a dollar sign or have a dot, an `_id` that is an
/// array, two arrays in one index, no shard key, and what geographic, text and hashed indexes cannot take.
const BAD_CONTENTS: [i32; 19] = [
    BAD_VALUE, 9, 14, 52, 53, 55, 56, 57, 61, 171, 16_755, 16_756, 16_766, 17_261, 17_262, 17_263, 16_804,
    13_026, 13_027,
];

/// What is wrong with one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another document has its value in a unique index: that of `_id`, another one of this name, or one that is not told.
    Duplicate(Unique),
    /// Something that stays wrong.
    Refused(Violation),
    /// Whether it stays wrong is not known: an error of this number. It holds up only who sent the document.
    Unknown(i32),
}

/// A unique index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unique {
    /// Of `_id`.
    Id,
    /// Another one.
    Named(String),
    /// It is not told.
    Unknown,
}

/// Whether the whole command fails because of one of its documents.
pub(super) fn is_of_documents(code: i32, message: &str) -> bool {
    code == INVALID_BSON || is_too_large(code, message)
}

/// Servers have a code of its own for that, and some only the one for everything that is bad.
fn is_too_large(code: i32, message: &str) -> bool {
    TOO_LARGE.contains(&code)
        || (code == BAD_VALUE
            && ["too large", "larger than"]
                .iter()
                .any(|text| message.contains(text)))
}

/// What is wrong with which documents of an insert command, by the reply. That a majority may not have the others is an error:
/// they can be rolled back.
pub(super) fn of_documents(reply: &Document) -> Result<Vec<(usize, Fault)>, BackendError> {
    if let Ok(error) = reply.get_document("writeConcernError") {
        return Err(BackendError::Unavailable(format!(
            "MongoDB has not made the documents durable: {}",
            message(error)
        )));
    }
    let Ok(errors) = reply.get_array("writeErrors") else {
        return Ok(Vec::new());
    };
    let faults = errors.iter().map(|error| {
        let error = error.as_document();
        let index = error.and_then(|error| integer(error, "index"));
        let code = error.and_then(|error| integer(error, "code"));
        let (Some(error), Some(index), Some(code)) = (error, index, code) else {
            let text = "MongoDB has reported a write error without its index or code";
            return Err(BackendError::Unavailable(text.to_owned()));
        };
        let (index, code) = (usize::try_from(index), i32::try_from(code));
        let key = error.get_document("keyPattern").ok();
        let fault = fault(code.unwrap_or_default(), message(error), key);
        Ok((index.unwrap_or(usize::MAX), fault))
    });
    faults.collect()
}

/// What is wrong with a document, by an error that is about it alone.
pub(super) fn fault(code: i32, message: &str, key: Option<&Document>) -> Fault {
    let refused = |code, what: &str| {
        let end = message.char_indices().nth(MAX_MESSAGE);
        let told = end.and_then(|(end, _)| message.get(..end)).unwrap_or(message);
        let reason = if told.is_empty() {
            what.to_owned()
        } else {
            format!("{what}: {told}")
        };
        Fault::Refused(Violation { code, reason })
    };
    match code {
        DUPLICATE_KEY => Fault::Duplicate(unique(message, key)),
        VALIDATION_FAILED => {
            let text = "the collection's validator in the database refuses the document".to_owned();
            Fault::Refused(Violation {
                code: RefusalCode::ValidationFailed,
                reason: text,
            })
        }
        code if is_too_large(code, message) => refused(
            RefusalCode::DocumentTooLarge,
            "the document is larger than the database takes",
        ),
        INVALID_BSON => refused(
            RefusalCode::InvalidDocument,
            "the database cannot read the document",
        ),
        code if BAD_CONTENTS.contains(&code) => refused(
            RefusalCode::InvalidDocument,
            "the database does not take the document",
        ),
        code => Fault::Unknown(code),
    }
}

/// A document for this collection is not stored, and it is not known whether it ever will be. What the database says of it is left
/// out: it may quote the document, and this goes into the log.
pub(super) fn not_stored(collection: &str, code: i32) -> BackendError {
    BackendError::Unavailable(format!(
        "MongoDB has not stored a document in collection '{collection}' (error {code}); it is tried again, and holds up its outbox"
    ))
}

/// What is told of a document whose value in another unique index than that of `_id` is taken.
pub(super) fn not_unique(index: &Unique) -> Violation {
    let index = match index {
        Unique::Named(name) => format!("the unique index '{name}' of the collection"),
        Unique::Id | Unique::Unknown => "a unique index of the collection".to_owned(),
    };
    Violation {
        code: RefusalCode::ValidationFailed,
        reason: format!("another document has the same value in {index}"),
    }
}

/// Servers since 4.4 tell the fields of the index; its name is in the text, `index: NAME dup key`, or `Index 'NAME'`.
fn unique(message: &str, key: Option<&Document>) -> Unique {
    let mut behind = ["index: ", "Index '"]
        .iter()
        .filter_map(|text| message.split_once(text));
    let name = behind.next().map(|(_, rest)| rest);
    let name = name
        .and_then(|rest| rest.split([' ', '\'']).next())
        .filter(|name| !name.is_empty());
    let is_id = |key: &Document| key.len() == 1 && key.contains_key("_id");
    match (key, name) {
        (Some(key), _) if is_id(key) => Unique::Id,
        (None, Some(OF_ID)) => Unique::Id,
        (_, Some(name)) => Unique::Named(name.to_owned()),
        (Some(key), None) => {
            let fields: Vec<_> = key.keys().map(String::as_str).collect();
            Unique::Named(fields.join(", "))
        }
        (None, None) => Unique::Unknown,
    }
}

fn message(error: &Document) -> &str {
    error.get_str("errmsg").unwrap_or_default()
}

fn integer(error: &Document, key: &str) -> Option<i64> {
    match error.get(key)? {
        Bson::Int32(value) => Some((*value).into()),
        Bson::Int64(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use bson::doc;

    use super::*;

    fn of(code: i32, message: &str) -> Fault {
        let error = doc! {"index": 3, "code": code, "errmsg": message};
        let faults = of_documents(&doc! {"ok": 1, "n": 0, "writeErrors": [error]}).unwrap();
        let [(3, fault)] = &faults[..] else {
            panic!("{faults:?}")
        };
        fault.clone()
    }

    #[test]
    fn a_duplicate_is_told_by_its_index() {
        let text =
            |name| format!("E11000 duplicate key error collection: db.c index: {name} dup key: {{ x: 1 }}");
        assert_eq!(of(11_000, &text("_id_")), Fault::Duplicate(Unique::Id));
        let named = Unique::Named("email_1".to_owned());
        assert_eq!(of(11_000, &text("email_1")), Fault::Duplicate(named.clone()));
        let text = "Duplicate key violation on the requested collection: Index 'email_1'";
        assert_eq!(of(11_000, text), Fault::Duplicate(named));
        assert_eq!(of(11_000, ""), Fault::Duplicate(Unique::Unknown));
        let key = doc! {"_id": 1};
        assert_eq!(fault(11_000, "", Some(&key)), Fault::Duplicate(Unique::Id));
        let key = doc! {"a": 1, "b": 1};
        let named = Unique::Named("a, b".to_owned());
        assert_eq!(fault(11_000, "", Some(&key)), Fault::Duplicate(named));
    }

    #[test]
    fn what_stays_wrong_with_a_document_is_refused_with_a_code_and_a_sentence() {
        for (number, code) in [
            (121, RefusalCode::ValidationFailed),
            (10_334, RefusalCode::DocumentTooLarge),
            (2, RefusalCode::InvalidDocument),
            (22, RefusalCode::InvalidDocument),
            (57, RefusalCode::InvalidDocument),
            (61, RefusalCode::InvalidDocument),
            (13_027, RefusalCode::InvalidDocument),
            (16_755, RefusalCode::InvalidDocument),
        ] {
            let Fault::Refused(violation) = of(number, "so it is") else {
                panic!("{number} is a refusal")
            };
            assert_eq!(violation.code, code, "{number}");
            assert!(violation.reason.contains("the d"), "{violation:?}");
        }
        let text = "object to insert too large. size in bytes: 16777217, max size: 16777216";
        let Fault::Refused(violation) = of(2, text) else {
            panic!("it is a refusal")
        };
        assert_eq!(violation.code, RefusalCode::DocumentTooLarge);
    }

    #[test]
    fn what_is_the_databases_fault_refuses_nothing_and_concerns_one_document() {
        // Interrupted, not the primary any more, shutting down, no disk, none that is known.
        for number in [11_601, 10_107, 91, 14_031, 4_711] {
            assert_eq!(of(number, "not now"), Fault::Unknown(number));
        }
        let errors = [(0, 4_711), (2, 11_000)];
        let errors = errors.map(|(index, code)| doc! {"index": index, "code": code});
        let faults = of_documents(&doc! {"ok": 1, "n": 1, "writeErrors": errors.to_vec()}).unwrap();
        let wanted = [(0, Fault::Unknown(4_711)), (2, Fault::Duplicate(Unique::Unknown))];
        assert_eq!(faults, wanted);
    }

    #[test]
    fn what_a_majority_may_not_have_is_not_stored() {
        let reply = doc! {"ok": 1, "n": 2, "writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}};
        let error = of_documents(&reply).unwrap_err().to_string();
        assert!(error.contains("waiting for replication timed out"), "{error}");
    }
}

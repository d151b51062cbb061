//! A dead letter by what tells it from others.

use bson::{Document, doc};

use crate::ingest::Place;
use crate::sink::mongodb::{compare, positions};
use crate::sink::{DeadLetter, OutboxKey};

/// User, outbox, sequence number and time of arrival: a copy of an outbox can have a transaction with the same number.
pub(super) type Transaction = (String, String, i64, i64);

pub(super) fn outbox(letter: &DeadLetter) -> (&str, &str) {
    (&letter.user, &letter.outbox)
}

pub(super) fn transaction(letter: &DeadLetter) -> Transaction {
    (
        letter.user.clone(),
        letter.outbox.clone(),
        letter.seq,
        letter.time,
    )
}

pub(super) fn key(letter: &DeadLetter) -> OutboxKey {
    OutboxKey {
        app: letter.app.clone(),
        user: letter.user.clone(),
        outbox: letter.outbox.clone(),
    }
}

/// The `_id` of the record of a letter.
pub(super) fn place_of(letter: &DeadLetter) -> Document {
    let mut id = positions::id(&key(letter));
    id.extend(doc! {"seq": letter.seq, "index": i64::from(letter.index)});
    id
}

pub(super) fn place(letter: &DeadLetter) -> Place<'_> {
    Place {
        class: &letter.collection,
        seq: letter.seq,
        index: letter.index,
        document: &letter.document,
    }
}

/// The `_id` of a letter's document, to the bit.
pub(super) fn id(letter: &DeadLetter) -> Vec<u8> {
    let id = compare::id_of(&letter.document);
    doc! {"": id}.to_vec().unwrap_or_default()
}

//! A store and batches for it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bson::doc;
use realm_ingest_protocol::{RefusalCode, Violation};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema::{FILE, FORMAT, STEPS};
use crate::definition::Definition;
use crate::ingest::{Batch, Checked, Context, Door, Form, Refusals, Run, Source, Transaction};
use crate::memory::Budget;
use crate::sqlite::open_writer;

pub(super) fn opened(data: &tempfile::TempDir) -> Connection {
    open_writer(&data.path().join(FILE), FORMAT, STEPS).unwrap()
}

/// One transaction of the outbox of this number, behind the one with the number `after`. It has so many documents, whose `_id`
/// count from the outbox's number on; those at the indexes `refused` are refused.
pub(super) fn batch(outbox: i64, after: i64, documents: usize, refused: &[u32]) -> Batch {
    let documents = (outbox..).take(documents).map(|id| doc! {"_id": id});
    batch_with(outbox, after, documents, refused)
}

/// The same with these documents.
pub(super) fn batch_with(
    outbox: i64,
    after: i64,
    documents: impl Iterator<Item = bson::Document>,
    refused: &[u32],
) -> Batch {
    let budget = Budget::new(Arc::new(Semaphore::new(1 << 16)));
    let mut letters = Refusals::new(budget.another());
    for index in refused {
        let violation = Violation {
            code: RefusalCode::TypeMismatch,
            reason: String::new(),
        };
        letters.push(after + 1, *index, violation).unwrap();
    }
    let documents: Vec<_> = documents.map(|one| one.to_vec().unwrap()).collect();
    let transaction = Transaction {
        seq: after + 1,
        form: Arc::new(Form {
            schema: "schema".into(),
            runs: vec![Run {
                class: "Note".into(),
                count: u32::try_from(documents.len()).unwrap(),
            }],
        }),
        payload: documents.concat().into_iter().collect(),
    };
    Batch {
        context: Context {
            door: Door::Http,
            app: "app".to_owned(),
            user: "user".to_owned(),
            source: Source {
                outbox: format!("{outbox:032}"),
                lineage: "l".repeat(32),
                acked: 0,
                after,
                device: None,
            },
        },
        definition: Arc::new(Definition::development(None)),
        transactions: vec![Checked::new(transaction, refused.to_vec())].into(),
        digest: [1; 16],
        received: 1,
        refused: letters,
        budget,
        span: tracing::Span::none(),
    }
}

//! What the core hands to a sink: checked transactions of one outbox, and what is not to be stored of them.

use std::sync::Arc;

use tracing::Span;

use super::order::{Arrival, Digest};
use super::refusals::{Refusals, Refused};
use super::transaction::{Context, Place, Transaction};
use crate::definition::Definition;
use crate::memory::Budget;

/// A transaction after the checks.
#[derive(Debug)]
pub struct Checked {
    transaction: Transaction,
    /// Indexes of documents that are refused, or stand behind a later one with their `_id`; ascending.
    skipped: Vec<u32>,
}

/// Transactions after the checks, and how much they are together, which is asked for many times.
#[derive(Debug)]
pub struct Transactions {
    all: Vec<Checked>,
    documents: usize,
    skipped: usize,
    bytes: usize,
}

/// One refused document with what a dead letter keeps of it.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Why.
    pub refused: &'a Refused,
    /// Which, and the bytes that were sent.
    pub place: Place<'a>,
    /// Fingerprint of the schema it was written under.
    pub schema: &'a str,
}

/// Transactions that were checked.
#[derive(Debug)]
pub struct Batch {
    /// Whose they are.
    pub context: Context,
    /// What they were checked under; it says where documents of each class go.
    pub definition: Arc<Definition>,
    /// In ascending order of their numbers; never none.
    pub transactions: Transactions,
    /// Digest of the first transaction.
    pub digest: Digest,
    /// Milliseconds since 1970 when they arrived.
    pub received: i64,
    /// Documents that the checks refuse, in the order they were sent. They become dead letters.
    pub refused: Refusals,
    /// Memory they are accounted for; given back when they are gone.
    pub budget: Budget,
    /// What a sink's own thread says of it in the log is said of its request.
    pub span: Span,
}

impl Checked {
    /// Of `transaction` all documents but those at the ascending indexes `skipped` are stored.
    #[must_use]
    pub const fn new(transaction: Transaction, skipped: Vec<u32>) -> Self {
        Self { transaction, skipped }
    }

    /// The documents to be stored, in their order. No two of one class have one `_id`.
    pub fn documents(&self) -> impl Iterator<Item = Place<'_>> {
        let mut skipped = self.skipped.iter().copied().peekable();
        let stored = move |place: &Place<'_>| skipped.next_if_eq(&place.index).is_none();
        self.transaction.places().filter(stored)
    }
}

impl From<Vec<Checked>> for Transactions {
    fn from(all: Vec<Checked>) -> Self {
        let (mut documents, mut skipped, mut bytes) = (0, 0, 0);
        for one in &all {
            documents += one.transaction.form.documents();
            skipped += one.skipped.len();
            bytes += one.transaction.payload.len();
        }
        Self {
            all,
            documents,
            skipped,
            bytes,
        }
    }
}

impl Batch {
    /// Number of the first transaction.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.transactions.all.first().map_or(0, |one| one.transaction.seq)
    }

    /// Number of the last transaction.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.transactions.all.last().map_or(0, |one| one.transaction.seq)
    }

    /// Fingerprint of the schema that the last transaction was written under.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        let last = self.transactions.all.last()?;
        Some(&last.transaction.form.schema)
    }

    /// What its order is decided by.
    #[must_use]
    pub fn arrival(&self) -> Arrival<'_> {
        Arrival {
            source: &self.context.source,
            first: self.first(),
            last: self.last(),
            digest: self.digest,
        }
    }

    /// Number of documents that were sent.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.transactions.documents
    }

    /// Number of documents to be stored.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.transactions.documents - self.transactions.skipped
    }

    /// Bytes of documents.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.transactions.bytes
    }

    /// The documents to be stored, in their order.
    pub fn documents(&self) -> impl Iterator<Item = Place<'_>> {
        self.transactions.all.iter().flat_map(Checked::documents)
    }

    /// What a sink has found of it to refuse before it looked.
    #[must_use]
    pub fn none_found(&self) -> Refusals {
        Refusals::new(self.budget.another())
    }

    /// The documents that are refused, by the checks or because a sink `found` them out, in the order they were sent.
    pub fn letters<'a>(&'a self, found: &'a Refusals) -> impl Iterator<Item = Letter<'a>> {
        let mut rest = [self.refused.as_slice(), found.as_slice()];
        self.transactions.all.iter().flat_map(move |one| {
            let Checked { transaction, .. } = one;
            let mut here = rest.each_mut().map(|rest| {
                let (here, later) = rest.split_at(rest.partition_point(|one| one.seq <= transaction.seq));
                *rest = later;
                here.iter().peekable()
            });
            // Most transactions have none, and then their documents are not walked through.
            let any = here.iter_mut().any(|here| here.peek().is_some());
            let places = any.then(|| transaction.places()).into_iter().flatten();
            places.filter_map(move |place| {
                let mut here = here.iter_mut();
                let refused = here.find_map(|here| here.next_if(|refused| refused.index == place.index))?;
                Some(Letter {
                    refused,
                    place,
                    schema: &transaction.form.schema,
                })
            })
        })
    }
}

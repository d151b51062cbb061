//! What the operator's commands ask of a sink beyond what the server does, beside a running server or without one.

use std::collections::HashMap;
use std::ops::ControlFlow;

use realm_ingest_protocol::Violation;

use super::embedded::CollectionStats;
use crate::backend::BackendError;
use crate::definition::Definition;

/// A document that was refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the order of arrival, where letters are numbered.
    pub number: i64,
    /// Internal id of the app, empty in what came before that was kept.
    pub app: String,
    /// Outbox it came from.
    pub outbox: String,
    /// Transaction it belonged to.
    pub seq: i64,
    /// Its index in the transaction.
    pub index: u32,
    /// Class it was sent for.
    pub collection: String,
    /// User who sent it.
    pub user: String,
    /// Milliseconds since 1970.
    pub time: i64,
    /// Name of the refusal's code.
    pub code: String,
    /// What is wrong with it.
    pub reason: String,
    /// Fingerprint of the schema it was written under, none in what came before that was kept.
    pub schema: Option<String>,
    /// The bytes that were sent.
    pub document: Vec<u8>,
}

/// Which letters; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Those of this class.
    pub class: Option<String>,
    /// Those of this outbox.
    pub outbox: Option<String>,
    /// Those of this user.
    pub user: Option<String>,
    /// Those refused with this code.
    pub code: Option<String>,
    /// Those that came before this: milliseconds since 1970.
    pub before: Option<i64>,
}

/// Why a letter stays: what is wrong with its document, or none when that cannot be said.
pub type Verdict = Result<(), Option<Violation>>;

/// What became of the letters that were tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Stored now.
    pub stored: u64,
    /// Taken away because the very document was stored already.
    pub already: u64,
    /// Still refused, for the reason they now have.
    pub left: u64,
}

/// What is kept.
#[derive(Debug, Default)]
pub struct Stats {
    /// Every collection; none where documents are in collections of the application's own.
    pub collections: Vec<CollectionStats>,
    /// Dead letters.
    pub dead_letters: u64,
    /// The same by class and code, the most numerous first.
    pub letters: Vec<LetterStats>,
    /// Outboxes that have sent something.
    pub outboxes: u64,
    /// Times an outbox turned out to have been acknowledged more than is known here.
    pub setbacks: u64,
    /// Outboxes that it happened to.
    pub set_back_outboxes: u64,
    /// When it happened last: milliseconds since 1970.
    pub last_setback: Option<i64>,
    /// Bytes of the file and its log, where there is one.
    pub file_bytes: Option<u64>,
}

/// Dead letters of one class and code.
#[derive(Debug, PartialEq, Eq)]
pub struct LetterStats {
    /// The class they were sent for.
    pub class: String,
    /// Name of their code.
    pub code: String,
    /// How many.
    pub letters: u64,
    /// Bytes of their documents.
    pub bytes: u64,
}

/// One outbox of one user.
#[derive(Debug)]
pub struct OutboxStats {
    /// Internal id of the app, empty in what came before that was kept.
    pub app: String,
    /// The user, empty in what came before that was kept.
    pub user: String,
    /// Its name.
    pub outbox: String,
    /// Everything up to here is settled.
    pub position: i64,
    /// When it last sent: milliseconds since 1970.
    pub heard: Option<i64>,
    /// Fingerprint of the schema it last wrote under.
    pub schema: Option<String>,
    /// What its device last said of itself, as JSON.
    pub device: Option<String>,
    /// Times it turned out to have been acknowledged more than is known here.
    pub setbacks: u64,
}

/// Who writes under a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemaUse {
    /// Outboxes that last wrote under it.
    pub outboxes: u64,
    /// When one of them last sent: milliseconds since 1970.
    pub heard: Option<i64>,
}

/// See the module. Everything is of one app, is read a little at a time, and takes its thread as long as that takes, which is
/// none of a runtime's.
///
/// # Errors
/// All of it fails when the store cannot be read, or written where something is changed. What was done before stands; asking again
/// does the rest.
pub trait Operator {
    /// Shows each dead letter that is meant, those of an outbox in the order in which they were sent, until `visit` breaks.
    fn each_dead_letter(
        &self,
        which: &Which,
        visit: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>,
    ) -> Result<(), BackendError>;

    /// Shows each outbox, until `visit` breaks.
    fn each_outbox(&self, visit: &mut dyn FnMut(&OutboxStats) -> ControlFlow<()>)
    -> Result<(), BackendError>;

    /// Who writes under each schema, by its fingerprint.
    fn schema_uses(&self) -> Result<HashMap<String, SchemaUse>, BackendError>;

    /// What is kept, in numbers.
    fn stats(&self) -> Result<Stats, BackendError>;

    /// Takes away the letters that are meant; `tell` is told how many are gone by now. The answer is how many that were.
    fn purge(&self, which: &Which, tell: &mut dyn FnMut(u64)) -> Result<u64, BackendError>;

    /// Tries the letters that are meant again: those that pass `check` go where the app's definition says, and are letters no
    /// more. Whatever happens, a document is stored or still a letter. `tell` is told what became of those tried by now.
    fn replay(
        &self,
        which: &Which,
        definition: &Definition,
        check: &dyn Fn(&DeadLetter) -> Verdict,
        tell: &mut dyn FnMut(&Replayed),
    ) -> Result<Replayed, BackendError>;
}

/// Letters of all classes and codes, the most numerous first.
pub(super) fn by_kind(found: impl IntoIterator<Item = ((String, String), (u64, u64))>) -> Vec<LetterStats> {
    let found = found.into_iter();
    let mut found: Vec<_> = found
        .map(|((class, code), (letters, bytes))| LetterStats {
            class,
            code,
            letters,
            bytes,
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.letters));
    found
}

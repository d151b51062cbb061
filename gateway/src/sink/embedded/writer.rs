//! The thread that writes: gathers what waits, stores it in one SQLite transaction, answers.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::mpsc::Receiver;

use realm_ingest_protocol::document::Document;
use realm_ingest_protocol::{BatchReader, BatchTransaction, Refusal, RefusalCode, Violation};
use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use tracing::{debug, warn};

use super::Job;
use super::lineage::Lineages;
use crate::refusals::Refusals;
use crate::sink::Batch;
use crate::storage::StorageError;
use crate::{clock, ejson};

/// Bytes of batches that share a transaction. More would only make the first of them wait.
const MAX_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Batches that share a transaction: far more than wait in practice.
const MAX_GROUP: usize = 1_024;

type Outcome = Result<Refusals, StorageError>;

/// Works until every sender is gone.
pub(super) fn run(mut connection: Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        let mut bytes = size(&group);
        while bytes < MAX_GROUP_BYTES && group.len() < MAX_GROUP {
            let Ok(next) = jobs.try_recv() else { break };
            group.push(next);
            bytes += size(group.get(group.len() - 1..).unwrap_or_default());
        }
        let batches: Vec<&Batch> = group.iter().filter_map(batch_of).collect();
        let outcomes = store_apart(&mut connection, &batches);
        answer(group, outcomes);
    }
    // Leaves one tidy file behind.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        warn!(%error, "the log was not folded into the document file; nothing is lost");
    }
}

fn size(jobs: &[Job]) -> usize {
    jobs.iter()
        .filter_map(batch_of)
        .map(|batch| batch.body.len())
        .sum()
}

fn batch_of(job: &Job) -> Option<&Batch> {
    match job {
        Job::Insert { batch, .. } => Some(batch),
        Job::Probe { .. } => None,
    }
}

/// The outcome of every batch and, at the end, that of the group as such.
struct Outcomes {
    batches: Vec<Outcome>,
    group: Result<(), StorageError>,
}

/// Stores the batches together; if that fails, one by one (invariant 5).
fn store_apart(connection: &mut Connection, batches: &[&Batch]) -> Outcomes {
    match store(connection, batches) {
        Ok(batches) => Outcomes {
            batches,
            group: Ok(()),
        },
        Err(error) => {
            warn!(batches = batches.len(), %error, "nothing of this group was stored");
            let group = match &error {
                // Says nothing about the store.
                StorageError::MemoryInUse => Ok(()),
                error => Err(StorageError::Damaged(error.to_string())),
            };
            let batches = match batches {
                [_] => vec![Err(error)],
                batches => batches
                    .iter()
                    .map(|batch| {
                        let mut outcomes = store(connection, std::slice::from_ref(batch))?;
                        outcomes.pop().unwrap_or(Err(StorageError::Closed))
                    })
                    .collect(),
            };
            Outcomes { batches, group }
        }
    }
}

fn answer(group: Vec<Job>, outcomes: Outcomes) {
    let mut batches = outcomes.batches.into_iter();
    for job in group {
        // Nobody may be waiting any more; what was stored is stored.
        match job {
            Job::Insert { answer, .. } => {
                let outcome = batches.next().unwrap_or(Err(StorageError::Closed));
                let _ = answer.send(outcome);
            }
            Job::Probe { answer } => {
                let result = outcomes
                    .group
                    .as_ref()
                    .map_err(|error| StorageError::Damaged(error.to_string()));
                let _ = answer.send(result.copied());
            }
        }
    }
}

/// Stores the batches in one transaction (invariant 1). Those of copies are answered as such and do not concern the
/// others.
fn store(connection: &mut Connection, batches: &[&Batch]) -> Result<Vec<Outcome>, StorageError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(batches.len());
    {
        let mut writer = Writer::new(&transaction)?;
        for batch in batches {
            outcomes.push(if writer.lineages.take(batch)? {
                Ok(writer.batch(batch)?)
            } else {
                Err(StorageError::OutboxCopied)
            });
        }
        writer.finish()?;
        if batches.is_empty() {
            let mut probe = transaction.prepare_cached("INSERT OR REPLACE INTO probe VALUES (0, ?1)")?;
            probe.execute([clock::unix_millis()])?;
        }
    }
    transaction.commit()?;
    debug!(batches = batches.len(), "committed");
    Ok(outcomes)
}

/// A collection as this SQLite transaction sees it.
struct Collection {
    id: i64,
    /// What was added, written to its row once at the end.
    documents: i64,
    bytes: i64,
}

/// By class and `_id`: the index at which it occurs last in its transaction.
type LastIndexes<'a> = HashMap<(&'a str, Vec<u8>), u32>;

/// The prepared statements and running numbers of one SQLite transaction.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    insert: CachedStatement<'c>,
    find: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    bury: CachedStatement<'c>,
    lineages: Lineages<'c>,
    collections: HashMap<String, Collection>,
    /// `seq` of the newest document.
    newest: i64,
    id: Vec<u8>,
}

/// One document on its way, with what is known about it.
pub(super) struct Place<'a> {
    pub(super) class: &'a str,
    pub(super) seq: i64,
    pub(super) index: u32,
    pub(super) document: &'a [u8],
}

impl Place<'_> {
    fn at(&self) -> usize {
        usize::try_from(self.index).unwrap_or(usize::MAX)
    }
}

/// A stored document whose `_id` another one has.
pub(super) struct Stored {
    pub(super) seq: i64,
    /// Whether the other one is the very same.
    pub(super) equal: bool,
    length: i64,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            insert: connection.prepare_cached(
                "INSERT INTO documents (seq, collection, id, document) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (collection, id) DO NOTHING",
            )?,
            find: connection
                .prepare_cached("SELECT seq, document FROM documents WHERE collection = ?1 AND id = ?2")?,
            replace: connection.prepare_cached("UPDATE documents SET document = ?2 WHERE seq = ?1")?,
            bury: connection.prepare_cached(
                "INSERT INTO dead_letters
                   (outbox, seq, position, collection, user, time, code, reason, document, schema)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS
                   (SELECT 1 FROM dead_letters WHERE outbox = ?1 AND seq = ?2 AND position = ?3
                      AND collection = ?4 AND document = ?9)",
            )?,
            lineages: Lineages::new(connection)?,
            collections: HashMap::new(),
            newest: connection.query_one("SELECT coalesce(max(seq), 0) FROM documents", [], |row| {
                row.get(0)
            })?,
            id: Vec::new(),
        })
    }

    /// Stores one batch and returns the refusals.
    fn batch(&mut self, batch: &Batch) -> Result<Refusals, StorageError> {
        let broken = |error| StorageError::Damaged(format!("a checked batch cannot be read again: {error}"));
        let mut reader = BatchReader::new(&batch.body).map_err(broken)?;
        let mut refused = Refusals::new(batch.budget.another());
        let mut documents = 0;
        while let Some(transaction) = reader.next_transaction().map_err(broken)? {
            documents += self.transaction(batch, &transaction, documents, &mut refused)?;
        }
        Ok(refused)
    }

    /// How many documents the transaction has; `number` is that of the first in the batch.
    fn transaction(
        &mut self,
        batch: &Batch,
        transaction: &BatchTransaction<'_>,
        number: usize,
        refused: &mut Refusals,
    ) -> Result<usize, StorageError> {
        let schema = usize::try_from(transaction.header.schema)
            .ok()
            .and_then(|index| batch.header.schemas.get(index))
            .map(String::as_str);
        let before = self.newest;
        let last_of = OnceCell::new();
        let is_refused = |place: &Place<'_>| batch.verdicts.is_refused(number + place.at());
        let mut documents = 0;
        for place in places(transaction) {
            documents += 1;
            let violation = if is_refused(&place) {
                batch
                    .verdicts
                    .violation(schema.unwrap_or_default(), place.class, place.document)
            } else if self.insert(&place)?.is_some() {
                None
            } else {
                let last_of = || last_of.get_or_init(|| last_indexes(transaction, is_refused));
                self.conflict(&place, before, last_of)?
            };
            if let Some(violation) = violation {
                self.bury(batch, schema, &place, &violation)?;
                refused.push(refusal(&place, violation))?;
            }
        }
        Ok(documents)
    }

    /// The number it got; none when a document with this `_id` is there already.
    pub(super) fn insert(&mut self, place: &Place<'_>) -> rusqlite::Result<Option<i64>> {
        write_id(place.document, &mut self.id);
        let next = self.newest + 1;
        let collection = collection(self.connection, &mut self.collections, place.class)?;
        let added = self
            .insert
            .execute(params![next, collection.id, self.id, place.document])?;
        if added == 0 {
            return Ok(None);
        }
        self.newest = next;
        collection.documents += 1;
        collection.bytes += length(place.document);
        Ok(Some(next))
    }

    /// Decides about a document whose `_id` is taken (invariant 2).
    fn conflict<'t: 'l, 'l>(
        &mut self,
        place: &Place<'t>,
        before: i64,
        last_of: impl FnOnce() -> &'l LastIndexes<'t>,
    ) -> rusqlite::Result<Option<Violation>> {
        let stored = self.stored(place)?;
        if stored.equal {
            return Ok(None);
        }
        let key = (place.class, self.id.clone());
        if last_of().get(&key).is_some_and(|last| *last != place.index) {
            // A later one of the same transaction stands; sent again, only that one is in the store.
            return Ok(None);
        }
        if stored.seq > before {
            self.replace(place, &stored)?;
            return Ok(None);
        }
        Ok(Some(taken(place.class)))
    }

    /// The stored document with the `_id` of `place`, which was not inserted just now.
    pub(super) fn stored(&mut self, place: &Place<'_>) -> rusqlite::Result<Stored> {
        let collection = collection(self.connection, &mut self.collections, place.class)?;
        self.find.query_one(params![collection.id, self.id], |row| {
            let stored = row.get_ref(1)?.as_blob()?;
            Ok(Stored {
                seq: row.get(0)?,
                equal: stored == place.document,
                length: length(stored),
            })
        })
    }

    /// Puts the document in the place of a stored one.
    pub(super) fn replace(&mut self, place: &Place<'_>, stored: &Stored) -> rusqlite::Result<()> {
        self.replace.execute(params![stored.seq, place.document])?;
        let collection = collection(self.connection, &mut self.collections, place.class)?;
        collection.bytes += length(place.document) - stored.length;
        Ok(())
    }

    fn bury(
        &mut self,
        batch: &Batch,
        schema: Option<&str>,
        place: &Place<'_>,
        violation: &Violation,
    ) -> rusqlite::Result<()> {
        self.bury.execute(params![
            batch.header.outbox,
            place.seq,
            place.index,
            place.class,
            batch.user,
            batch.received,
            violation.code.as_str(),
            violation.reason,
            place.document,
            schema
        ])?;
        Ok(())
    }

    /// Writes the running numbers back.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let mut add = self.connection.prepare_cached(
            "UPDATE collections SET documents = documents + ?2, bytes = bytes + ?3 WHERE id = ?1",
        )?;
        for collection in self.collections.values() {
            add.execute(params![collection.id, collection.documents, collection.bytes])?;
        }
        Ok(())
    }
}

/// What is wrong with a document whose `_id` is another's.
pub(super) fn taken(class: &str) -> Violation {
    Violation {
        code: RefusalCode::DuplicateId,
        reason: format!("another document of class '{class}' with this _id is stored already"),
    }
}

fn refusal(place: &Place<'_>, violation: Violation) -> Refusal {
    Refusal {
        seq: place.seq,
        index: place.index,
        class: place.class.to_owned(),
        id: ejson::id_of(place.document),
        code: violation.code.as_str().to_owned(),
        reason: violation.reason,
    }
}

/// The documents of a transaction with their class and number.
fn places<'a>(transaction: &'a BatchTransaction<'a>) -> impl Iterator<Item = Place<'a>> {
    let header = &transaction.header;
    let classes = header
        .runs
        .iter()
        .flat_map(|run| (0..run.count).map(move |_| run.class.as_str()));
    let numbered = transaction.documents().zip(classes).zip(0..);
    numbered.map(|((document, class), index)| Place {
        class,
        seq: header.seq,
        index,
        document,
    })
}

/// Where each `_id` of the transaction occurs last, refused documents left out.
fn last_indexes<'a>(
    transaction: &'a BatchTransaction<'a>,
    is_refused: impl Fn(&Place<'_>) -> bool,
) -> LastIndexes<'a> {
    let mut last = HashMap::new();
    for place in places(transaction).filter(|place| !is_refused(place)) {
        let mut id = Vec::new();
        write_id(place.document, &mut id);
        last.insert((place.class, id), place.index);
    }
    last
}

fn collection<'m>(
    connection: &Connection,
    known: &'m mut HashMap<String, Collection>,
    name: &str,
) -> rusqlite::Result<&'m mut Collection> {
    if !known.contains_key(name) {
        connection
            .prepare_cached("INSERT INTO collections (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
            .execute([name])?;
        let id = connection
            .prepare_cached("SELECT id FROM collections WHERE name = ?1")?
            .query_one([name], |row| row.get(0))?;
        known.insert(
            name.to_owned(),
            Collection {
                id,
                documents: 0,
                bytes: 0,
            },
        );
    }
    known.get_mut(name).ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Writes the `_id` as the index has it: type byte and value, integers in 64 bits.
fn write_id(document: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let Some(field) = Document::assume_valid(document).field("_id") else {
        return;
    };
    match (field.kind, field.raw.first_chunk::<4>()) {
        (0x10, Some(narrow)) => {
            out.push(0x12);
            out.extend_from_slice(&i64::from(i32::from_le_bytes(*narrow)).to_le_bytes());
        }
        (kind, _) => {
            out.push(kind);
            out.extend_from_slice(field.raw);
        }
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

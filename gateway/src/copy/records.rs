//! Puts records of the app into the state database, reads them back, and compares them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use mongodb::{Collection, Database};
use tokio::runtime::Runtime;

use super::tally::{Tally, Tallying};
use super::{Conflicts, CopyError};
use crate::backend::BackendError;
use crate::cluster::within;
use crate::sink::mongodb::copying::{COUNTS, LETTERS, OUTBOXES, PARTS};
use crate::state::copying::{Copied, Copying};

/// Records that go together.
const CHUNK: usize = 500;

/// Bytes of them: one may have more, as a part of a large dead letter has.
const BYTES: usize = 8 * 1024 * 1024;

/// How long the database may take for one request. Removing what an attempt has left may be a long one.
const ANSWER: Duration = Duration::from_secs(600);

/// How often records are sent that are not there afterwards, though the database has said nothing against them.
const TRIES: usize = 3;

/// See the module.
pub(super) struct Records<'r> {
    database: Database,
    runtime: &'r Runtime,
    waiting: Waiting,
    tallies: BTreeMap<&'static str, Tallying>,
    conflicts: Conflicts,
}

/// Records of one collection that go next.
#[derive(Default)]
struct Waiting {
    records: Vec<Copied>,
    bytes: usize,
}

impl<'r> Records<'r> {
    pub(super) fn new(database: &Database, runtime: &'r Runtime) -> Self {
        Self {
            database: database.clone(),
            runtime,
            waiting: Waiting::default(),
            tallies: BTreeMap::new(),
            conflicts: Conflicts::default(),
        }
    }

    /// Removes what an attempt that was cut off has left.
    pub(super) fn clear(&self, copying: &Copying) -> Result<(), CopyError> {
        let app = copying.domain();
        let of_sink = [
            (OUTBOXES, doc! {"_id.app": app}),
            (LETTERS, doc! {"_id.app": app}),
            (PARTS, doc! {"_id.letter.app": app}),
            (COUNTS, doc! {"_id.app": app}),
        ];
        for (name, filter) in copying.collections().into_iter().chain(of_sink) {
            let collection = self.collection(name);
            self.runtime.block_on(answered(collection.delete_many(filter)))?;
        }
        Ok(())
    }

    /// Copies one. Records of one collection come together.
    pub(super) fn push(&mut self, copied: Copied) -> Result<(), CopyError> {
        let bytes = copied.record.to_vec().map_or(0, |bytes| bytes.len());
        let first = self.waiting.records.first();
        if first.is_some_and(|first| first.collection != copied.collection)
            || self.waiting.records.len() >= CHUNK
            || (first.is_some() && self.waiting.bytes + bytes > BYTES)
        {
            self.flush()?;
        }
        self.waiting.bytes += bytes;
        self.waiting.records.push(copied);
        Ok(())
    }

    /// What was copied of each collection.
    pub(super) fn finish(mut self) -> Result<Vec<Tally>, CopyError> {
        self.flush()?;
        self.conflicts.settle()?;
        Ok(self.tallies.into_values().map(Tallying::finish).collect())
    }

    /// Sends what waits, and finds what became of it.
    pub(super) fn flush(&mut self) -> Result<(), CopyError> {
        let Waiting { records, .. } = std::mem::take(&mut self.waiting);
        let Some(name) = records.first().map(|first| first.collection) else {
            return Ok(());
        };
        let collection = self.collection(name);
        let mut said = None;
        let mut missing: Vec<_> = records.iter().map(|one| &one.record).collect();
        let mut stored = HashMap::new();
        for _ in 0..TRIES {
            said = self.runtime.block_on(insert(&collection, &missing))?.or(said);
            stored.extend(self.runtime.block_on(read_back(&collection, &missing))?);
            missing.retain(|record| !stored.contains_key(&id(record)));
            if missing.is_empty() {
                break;
            }
        }
        let tally = self.tallies.entry(name).or_insert_with(|| Tallying::new(name));
        for copied in records {
            let id = id(&copied.record);
            let sent = without(copied.record, copied.found_anew);
            let there = stored.remove(&id).map(|there| without(there, copied.found_anew));
            let bytes = |record: &Document| record.to_vec().map_err(mongodb::error::Error::from);
            let there_bytes = there.as_ref().map(bytes).transpose()?;
            tally.add(&bytes(&sent)?, there_bytes.as_deref());
            if there.as_ref() != Some(&sent) {
                let why = match (&there, &said) {
                    (Some(_), _) => "another one is there".to_owned(),
                    (None, Some(said)) => said.clone(),
                    (None, None) => "it is not there after it was stored".to_owned(),
                };
                let name = sent.get("_id").unwrap_or(&Bson::Null);
                self.conflicts.add(format!("{} {name}: {why}", copied.collection));
            }
        }
        Ok(())
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }
}

/// Sends records. The answer is what the database says of those that it does not take, as far as that is not that they are there.
async fn insert(
    collection: &Collection<Document>,
    records: &[&Document],
) -> Result<Option<String>, BackendError> {
    let sent = answered(async {
        match collection
            .insert_many(records.iter().copied())
            .ordered(false)
            .await
        {
            Err(error) => match &*error.kind {
                ErrorKind::InsertMany(failed) if failed.write_concern_error.is_none() => {
                    let errors = failed.write_errors.iter().flatten();
                    Ok(errors.map(|error| error.message.clone()).next())
                }
                _ => Err(error),
            },
            Ok(_) => Ok(None),
        }
    });
    sent.await
}

/// Those that are there, by their names.
async fn read_back(
    collection: &Collection<Document>,
    records: &[&Document],
) -> Result<HashMap<Vec<u8>, Document>, BackendError> {
    let ids: Vec<_> = records.iter().filter_map(|record| record.get("_id")).collect();
    let mut cursor = answered(collection.find(doc! {"_id": {"$in": ids}})).await?;
    let mut found = HashMap::new();
    while answered(cursor.advance()).await? {
        let record = cursor.deserialize_current()?;
        found.insert(id(&record), record);
    }
    Ok(found)
}

/// The name of a record, as bytes.
fn id(record: &Document) -> Vec<u8> {
    let id = record.get("_id").unwrap_or(&Bson::Null);
    doc! {"": id}.to_vec().unwrap_or_default()
}

fn without(mut record: Document, fields: &[&str]) -> Document {
    for field in fields {
        record.remove(field);
    }
    record
}

/// The answer of the database, if it comes in time.
pub(super) async fn answered<T>(
    request: impl IntoFuture<Output = Result<T, mongodb::error::Error>>,
) -> Result<T, BackendError> {
    within(ANSWER, request).await
}

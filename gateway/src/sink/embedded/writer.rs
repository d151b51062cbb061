//! Stores batches in one SQLite transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use tracing::debug;

use super::letters::Letters;
use super::positions::{self, Positions};
use super::schema::BLOCK;
use crate::backend::BackendError;
use crate::clock;
use crate::ingest::order::Order;
use crate::ingest::{Batch, Place, Refusals, id};
use crate::sink::same::same;
use crate::sink::{Outcome, Quota};

/// What became of each batch of a group.
pub(super) type Outcomes = Vec<Result<Outcome, BackendError>>;

/// Stores the batches in one transaction (invariant 1), and something else when that is to be tried. What is wrong with
/// one batch does not concern the others.
pub(super) fn store(
    connection: &mut Connection,
    quota: Quota,
    batches: &[&Batch],
    probe: bool,
) -> Result<Outcomes, BackendError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(batches.len());
    match batches {
        [batch] => outcomes.push(Ok(apart(&mut transaction, quota, batch)?)),
        batches => {
            for batch in batches {
                outcomes.push(apart(&mut transaction, quota, batch));
            }
        }
    }
    if probe {
        // The batches may have changed nothing.
        let mut probe = transaction.prepare_cached("INSERT OR REPLACE INTO probe VALUES (0, ?1)")?;
        probe.execute([clock::unix_millis()])?;
    }
    transaction.commit()?;
    debug!(batches = batches.len(), "committed");
    Ok(outcomes)
}

/// Stores one batch of a group; when that fails or it is not taken, what it did is undone and the group goes on. What its
/// device says of itself is kept when it is not taken, too.
fn apart(
    transaction: &mut rusqlite::Transaction<'_>,
    quota: Quota,
    batch: &Batch,
) -> Result<Outcome, BackendError> {
    let savepoint = transaction.savepoint()?;
    let outcome = one(&savepoint, quota, batch)?;
    if outcome.is_stored() {
        savepoint.commit()?;
    } else {
        savepoint.finish()?;
        positions::heard(transaction, batch, false)?;
    }
    Ok(outcome)
}

/// Stores one batch. Unless the answer says so, what it did is to be undone.
fn one(connection: &Connection, quota: Quota, batch: &Batch) -> Result<Outcome, BackendError> {
    let mut positions = Positions::new(connection)?;
    let (known, setback) = match positions.decide(batch)? {
        Order::Take { known, setback } => (known, setback),
        Order::Copied => return Ok(Outcome::Copied),
        Order::Hole { position } => return Ok(Outcome::Hole { position }),
    };
    if !batch.refused.is_empty()
        && let Some(full) = Letters::new(connection, quota, batch)?.exceed(&batch.none_found())?
    {
        return Ok(Outcome::Full(full));
    }
    let mut writer = Writer::new(connection)?;
    let mut found = batch.none_found();
    writer.documents(batch.documents(), &mut found)?;
    if (!found.is_empty() || !batch.refused.is_empty())
        && let Some(unkept) = Letters::new(connection, quota, batch)?.keep(&found)?
    {
        return Ok(unkept.into());
    }
    writer.finish()?;
    positions.advance(batch, &known, setback)?;
    Ok(Outcome::Stored {
        found,
        position: known.position,
    })
}

/// A collection as this SQLite transaction sees it.
struct Collection {
    id: i64,
    /// The newest block that it is known to have documents in, -1 when none is.
    block: i64,
    /// What was added, written to its row once at the end.
    documents: i64,
    bytes: i64,
}

/// The prepared statements and running numbers of one SQLite transaction.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    insert: CachedStatement<'c>,
    note: CachedStatement<'c>,
    find: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    collections: HashMap<String, Collection>,
    /// `seq` of the newest document.
    newest: i64,
    id: Vec<u8>,
}

/// A stored document whose `_id` another one has.
pub(super) struct Stored {
    pub(super) seq: i64,
    /// Whether the other one is the same.
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
            note: connection
                .prepare_cached("INSERT OR IGNORE INTO blocks (collection, block) VALUES (?1, ?2)")?,
            find: connection
                .prepare_cached("SELECT seq, document FROM documents WHERE collection = ?1 AND id = ?2")?,
            replace: connection.prepare_cached("UPDATE documents SET document = ?2 WHERE seq = ?1")?,
            collections: HashMap::new(),
            newest: connection
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM documents")?
                .query_one([], |row| row.get(0))?,
            id: Vec::new(),
        })
    }

    /// Stores documents. Those that differ from a stored one with their `_id` are added to `refused` (invariant 2).
    pub(super) fn documents<'a>(
        &mut self,
        places: impl Iterator<Item = Place<'a>>,
        refused: &mut Refusals,
    ) -> Result<(), BackendError> {
        for place in places {
            if self.insert(&place)?.is_some() {
                continue;
            }
            if self.stored(&place)?.equal {
                refused.count_equal();
            } else {
                refused.push_taken(&place)?;
            }
        }
        Ok(())
    }

    /// The number it got; none when a document with this `_id` is there already.
    pub(super) fn insert(&mut self, place: &Place<'_>) -> rusqlite::Result<Option<i64>> {
        self.id.clear();
        if let Some(key) = id::key(place.document) {
            key.write(&mut self.id);
        }
        let next = self.newest + 1;
        let collection = collection(self.connection, &mut self.collections, place.class)?;
        let added = self
            .insert
            .execute(params![next, collection.id, self.id, place.document])?;
        if added == 0 {
            return Ok(None);
        }
        if collection.block != next / BLOCK {
            collection.block = next / BLOCK;
            self.note.execute([collection.id, collection.block])?;
        }
        self.newest = next;
        collection.documents += 1;
        collection.bytes += length(place.document);
        Ok(Some(next))
    }

    /// The stored document with the `_id` of `place`, which was not inserted just now.
    pub(super) fn stored(&mut self, place: &Place<'_>) -> rusqlite::Result<Stored> {
        let collection = collection(self.connection, &mut self.collections, place.class)?;
        self.find.query_one(params![collection.id, self.id], |row| {
            let stored = row.get_ref(1)?.as_blob()?;
            Ok(Stored {
                seq: row.get(0)?,
                equal: same(place.document, stored),
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
                block: -1,
                documents: 0,
                bytes: 0,
            },
        );
    }
    known.get_mut(name).ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::{Arc, mpsc};

    use bson::doc;
    use tokio::sync::oneshot;

    use super::*;
    use crate::sink::Full;
    use crate::sink::embedded::testing::{batch_with, opened};
    use crate::sink::embedded::worker::run;
    use crate::sink::embedded::{Job, Waiting};

    /// What the outbox of this number sends: a document with its number as `_id`, and one that is refused. Without
    /// memory it has a third, another one than that of outbox 1, and fails once this is found.
    fn batch(outbox: i64, after: i64, has_memory: bool) -> Batch {
        let other = (!has_memory).then(|| doc! {"_id": 1_i64, "other": true});
        let documents = [doc! {"_id": outbox}, doc! {"_id": "refused"}];
        let mut batch = batch_with(outbox, after, documents.into_iter().chain(other), &[1]);
        while !has_memory && batch.budget.try_grow(1).is_ok() {}
        batch
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        connection.query_one(&query, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_a_batch_that_fails_has_done_is_undone_and_its_neighbours_are_stored() {
        let data = tempfile::tempdir().unwrap();
        let mut connection = opened(&data);
        let [one, fails, other] = [batch(1, 0, true), batch(2, 0, false), batch(3, 0, true)];
        let outcomes = store(&mut connection, Quota::default(), &[&one, &fails, &other], false).unwrap();
        let stored: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(stored, [true, false, true]);
        assert!(matches!(outcomes[1], Err(BackendError::NoMemory(_))));
        let tables = ["documents", "dead_letters", "outboxes"].map(|table| count(&connection, table));
        assert_eq!(tables, [2, 2, 2]);
    }

    #[test]
    fn a_batch_without_room_for_its_dead_letters_is_refused_before_it_is_written() {
        let data = tempfile::tempdir().unwrap();
        let mut connection = opened(&data);
        let mut quota = Quota::default();
        quota.of_user.letters = 1;
        store(&mut connection, quota, &[&batch(1, 0, true)], false).unwrap();
        let outcomes = store(&mut connection, quota, &[&batch(2, 0, false)], false).unwrap();
        assert!(
            matches!(outcomes[..], [Ok(Outcome::Full(Full::User))]),
            "{outcomes:?}"
        );
    }

    #[test]
    fn a_probe_writes_in_whatever_company_it_comes() {
        for after in [None, Some(0), Some(5)] {
            let data = tempfile::tempdir().unwrap();
            let (jobs, waiting) = mpsc::channel();
            let (reply, mut probed) = oneshot::channel();
            if let Some(after) = after {
                let batch = Arc::new(batch(1, after, true));
                let (reply, _) = oneshot::channel();
                jobs.send(Job::Store(Waiting { batch, reply })).unwrap();
            }
            jobs.send(Job::Probe(reply)).unwrap();
            drop(jobs);
            run(opened(&data), Quota::default(), &waiting);
            probed.try_recv().unwrap().unwrap();
            assert_eq!(
                count(&opened(&data), "probe"),
                1,
                "beside what comes after {after:?}"
            );
        }
    }
}

//! Documents, in the order in which they arrived, some at a time and several of these at once; afterwards all are read back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use realm_ingest_protocol::Document;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::progress::{Meter, Noted, stage};
use super::source::Source;
use super::tally::{Tally, Tallying};
use super::{Conflicts, CopyError};
use crate::backend::BackendError;
use crate::ingest::{Place, Refusals};
use crate::memory::Budget;
use crate::sink::embedded::{Arrival, Reader};
use crate::sink::mongodb::copying::Documents;

/// Documents that go together.
const CHUNK: u32 = 4_000;

/// Documents that are read back together.
const READ_BACK: u32 = 1_000;

/// How many of these are on their way at once.
const AT_ONCE: usize = 8;

/// Memory for what is wrong with the documents of one chunk.
const MEMORY: usize = 64 * 1024 * 1024;

/// Names of collections by their numbers.
type Names = Arc<BTreeMap<i64, String>>;

/// What is done with one chunk.
type Work<T> = JoinHandle<Result<T, BackendError>>;

/// A document on both sides.
struct Pair {
    class: String,
    seq: i64,
    sent: Vec<u8>,
    stored: Option<Vec<u8>>,
}

/// Copies those that are not noted as copied.
pub(super) fn copy(
    source: &Source,
    target: &Documents,
    noted: &mut Noted,
    runtime: &Runtime,
) -> Result<(), CopyError> {
    stage("copying documents");
    let (names, total) = names(&source.reader)?;
    let before = noted.documents;
    let mut meter = Meter::new("copied", u64::try_from(before).unwrap_or_default(), total);
    let mut conflicts = Conflicts::default();
    let start = |arrivals: Vec<Arrival>| {
        let (target, names) = (target.clone(), Arc::clone(&names));
        runtime.spawn(async move { store(&target, &names, &arrivals).await })
    };
    let mut done = |last, count, refused: Vec<String>| {
        refused.into_iter().for_each(|one| conflicts.add(one));
        meter.advance(count);
        if conflicts.count == 0 {
            // What was refused is tried again the next time.
            runtime.block_on(noted.at(last))?;
        }
        Ok(())
    };
    each(&source.reader, before, CHUNK, runtime, start, &mut done)?;
    runtime.block_on(noted.write())?;
    meter.finish();
    conflicts.settle()
}

/// Reads all of them back, class by class the same on both sides.
pub(super) fn verify(
    source: &Source,
    target: &Documents,
    noted: &mut Noted,
    runtime: &Runtime,
) -> Result<Vec<Tally>, CopyError> {
    stage("comparing documents");
    let (names, total) = names(&source.reader)?;
    let mut meter = Meter::new("compared", 0, total);
    let mut conflicts = Conflicts::default();
    let mut tallies: BTreeMap<String, Tallying> = BTreeMap::new();
    let start = |arrivals: Vec<Arrival>| {
        let (target, names) = (target.clone(), Arc::clone(&names));
        runtime.spawn(async move { read_back(&target, &names, arrivals).await })
    };
    let mut done = |_, count, pairs: Vec<Pair>| {
        for pair in pairs {
            let class = tallies.entry(pair.class);
            let name = class.key().clone();
            let tally = class.or_insert_with_key(|name| Tallying::new(format!("documents of {name}")));
            let is_same = pair
                .stored
                .as_ref()
                .map(|stored| target.is_same(&name, &pair.sent, stored));
            // A time-series collection keeps fields in an order of its own.
            let stored = match is_same {
                Some(true) => Some(id_first(&pair.sent)),
                _ => pair.stored.clone(),
            };
            tally.add(&id_first(&pair.sent), stored.as_deref());
            match is_same {
                Some(true) => {}
                Some(false) => {
                    conflicts.add(format!(
                        "document {} of class '{name}': another one is there",
                        pair.seq
                    ));
                }
                None => conflicts.add(format!(
                    "document {} of class '{name}': it is not there",
                    pair.seq
                )),
            }
        }
        meter.advance(count);
        Ok(())
    };
    each(&source.reader, 0, READ_BACK, runtime, start, &mut done)?;
    meter.finish();
    if conflicts.count > 0 {
        // All are stored again the next time.
        noted.documents = 0;
        runtime.block_on(noted.write())?;
    }
    conflicts.settle()?;
    Ok(tallies.into_values().map(Tallying::finish).collect())
}

/// Starts work on each chunk of documents with a number above `after`; what comes of it is `done` in their order.
fn each<T>(
    reader: &Reader,
    mut after: i64,
    chunk: u32,
    runtime: &Runtime,
    start: impl Fn(Vec<Arrival>) -> Work<T>,
    done: &mut impl FnMut(i64, u64, T) -> Result<(), CopyError>,
) -> Result<(), CopyError> {
    let until = reader.newest()?;
    let mut begun: VecDeque<(i64, u64, Work<T>)> = VecDeque::new();
    loop {
        let arrivals = reader.documents(None, after, until, chunk)?;
        if let Some(last) = arrivals.last() {
            after = last.seq;
            let count = arrivals.len() as u64;
            begun.push_back((after, count, start(arrivals)));
            if begun.len() < AT_ONCE {
                continue;
            }
        }
        let Some((last, count, work)) = begun.pop_front() else {
            return Ok(());
        };
        let found = runtime.block_on(work).map_err(|_| BackendError::Closed)??;
        done(last, count, found)?;
    }
}

/// Names of the collections, and how many documents there are.
fn names(reader: &Reader) -> Result<(Names, u64), CopyError> {
    let collections = reader.collections()?;
    let total = collections.iter().map(|one| one.documents).sum();
    let names = collections.into_iter().map(|one| (one.id, one.name));
    Ok((Arc::new(names.collect()), total))
}

fn class_of<'n>(names: &'n Names, arrival: &Arrival) -> Result<&'n String, BackendError> {
    let name = names.get(&arrival.collection);
    name.ok_or_else(|| {
        BackendError::Damaged(format!(
            "document {} is of a collection that is not there; 'check-integrity' says more",
            arrival.seq
        ))
    })
}

/// Stores documents. The answer is those that the database does not take.
async fn store(target: &Documents, names: &Names, arrivals: &[Arrival]) -> Result<Vec<String>, BackendError> {
    let mut places = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        places.push(Place {
            class: class_of(names, arrival)?,
            seq: arrival.seq,
            index: 0,
            document: &arrival.document,
        });
    }
    let mut found = Refusals::new(Budget::new(Arc::new(Semaphore::new(MEMORY))));
    target.store(&places, &mut found).await?;
    let refused = found.as_slice().iter();
    Ok(refused
        .map(|one| format!("document {}: {}", one.seq, one.reason))
        .collect())
}

async fn read_back(
    target: &Documents,
    names: &Names,
    arrivals: Vec<Arrival>,
) -> Result<Vec<Pair>, BackendError> {
    let mut classes: BTreeMap<&str, Vec<Arrival>> = BTreeMap::new();
    for arrival in arrivals {
        let class = class_of(names, &arrival)?;
        classes.entry(class).or_default().push(arrival);
    }
    let mut pairs = Vec::new();
    for (class, arrivals) in classes {
        let sent: Vec<_> = arrivals.iter().map(|arrival| &arrival.document[..]).collect();
        let stored = target.read_back(class, &sent).await?;
        pairs.extend(arrivals.into_iter().zip(stored).map(|(arrival, stored)| Pair {
            class: class.to_owned(),
            seq: arrival.seq,
            sent: arrival.document,
            stored,
        }));
    }
    Ok(pairs)
}

/// A sound document as the database stores it: with `_id` first.
fn id_first(document: &[u8]) -> Vec<u8> {
    let fields = || Document::assume_valid(document).fields();
    let mut bytes = vec![0; 4];
    let ids = fields().filter(|field| field.key == "_id");
    for field in ids.chain(fields().filter(|field| field.key != "_id")) {
        bytes.push(field.kind);
        bytes.extend_from_slice(field.key.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(field.raw);
    }
    bytes.push(0);
    // It is as long as it was.
    bytes.splice(..4, document.iter().take(4).copied());
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::doc;

    use super::*;

    #[test]
    fn a_document_is_hashed_with_its_id_first() {
        let sent = doc! {"a": 1, "_id": "x", "b": {"_id": 2, "c": [1.5]}}
            .to_vec()
            .unwrap();
        let stored = doc! {"_id": "x", "a": 1, "b": {"_id": 2, "c": [1.5]}};
        assert_eq!(id_first(&sent), stored.to_vec().unwrap());
        assert_eq!(id_first(&stored.to_vec().unwrap()), stored.to_vec().unwrap());
    }
}

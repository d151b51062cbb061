//! A sink out of steps that keeps everything in memory, and fails, forgets and waits where it is told to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use realm_ingest_gateway::backend::{Answer, BackendError};
use realm_ingest_gateway::ingest::order::Known;
use realm_ingest_gateway::ingest::{Batch, Refusals, id};
use realm_ingest_gateway::sink::{Amount, Kept, OutboxKey, Quota, Steps, Unkept};

/// What is stored.
#[derive(Clone, Default)]
pub struct Contents {
    /// By class and `_id`.
    pub documents: BTreeMap<(String, Vec<u8>), Vec<u8>>,
    /// By outbox, transaction and index.
    pub letters: BTreeMap<(Key, i64, u32), Letter>,
    pub positions: BTreeMap<Key, Known>,
    pub setbacks: u64,
}

/// What is kept of a refused document.
#[derive(Clone)]
pub struct Letter {
    pub code: String,
    pub class: String,
    pub document: Vec<u8>,
}

/// An outbox in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub user: String,
    pub outbox: String,
    pub app: String,
}

impl From<OutboxKey> for Key {
    fn from(key: OutboxKey) -> Self {
        let OutboxKey { app, user, outbox } = key;
        Self { user, outbox, app }
    }
}

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did nothing.
    Before,
    /// It stored a part.
    Half,
    /// It did everything, and the answer got lost.
    After,
}

/// The sink; a clone is the same one.
#[derive(Clone, Default)]
pub struct MemorySteps(Arc<Shared>);

#[derive(Default)]
struct Shared {
    contents: Mutex<Contents>,
    quota: Quota,
    /// Steps that were begun.
    begun: AtomicUsize,
    /// The step that goes wrong, and how.
    fault: Mutex<Option<(usize, Fault)>>,
}

impl MemorySteps {
    pub fn with(quota: Quota) -> Self {
        Self(Arc::new(Shared {
            quota,
            ..Shared::default()
        }))
    }

    pub fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.contents.lock().unwrap()
    }

    /// Makes the step of this number, counted from now on from 0, go wrong.
    pub fn fail(&self, step: usize, fault: Fault) {
        self.0.begun.store(0, Ordering::SeqCst);
        *self.0.fault.lock().unwrap() = Some((step, fault));
    }

    /// Whether the fault has happened.
    pub fn has_failed(&self) -> bool {
        self.0.fault.lock().unwrap().is_none()
    }

    /// Forgets everything from a former moment on, as a store restored from a backup does.
    pub fn restore(&self, contents: Contents) {
        *self.contents() = contents;
    }

    async fn step<T>(&self, work: impl Fn(&mut Contents, bool) -> T) -> Result<T, BackendError> {
        let number = self.0.begun.fetch_add(1, Ordering::SeqCst);
        // Others get between any two steps.
        tokio::task::yield_now().await;
        let fault = {
            let mut fault = self.0.fault.lock().unwrap();
            fault.take_if(|(step, _)| *step == number).map(|(_, fault)| fault)
        };
        let lost = || Err(BackendError::Unavailable("the test says so".to_owned()));
        match fault {
            None => Ok(work(&mut self.contents(), false)),
            Some(Fault::Before) => lost(),
            Some(fault) => {
                work(&mut self.contents(), fault == Fault::Half);
                lost()
            }
        }
    }
}

/// The dead letters that are there.
fn kept(contents: &Contents, user: &str) -> Kept {
    let mut kept = Kept::default();
    for ((key, ..), letter) in &contents.letters {
        let of_user = (key.user == user).then_some(&mut kept.of_user);
        for amount in of_user.into_iter().chain([&mut kept.in_all]) {
            amount.letters += 1;
            amount.bytes += letter.document.len() as u64;
        }
    }
    kept
}

impl Steps for MemorySteps {
    fn known(&self, outbox: &OutboxKey, _: bool) -> Answer<'_, Option<Known>> {
        let key = Key::from(outbox.clone());
        Box::pin(self.step(move |contents, _| contents.positions.get(&key).cloned()))
    }

    fn documents<'a>(&'a self, batch: &'a Batch) -> Answer<'a, Refusals> {
        Box::pin(self.step(|contents, half| {
            let mut refused = batch.none_found();
            let count = batch.documents().count();
            for place in batch.documents().take(if half { count / 2 } else { count }) {
                let mut key = Vec::new();
                id::key(place.document).unwrap().write(&mut key);
                match contents.documents.entry((place.class.to_owned(), key)) {
                    Entry::Vacant(free) => _ = free.insert(place.document.to_vec()),
                    Entry::Occupied(stored) if same(stored.get(), place.document) => refused.count_equal(),
                    Entry::Occupied(_) => refused.push_taken(&place).unwrap(),
                }
            }
            refused
        }))
    }

    fn dead_letters<'a>(&'a self, batch: &'a Batch, found: &'a Refusals) -> Answer<'a, Option<Unkept>> {
        Box::pin(self.step(move |contents, half| {
            let count = batch.refused.len() + found.len();
            let count = if half { count / 2 } else { count };
            let key = Key::from(OutboxKey::from(&batch.context));
            let before = kept(contents, &key.user);
            let mut letters = contents.letters.clone();
            for letter in batch.letters(found).take(count) {
                let place = (key.clone(), letter.place.seq, letter.place.index);
                let kept = letters.entry(place).or_insert_with(|| Letter {
                    code: letter.refused.code.as_str().to_owned(),
                    class: letter.place.class.to_owned(),
                    document: letter.place.document.to_vec(),
                });
                if (&*kept.class, &*kept.document) != (letter.place.class, letter.place.document) {
                    return Some(Unkept::Copied);
                }
            }
            let former = std::mem::replace(&mut contents.letters, letters);
            let after = kept(contents, &key.user).in_all;
            let added = Amount {
                letters: after.letters - before.in_all.letters,
                bytes: after.bytes - before.in_all.bytes,
            };
            let full = self.0.quota.exceeded(&before, added);
            if full.is_some() {
                contents.letters = former;
            }
            full.map(Unkept::Full)
        }))
    }

    fn advance<'a>(
        &'a self,
        batch: &'a Batch,
        before: Option<&'a Known>,
        after: &'a Known,
        setback: bool,
    ) -> Answer<'a, bool> {
        Box::pin(self.step(move |contents, half| {
            let key = Key::from(OutboxKey::from(&batch.context));
            if half || contents.positions.get(&key) != before {
                return false;
            }
            contents.positions.insert(key, after.clone());
            contents.setbacks += u64::from(setback);
            true
        }))
    }

    fn heard<'a>(&'a self, _: &'a Batch) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// To the bit, wherever the `_id` stands.
fn same(one: &[u8], other: &[u8]) -> bool {
    let parts = |bytes| {
        let mut rest = bson::Document::from_reader(bytes).unwrap();
        (rest.remove("_id"), rest.to_vec().unwrap())
    };
    one == other || parts(one) == parts(other)
}

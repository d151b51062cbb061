//! The sinks that the suite runs over, and how their contents are looked at.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use realm_ingest_gateway::backend::Answer;
use realm_ingest_gateway::custom_user_data::InState;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::ingest::{
    Batch, Context, Door, Form, Ingest, IngestError, Run, Source, Transaction,
};
use realm_ingest_gateway::memory::Budget;
use realm_ingest_gateway::metrics::Metrics;
use realm_ingest_gateway::sink::embedded::{EmbeddedSink, Reader};
use realm_ingest_gateway::sink::{OutboxKey, Outcome, Quota, Sink, Stepwise};
use realm_ingest_gateway::state::{EmbeddedState, Schemas};
use realm_ingest_gateway::work::Work;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::common::{arrivals, letters, outbox, schema};
use crate::memory::{Fault, MemorySteps};

pub const APP: &str = "0123456789abcdef01234567";

/// A dead letter: user, outbox, transaction, index, code.
pub type Letter = (String, String, i64, u32, String);

/// A sink that can be looked into.
pub trait Store: Sized {
    async fn open(data: &TempDir, quota: Quota) -> (Arc<dyn Sink>, Self);
    /// Every document by class and `_id`.
    async fn documents(&self) -> BTreeMap<String, bson::Document>;
    async fn letters(&self) -> Vec<Letter>;
    async fn setbacks(&self) -> u64;
    /// What documents are checked under.
    fn definition(&self) -> Definition {
        Definition::development(None)
    }
}

/// A sink that goes wrong where it is told to.
pub trait Faulty: Store {
    /// In these ways.
    const FAULTS: &[Fault];
    /// Makes the step of this number, counted from now on from 0, go wrong.
    fn fail(&self, step: usize, fault: Fault);
    /// Whether that has happened.
    fn has_failed(&self) -> bool;
    /// The documents of all dead letters.
    async fn letter_documents(&self) -> Vec<Vec<u8>>;
}

/// The embedded sink.
pub struct Embedded(std::path::PathBuf);

impl Embedded {
    pub fn directory(&self) -> &std::path::Path {
        &self.0
    }
}

impl Store for Embedded {
    async fn open(data: &TempDir, quota: Quota) -> (Arc<dyn Sink>, Self) {
        let sink = Arc::new(EmbeddedSink::with(data.path(), quota).unwrap());
        (sink, Self(data.path().to_owned()))
    }

    async fn documents(&self) -> BTreeMap<String, bson::Document> {
        let reader = Reader::open(&self.0).unwrap();
        let names: BTreeMap<_, _> = reader
            .collections()
            .unwrap()
            .into_iter()
            .map(|one| (one.id, one.name))
            .collect();
        let all = arrivals(&reader);
        let stored = all.len();
        let documents: BTreeMap<_, _> = all
            .into_iter()
            .map(|one| named(&names[&one.collection], &one.document))
            .collect();
        assert_eq!(documents.len(), stored, "nothing is there twice");
        documents
    }

    async fn letters(&self) -> Vec<Letter> {
        letters(&Reader::open(&self.0).unwrap())
            .into_iter()
            .map(|one| (one.user, one.outbox, one.seq, one.index, one.code))
            .collect()
    }

    async fn setbacks(&self) -> u64 {
        Reader::open(&self.0).unwrap().stats().unwrap().setbacks
    }
}

impl Store for MemorySteps {
    async fn open(_: &TempDir, quota: Quota) -> (Arc<dyn Sink>, Self) {
        let steps = Self::with(quota);
        (Arc::new(Stepwise(steps.clone())), steps)
    }

    async fn documents(&self) -> BTreeMap<String, bson::Document> {
        let contents = self.contents();
        let documents = contents.documents.iter();
        documents.map(|((class, _), bytes)| named(class, bytes)).collect()
    }

    async fn letters(&self) -> Vec<Letter> {
        let contents = self.contents();
        let letters = contents.letters.iter();
        letters
            .map(|((key, seq, index), letter)| {
                let (user, outbox) = (key.user.clone(), key.outbox.clone());
                (user, outbox, *seq, *index, letter.code.clone())
            })
            .collect()
    }

    async fn setbacks(&self) -> u64 {
        self.contents().setbacks
    }
}

impl Faulty for MemorySteps {
    const FAULTS: &[Fault] = &[Fault::Before, Fault::Half, Fault::After];

    fn fail(&self, step: usize, fault: Fault) {
        self.fail(step, fault);
    }

    fn has_failed(&self) -> bool {
        self.has_failed()
    }

    async fn letter_documents(&self) -> Vec<Vec<u8>> {
        let letters = self.contents().letters.clone();
        letters.into_values().map(|one| one.document).collect()
    }
}

pub fn named(class: &str, bytes: &[u8]) -> (String, bson::Document) {
    let document = bson::Document::from_reader(bytes).unwrap();
    (format!("{class} {}", document.get("_id").unwrap()), document)
}

/// A sink that counts how many documents were found stored already, and equal.
struct Counting {
    sink: Arc<dyn Sink>,
    equal: Arc<AtomicU64>,
}

impl Sink for Counting {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        Box::pin(async {
            let outcome = self.sink.store(batch).await?;
            if let Outcome::Stored { found, .. } = &outcome {
                self.equal.fetch_add(found.equal(), Ordering::SeqCst);
            }
            Ok(outcome)
        })
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        self.sink.position(outbox)
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.sink.probe()
    }
}

/// The core over a new sink that knows the schema of [`schema`].
pub struct Core<S> {
    pub ingest: Ingest,
    pub sink: Arc<dyn Sink>,
    pub store: S,
    pub definition: Arc<Definition>,
    /// Documents that were found stored already, and equal.
    pub equal: Arc<AtomicU64>,
    memory: Arc<Semaphore>,
    _data: TempDir,
}

/// What an outbox of a user sends.
#[derive(Clone)]
pub struct Sent {
    pub user: &'static str,
    pub outbox: u64,
    pub lineage: u64,
    pub acked: i64,
    pub after: i64,
    pub transactions: Vec<(i64, Vec<(&'static str, bson::Document)>)>,
}

impl Sent {
    /// The first that outbox 1 of a user sends.
    pub fn new(transactions: &[(i64, &[(&'static str, bson::Document)])]) -> Self {
        Self {
            user: "user",
            outbox: 1,
            lineage: 1,
            acked: 0,
            after: 0,
            transactions: transactions
                .iter()
                .map(|(seq, documents)| (*seq, documents.to_vec()))
                .collect(),
        }
    }

    pub fn key(&self) -> OutboxKey {
        OutboxKey {
            app: APP.to_owned(),
            user: self.user.to_owned(),
            outbox: outbox(self.outbox),
        }
    }
}

impl<S: Store> Core<S> {
    pub async fn new() -> Self {
        Self::with(Quota::default()).await
    }

    pub async fn with(quota: Quota) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (sink, store) = S::open(&data, quota).await;
        Self::of(data, sink, store).await
    }

    /// Over another sink of the same store.
    pub async fn over(sink: Arc<dyn Sink>, store: &S) -> Self
    where
        S: Clone,
    {
        Self::of(tempfile::tempdir().unwrap(), sink, store.clone()).await
    }

    async fn of(data: TempDir, sink: Arc<dyn Sink>, store: S) -> Self {
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        assert!(state.add_schema(schema(), "user").await.unwrap());
        let equal = Arc::<AtomicU64>::default();
        let counting = Counting {
            sink: Arc::clone(&sink),
            equal: Arc::clone(&equal),
        };
        Self {
            definition: Arc::new(store.definition()),
            ingest: Ingest::new(
                state,
                Arc::new(counting),
                Arc::new(InState),
                Work::new(4),
                Metrics::default().of_app("app"),
            ),
            sink,
            store,
            equal,
            memory: Arc::new(Semaphore::new(1 << 28)),
            _data: data,
        }
    }

    /// The answer: up to where everything is settled, and the refused by transaction, index and code.
    pub async fn send(&self, sent: &Sent) -> Result<(i64, Vec<(i64, u32, String)>), IngestError> {
        let context = Context {
            door: Door::Http,
            app: APP.to_owned(),
            user: sent.user.to_owned(),
            source: Source {
                outbox: outbox(sent.outbox),
                lineage: outbox(sent.lineage),
                acked: sent.acked,
                after: sent.after,
                device: None,
            },
        };
        let transactions = sent.transactions.iter().map(|(seq, documents)| Transaction {
            seq: *seq,
            form: Arc::new(Form {
                schema: schema().fingerprint().into(),
                runs: documents
                    .iter()
                    .map(|(class, _)| Run {
                        class: (*class).into(),
                        count: 1,
                    })
                    .collect(),
            }),
            payload: documents
                .iter()
                .flat_map(|(_, document)| document.to_vec().unwrap())
                .collect(),
        });
        let budget = Budget::new(Arc::clone(&self.memory));
        let (ack, _memory) = self
            .ingest
            .ingest(
                Arc::clone(&self.definition),
                context,
                IpAddr::from([127, 0, 0, 1]),
                transactions.collect(),
                budget,
            )
            .await?;
        let refused = ack.refused.iter().map(|one| {
            let one: realm_ingest_protocol::Refusal = serde_json::from_str(one.get()).unwrap();
            (one.seq, one.index, one.code)
        });
        Ok((ack.acked, refused.collect()))
    }

    pub async fn position(&self, sent: &Sent) -> i64 {
        self.sink.position(&sent.key()).await.unwrap()
    }
}

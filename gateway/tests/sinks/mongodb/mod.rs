//! The sink over a MongoDB server. Each test has databases of its own.

mod documents;
mod outages;
mod positions;
mod time_series;

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::{Document, doc};
use mongodb::Database;
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::ingest::{Batch, Checked, Context, Door, Form, Refusals, Run, Source, Transaction};
use realm_ingest_gateway::memory::Budget;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use realm_ingest_gateway::sink::{Outcome, Quota, Sink};
use realm_ingest_protocol::{RefusalCode, Violation};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tracing::Span;

use crate::common::outbox;
use crate::memory::Fault;
use crate::proxy::Proxy;
use crate::server::{Server, fresh_name};
use crate::stores::{APP, Faulty, Letter, Store, named};

/// A sink over databases of its own.
#[derive(Clone)]
pub struct Mongo {
    pub state: Database,
    pub data: Database,
}

/// The same, that reaches the server over a proxy.
pub struct Proxied {
    pub inner: Mongo,
    pub proxy: Proxy,
}

/// Every document of a collection.
pub async fn all(database: &Database, collection: &str) -> Vec<Document> {
    let mut cursor = database
        .collection::<Document>(collection)
        .find(doc! {})
        .await
        .unwrap();
    let mut all = Vec::new();
    while cursor.advance().await.unwrap() {
        all.push(cursor.deserialize_current().unwrap());
    }
    all
}

impl Mongo {
    pub async fn over(server: &Server) -> Self {
        let cluster = server.cluster().await;
        let name = fresh_name();
        Self {
            state: cluster.database(&format!("{name}_state")),
            data: cluster.database(&name),
        }
    }

    /// A sink that reaches the databases over a cluster.
    pub fn sink(&self, cluster: Cluster, quota: Quota) -> Arc<dyn Sink> {
        let state = cluster.database(self.state.name());
        Arc::new(MongoSink::with(&state, DataSources::new(cluster), quota))
    }
}

/// What the first transaction of an outbox of this number brings to a sink that checks nothing: documents of one class, of which
/// those at these indexes are refused already.
pub fn unchecked(store: &Mongo, number: u64, documents: &[Vec<u8>], refused: &[u32]) -> Arc<Batch> {
    unchecked_under(store.definition(), number, documents, refused)
}

/// The same behind the transaction of that number.
pub fn unchecked_after(after: i64, store: &Mongo, number: u64, documents: &[Vec<u8>]) -> Arc<Batch> {
    behind(after, store.definition(), number, documents, &[])
}

/// The same under another definition.
pub fn unchecked_under(
    definition: Definition,
    number: u64,
    documents: &[Vec<u8>],
    refused: &[u32],
) -> Arc<Batch> {
    behind(0, definition, number, documents, refused)
}

fn behind(
    after: i64,
    definition: Definition,
    number: u64,
    documents: &[Vec<u8>],
    refused: &[u32],
) -> Arc<Batch> {
    let seq = after + 1;
    let budget = Budget::new(Arc::new(Semaphore::new(1 << 28)));
    let mut refusals = Refusals::new(budget.another());
    for index in refused {
        let violation = Violation {
            code: RefusalCode::DocumentTooLarge,
            reason: "too large".to_owned(),
        };
        refusals.push(seq, *index, violation).unwrap();
    }
    let transaction = Transaction {
        seq,
        form: Arc::new(Form {
            schema: "schema".into(),
            runs: vec![Run {
                class: "Reading".into(),
                count: documents.len().try_into().unwrap(),
            }],
        }),
        payload: documents.concat().into(),
    };
    Arc::new(Batch {
        context: Context {
            door: Door::Http,
            app: APP.to_owned(),
            user: "user".to_owned(),
            source: Source {
                outbox: outbox(number),
                lineage: outbox(number),
                acked: after,
                after,
                device: None,
            },
        },
        definition: Arc::new(definition),
        transactions: vec![Checked::new(transaction, refused.to_vec())].into(),
        digest: [1; 16],
        received: 1,
        refused: refusals,
        span: Span::none(),
        budget,
    })
}

/// Stores a batch; the answer is what was refused of it, by index, code and reason.
pub async fn store(
    sink: &dyn Sink,
    batch: &Arc<Batch>,
) -> Result<Vec<(u32, RefusalCode, String)>, BackendError> {
    match sink.store(Arc::clone(batch)).await? {
        Outcome::Stored { found, .. } => {
            let found = found.as_slice().iter();
            Ok(found
                .map(|one| (one.index, one.code, one.reason.to_string()))
                .collect())
        }
        outcome => panic!("{outcome:?}"),
    }
}

impl Store for Mongo {
    async fn open(_: &TempDir, quota: Quota) -> (Arc<dyn Sink>, Self) {
        let server = Server::shared().await;
        let store = Self::over(server).await;
        (store.sink(server.cluster().await, quota), store)
    }

    async fn documents(&self) -> BTreeMap<String, Document> {
        let mut documents = BTreeMap::new();
        let mut stored = 0;
        for name in self.data.list_collection_names().await.unwrap() {
            for document in all(&self.data, &name).await {
                let (key, document) = named(&name, &document.to_vec().unwrap());
                documents.insert(key, document);
                stored += 1;
            }
        }
        assert_eq!(documents.len(), stored, "nothing is there twice");
        documents
    }

    async fn letters(&self) -> Vec<Letter> {
        let mut letters: Vec<_> = all(&self.state, "dead_letters")
            .await
            .iter()
            .map(letter)
            .collect();
        letters.sort();
        letters
    }

    async fn setbacks(&self) -> u64 {
        let outboxes = all(&self.state, "outboxes").await;
        let setbacks = outboxes.iter().map(|one| one.get_i64("setbacks").unwrap());
        setbacks.sum::<i64>().try_into().unwrap()
    }

    fn definition(&self) -> Definition {
        let mut definition = Definition::development(None);
        definition.sync.database = Some(self.data.name().to_owned());
        definition
    }
}

fn letter(record: &Document) -> Letter {
    let id = record.get_document("_id").unwrap();
    let text = |record: &Document, key| record.get_str(key).unwrap().to_owned();
    (
        text(id, "user"),
        text(id, "outbox"),
        id.get_i64("seq").unwrap(),
        id.get_i64("index").unwrap().try_into().unwrap(),
        text(record, "code"),
    )
}

impl Store for Proxied {
    async fn open(_: &TempDir, quota: Quota) -> (Arc<dyn Sink>, Self) {
        let server = Server::shared().await;
        let proxy = Proxy::before(server.uri()).await;
        let inner = Mongo::over(server).await;
        let cluster = Cluster::new(&proxy.uri().into()).await.unwrap();
        (inner.sink(cluster, quota), Self { inner, proxy })
    }

    async fn documents(&self) -> BTreeMap<String, Document> {
        self.inner.documents().await
    }

    async fn letters(&self) -> Vec<Letter> {
        self.inner.letters().await
    }

    async fn setbacks(&self) -> u64 {
        self.inner.setbacks().await
    }

    fn definition(&self) -> Definition {
        self.inner.definition()
    }
}

impl Faulty for Proxied {
    const FAULTS: &[Fault] = &[Fault::Before, Fault::After];

    fn fail(&self, step: usize, fault: Fault) {
        self.proxy.fail(step, fault);
    }

    fn has_failed(&self) -> bool {
        self.proxy.has_failed()
    }

    async fn letter_documents(&self) -> Vec<Vec<u8>> {
        let letters = all(&self.inner.state, "dead_letters").await;
        let document = |one: &Document| one.get_binary_generic("document").unwrap().clone();
        letters.iter().map(document).collect()
    }
}

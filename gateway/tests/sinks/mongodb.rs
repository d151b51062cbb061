//! The sink over a MongoDB server. Each test has databases of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use realm_ingest_gateway::sink::{Quota, Sink};
use tempfile::TempDir;

use crate::common::mongodb::{Server, fresh_name};
use crate::memory::Fault;
use crate::proxy::Proxy;
use crate::stores::{Faulty, Letter, Store, named};

/// A sink over databases of its own.
pub struct Mongo {
    pub state: Database,
    pub data: Database,
}

/// The same, that reaches the server over a proxy.
pub struct Proxied {
    inner: Mongo,
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
        let cluster = Cluster::new(&proxy.uri().parse().unwrap()).await.unwrap();
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

//! What tests of the gateway share: a schema, batches, and a gateway without a socket.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod http;
pub mod mails;
pub mod scrape;
pub mod server;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use bson::oid::ObjectId;
use bson::{Bson, doc};
use http_body_util::BodyExt;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::{Arrival, EmbeddedSink, Reader};
use realm_ingest_gateway::sink::{DeadLetter, Quota, Which};
use realm_ingest_gateway::state::EmbeddedState;
use realm_ingest_gateway::{Gateway, Settings, app};
use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{Ack, BatchHeader, CONTENT_TYPE, Run, Schema, TransactionHeader};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub const APP: &str = "/api/client/v2.0/app/test-abcde";

/// A class of readings, one of notes with text keys, and one that is embedded.
pub fn schema() -> Schema {
    let json = r#"{"classes":[
        {"name":"Place","kind":"embedded","properties":[{"name":"name","type":"string"}]},
        {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},{"name":"value","type":"double"},
            {"name":"note","type":"string","optional":true},{"name":"place","type":"object","object":"Place"}]},
        {"name":"Note","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"string"},{"name":"text","type":"string"}]}]}"#;
    Schema::parse(json).unwrap()
}

/// An outbox's name out of a number.
pub fn outbox(number: u64) -> String {
    format!("{number:032x}")
}

pub fn reading(value: f64) -> bson::Document {
    doc! {"_id": ObjectId::new(), "value": value, "note": Bson::Null}
}

pub fn note(id: &str, text: &str) -> bson::Document {
    doc! {"_id": id, "text": text}
}

/// One transaction: its number and its documents by class.
pub type Transaction = (i64, Vec<(&'static str, Vec<Vec<u8>>)>);

pub fn bytes(documents: &[bson::Document]) -> Vec<Vec<u8>> {
    documents
        .iter()
        .map(|document| document.to_vec().unwrap())
        .collect()
}

/// A transaction with documents of one class.
pub fn one_run(seq: i64, class: &'static str, documents: &[bson::Document]) -> Transaction {
    (seq, vec![(class, bytes(documents))])
}

/// The body of a batch of an outbox that always sends everything it ever wrote, not compressed.
pub fn batch(outbox: &str, schema: &Schema, transactions: &[Transaction]) -> Vec<u8> {
    batch_of((outbox, outbox, 0), schema, transactions)
}

/// The same under a lineage and after acknowledgements: `origin` is the outbox, its lineage and what was acknowledged.
pub fn batch_of(origin: (&str, &str, i64), schema: &Schema, transactions: &[Transaction]) -> Vec<u8> {
    body(&header_of(origin, schema, transactions), transactions)
}

/// The header of these transactions, from a device that says nothing of itself.
pub fn header_of(origin: (&str, &str, i64), schema: &Schema, transactions: &[Transaction]) -> BatchHeader {
    let (outbox, lineage, acked) = origin;
    let count = transactions
        .iter()
        .flat_map(|(_, runs)| runs)
        .map(|(_, documents)| documents.len() as u64)
        .sum();
    BatchHeader {
        outbox: outbox.to_owned(),
        lineage: lineage.to_owned(),
        acked,
        after: acked,
        first_seq: transactions.first().unwrap().0,
        last_seq: transactions.last().unwrap().0,
        count,
        schemas: vec![schema.fingerprint()],
        device: None,
    }
}

/// The body of a batch with this header.
pub fn body(header: &BatchHeader, transactions: &[Transaction]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_batch_header(header, &mut out);
    for (seq, runs) in transactions {
        let header = runs.iter().map(|(class, documents)| Run {
            class: (*class).to_owned(),
            count: u32::try_from(documents.len()).unwrap(),
        });
        let header = TransactionHeader {
            seq: *seq,
            schema: 0,
            runs: header.collect(),
        };
        encode_transaction_header(&header, &mut out);
        out.extend(runs.iter().flat_map(|(_, documents)| documents).flatten());
    }
    out
}

/// Files that a gateway of release 0.1.0 wrote: twice what examples/send_batch.py sends.
pub fn format_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-1")
}

/// Copies the files of a directory into another.
pub fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// An answer with its JSON, null if there was none.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn ack(&self) -> Ack {
        assert_eq!(self.status, 200, "{:?}", self.json);
        serde_json::from_value(self.json.clone()).unwrap()
    }

    /// Checks a refusal's status, shape, code and text.
    #[track_caller]
    pub fn refused(&self, status: u16, code: Option<&str>, text: &str) {
        assert_eq!(
            (self.status, self.json["error_code"].as_str()),
            (status, code),
            "{:?}",
            self.json
        );
        assert_eq!(
            self.header("content-type"),
            "application/json",
            "clients look at nothing else"
        );
        assert!(
            self.json["error"].as_str().unwrap().contains(text),
            "{:?} has no '{text}'",
            self.json["error"]
        );
        assert!(self.json["link"].is_string());
    }
}

/// Every stored document, in the order of arrival.
pub fn arrivals(reader: &Reader) -> Vec<Arrival> {
    let mut all: Vec<Arrival> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.seq);
        let more = reader.documents(None, after, i64::MAX, 1_000).unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Every dead letter, in the order of arrival.
pub fn letters(reader: &Reader) -> Vec<DeadLetter> {
    let mut letters = Vec::new();
    let keep = |letter| {
        letters.push(letter);
        Ok::<_, rusqlite::Error>(ControlFlow::Continue(()))
    };
    reader.each_dead_letter(&Which::default(), keep).unwrap();
    letters
}

/// A gateway in this process, with a directory of its own, behind its router.
pub struct Local {
    pub gateway: Arc<Gateway>,
    pub router: Router,
    directory: Arc<TempDir>,
}

impl Local {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::over(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// Over data that is there.
    pub async fn over(directory: Arc<TempDir>, settings: Settings) -> Self {
        let gateway = Gateway::open(directory.path(), settings).await.unwrap();
        Self::behind_router(gateway, directory)
    }

    /// With one app, and a directory of its own for it.
    pub async fn of(definition: Definition, settings: Settings) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mut gateway = Gateway::new(settings).unwrap();
        gateway.add_directory(definition, directory.path()).await.unwrap();
        Self::behind_router(gateway, directory)
    }

    pub fn behind_router(gateway: Gateway, directory: Arc<TempDir>) -> Self {
        let gateway = Arc::new(gateway);
        Self {
            router: app(Arc::clone(&gateway)),
            gateway,
            directory,
        }
    }

    /// With another quota of dead letters.
    pub async fn with_quota(quota: Quota) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(directory.path()).unwrap());
        let sink = Arc::new(EmbeddedSink::with(directory.path(), quota).unwrap());
        let mut gateway = Gateway::new(Settings::default()).unwrap();
        let definition = Definition::development(None);
        gateway.add(definition, state, sink).await.unwrap();
        Self::behind_router(gateway, Arc::new(directory))
    }

    /// Closes the gateway and opens it again over the same data.
    pub async fn restart(self) -> Self {
        Self::over(self.close(), Settings::default()).await
    }

    /// Closes the gateway; its data stays as long as the answer.
    pub fn close(self) -> Arc<TempDir> {
        Arc::clone(&self.directory)
    }

    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let json = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
        }
    }

    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json;charset=utf-8");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// The login answer of a new anonymous user.
    pub async fn log_in(&self) -> Value {
        let answer = self
            .call("POST", &format!("{APP}/auth/providers/anon-user/login"), None, "")
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        answer.json
    }

    /// The access token of a new anonymous user.
    pub async fn token(&self) -> String {
        self.log_in().await["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn put_schema(&self, token: &str, schema: &Schema) -> Answer {
        let path = format!("{APP}/ingest/schemas/{}", schema.fingerprint());
        self.call("PUT", &path, Some(token), &schema.to_json()).await
    }

    /// A user whose schema is known.
    pub async fn ready(&self) -> String {
        let token = self.token().await;
        assert_eq!(self.put_schema(&token, &schema()).await.status, 204);
        token
    }

    pub async fn post(&self, token: &str, encoding: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder()
            .method("POST")
            .uri(format!("{APP}/ingest"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", CONTENT_TYPE)
            .header("content-encoding", encoding);
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn position(&self, token: &str, outbox: &str) -> i64 {
        let answer = self
            .call("GET", &format!("{APP}/ingest/{outbox}"), Some(token), "")
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        answer.json["position"].as_i64().unwrap()
    }

    pub fn reader(&self) -> Reader {
        Reader::open(self.data()).unwrap()
    }

    /// Every stored document, decoded, in the order of arrival.
    pub fn stored(&self) -> Vec<bson::Document> {
        arrivals(&self.reader())
            .iter()
            .map(|one| bson::Document::from_reader(&one.document[..]).unwrap())
            .collect()
    }

    /// Every dead letter, in the order of arrival.
    pub fn letters(&self) -> Vec<DeadLetter> {
        letters(&self.reader())
    }

    /// Number of documents and of dead letters.
    pub fn counts(&self) -> (usize, usize) {
        (self.stored().len(), self.letters().len())
    }
}

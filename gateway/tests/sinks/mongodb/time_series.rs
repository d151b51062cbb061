//! Collections in which nothing keeps the database from taking a document twice. The server of the tests makes an ordinary one of
//! them, so what counts is that it never has to refuse one.

use std::time::Duration;

use bson::{DateTime, Document, doc};
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::clock;
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::{Collection, DataSource, Definition, TimeSeries};
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoOperator, MongoSink};
use realm_ingest_gateway::sink::{Operator, Quota, Sink as _, Which};
use realm_ingest_protocol::RefusalCode;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::{Mongo, all, unchecked_under};
use crate::common::{bytes, outbox};
use crate::memory::Fault;
use crate::proxy::Proxy;
use crate::server::Server;
use crate::stores::{APP, Store};

const LIMIT: Duration = Duration::from_secs(1);

/// The class `Reading` goes to a time-series collection of another name.
fn definition(store: &Mongo) -> Definition {
    let mut definition = store.definition();
    let source = definition.synced().unwrap();
    let readings = Collection {
        database: store.data.name().to_owned(),
        name: "readings".to_owned(),
        class: Some("Reading".to_owned()),
        schema: None,
        rules: source.default_rules.clone(),
        relationships: [].into(),
        time_series: Some(TimeSeries {
            time_field: "at".to_owned(),
            meta_field: Some("station".to_owned()),
            granularity: None,
            expire_after_seconds: None,
        }),
    };
    let source = DataSource::new(source.name.clone(), source.default_rules.clone(), vec![readings]);
    definition.data_sources = [(source.name.clone(), source)].into();
    definition
}

fn reading(id: i32, at: i64, value: f64) -> Document {
    doc! {"_id": id, "at": DateTime::from_millis(at), "station": {"name": "a"}, "value": value}
}

async fn over(store: &Mongo, cluster: Cluster) -> MongoSink {
    let state = cluster.database(store.state.name());
    MongoSink::new(&state, DataSources::new(cluster)).within(LIMIT)
}

#[tokio::test]
async fn measurements_are_stored_once_whatever_is_lost() {
    let server = Server::shared().await;
    let sent = bytes(&[reading(1, 10, 1.0), reading(2, 20, 2.0), reading(3, 30, 3.0)]);
    for fault in [Fault::Before, Fault::After] {
        for step in 0.. {
            let proxy = Proxy::before(server.uri()).await;
            let store = Mongo::over(server).await;
            let sink = over(&store, Cluster::new(&proxy.uri().into()).await.unwrap()).await;
            let other = bytes(&[reading(2, 20, 0.0)]);
            super::store(&sink, &unchecked_under(definition(&store), 1, &other, &[]))
                .await
                .unwrap();
            let batch = unchecked_under(definition(&store), 2, &sent, &[]);
            proxy.fail(step, fault);
            let refused = loop {
                match super::store(&sink, &batch).await {
                    Ok(refused) => break refused,
                    Err(error) => assert!(matches!(error, BackendError::Unavailable(_)), "{error}"),
                }
                tokio::time::sleep(LIMIT / 10).await;
            };
            if !proxy.has_failed() {
                assert!(step >= 5, "position, intent, look, insert, end, position");
                break;
            }
            let told: Vec<_> = refused.iter().map(|(index, code, _)| (*index, *code)).collect();
            assert_eq!(told, [(1, RefusalCode::DuplicateId)], "step {step} {fault:?}");
            assert_eq!(
                all(&store.data, "readings").await.len(),
                3,
                "step {step} {fault:?}"
            );
            assert_eq!(proxy.write_errors("readings"), 0, "step {step} {fault:?}");
        }
    }
}

#[tokio::test]
async fn the_first_of_two_measurements_with_one_id_and_time_stands() {
    let server = Server::shared().await;
    let proxy = Proxy::before(server.uri()).await;
    let store = Mongo::over(server).await;
    let sink = over(&store, Cluster::new(&proxy.uri().into()).await.unwrap()).await;
    let same_otherwise_ordered = doc! {
        "at": DateTime::from_millis(10), "value": 1.0, "_id": 1, "station": {"name": "a"},
    };
    let sent = bytes(&[reading(1, 10, 1.0), same_otherwise_ordered, reading(1, 10, 2.0)]);
    let batch = unchecked_under(definition(&store), 1, &sent, &[]);
    for _ in 0..2 {
        let refused = super::store(&sink, &batch).await.unwrap();
        let told: Vec<_> = refused.iter().map(|(index, code, _)| (*index, *code)).collect();
        assert_eq!(told, [(2, RefusalCode::DuplicateId)]);
        assert_eq!(all(&store.data, "readings").await, [reading(1, 10, 1.0)]);
    }
    assert_eq!(proxy.write_errors("readings"), 0);
}

#[tokio::test]
async fn one_request_of_an_outbox_at_a_time_stores_measurements() {
    let server = Server::shared().await;
    let store = Mongo::over(server).await;
    let sink = store.sink(server.cluster().await, Quota::default());
    let batch = unchecked_under(definition(&store), 1, &bytes(&[reading(1, 10, 1.0)]), &[]);
    let intents = store.state.collection::<Document>("intents");
    let id = doc! {"app": APP, "user": "user", "outbox": outbox(1)};
    let until = |until: DateTime| doc! {"_id": id.clone(), "token": "another's", "until": until};
    let soon = DateTime::from_millis(clock::unix_millis() + 80_000);
    intents.insert_one(until(soon)).await.unwrap();
    let error = sink.store(batch.clone()).await.unwrap_err();
    assert!(error.to_string().contains("are being stored"), "{error}");
    assert_eq!(all(&store.data, "readings").await.len(), 0);
    // It has run out.
    intents
        .replace_one(doc! {"_id": id.clone()}, until(DateTime::from_millis(1)))
        .await
        .unwrap();
    assert!(sink.store(batch).await.unwrap().is_stored());
    assert_eq!(all(&store.data, "readings").await.len(), 1);
    assert_eq!(intents.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn an_intent_of_a_clock_that_was_ahead_holds_nobody_up() {
    let server = Server::shared().await;
    let store = Mongo::over(server).await;
    let sink = store.sink(server.cluster().await, Quota::default());
    let batch = unchecked_under(definition(&store), 1, &bytes(&[reading(1, 10, 1.0)]), &[]);
    let id = doc! {"app": APP, "user": "user", "outbox": outbox(1)};
    // A request failed under it, and the clock was put right since.
    let until = DateTime::from_millis(clock::unix_millis() + 24 * 60 * 60 * 1000);
    let left = doc! {"_id": id, "token": "another's", "until": until};
    let intents = store.state.collection::<Document>("intents");
    intents.insert_one(left).await.unwrap();
    assert!(sink.store(batch).await.unwrap().is_stored());
    assert_eq!(all(&store.data, "readings").await, [reading(1, 10, 1.0)]);
    assert_eq!(intents.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn letters_that_are_replayed_are_stored_once() {
    let server = Server::shared().await;
    let store = Mongo::over(server).await;
    let sink = over(&store, server.cluster().await).await;
    let sent = bytes(&[reading(1, 10, 1.0), reading(2, 20, 2.0), reading(3, 30, 3.0)]);
    let batch = unchecked_under(definition(&store), 1, &sent, &[1, 2]);
    super::store(&sink, &batch).await.unwrap();
    // As when a replay was cut off: it is stored, and a letter still.
    let readings = store.data.collection("readings");
    readings.insert_one(reading(2, 20, 2.0)).await.unwrap();
    let sources = DataSources::new(server.cluster().await);
    let operator = MongoOperator::new(Handle::current(), &store.state, sources, APP);
    let definition = definition(&store);
    let replayed =
        spawn_blocking(move || operator.replay(&Which::default(), &definition, &|_| Ok(()), &mut |_| ()));
    assert_eq!(replayed.await.unwrap().unwrap().stored, 2);
    assert_eq!(all(&store.data, "readings").await.len(), 3);
    assert_eq!(store.letters().await, []);
    assert_eq!(all(&store.state, "intents").await, []);
}

#[tokio::test]
async fn a_batch_whose_client_leaves_is_stored_and_holds_its_outbox_up_no_longer() {
    let server = Server::shared().await;
    let proxy = Proxy::before(server.uri()).await;
    let store = Mongo::over(server).await;
    let cluster = Cluster::new(&proxy.uri().into()).await.unwrap();
    let sink = MongoSink::new(&cluster.database(store.state.name()), DataSources::new(cluster));
    let batch = unchecked_under(definition(&store), 1, &bytes(&[reading(1, 10, 1.0)]), &[]);
    let gate = proxy.hold("readings");
    tokio::select! {
        biased;
        () = gate.reached() => {}
        answer = sink.store(batch.clone()) => panic!("{answer:?}"),
    }
    gate.open();
    let ended = async { while sink.position(&(&batch.context).into()).await.unwrap() < 1 {} };
    // An intent that is left lasts longer than this.
    tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .unwrap();
    assert_eq!(all(&store.state, "intents").await, []);
    assert_eq!(super::store(&sink, &batch).await.unwrap(), []);
    assert_eq!(all(&store.data, "readings").await, [reading(1, 10, 1.0)]);
}

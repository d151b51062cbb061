//! Positions of many outboxes, which go to the database together, and which another gateway moves meanwhile.

use std::sync::Arc;

use bson::doc;
use realm_ingest_gateway::sink::{OutboxKey, Quota, Sink};
use tokio::task::JoinSet;

use super::{Mongo, all, unchecked_after};
use crate::common::outbox;
use crate::server::Server;
use crate::stores::APP;

const OUTBOXES: u64 = 60;

fn reading(number: u64, after: i64) -> Vec<Vec<u8>> {
    vec![doc! {"_id": format!("{number} {after}")}.to_vec().unwrap()]
}

/// Stores the transaction behind `after` of every outbox of these numbers at once; all of them are taken.
async fn store_all(sink: &Arc<dyn Sink>, store: &Mongo, after: i64, numbers: impl Iterator<Item = u64>) {
    let mut tasks = JoinSet::new();
    for number in numbers {
        let (sink, batch) = (
            Arc::clone(sink),
            unchecked_after(after, store, number, &reading(number, after)),
        );
        tasks.spawn(async move { sink.store(batch).await.unwrap() });
    }
    while let Some(outcome) = tasks.join_next().await {
        let outcome = outcome.unwrap();
        assert!(outcome.is_stored(), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outbox_moves_whatever_becomes_of_those_it_goes_with() {
    let server = Server::shared().await;
    let store = Mongo::over(server).await;
    let one = store.sink(server.cluster().await, Quota::default());
    let other = store.sink(server.cluster().await, Quota::default());
    store_all(&one, &store, 0, 0..OUTBOXES).await;
    // Of every third one the other gateway is a transaction ahead, of another third two, of which the first does not know.
    store_all(&other, &store, 1, (0..OUTBOXES).filter(|number| number % 3 != 0)).await;
    store_all(&other, &store, 2, (0..OUTBOXES).filter(|number| number % 3 == 2)).await;
    store_all(&one, &store, 1, 0..OUTBOXES).await;
    for number in 0..OUTBOXES {
        let key = OutboxKey {
            app: APP.to_owned(),
            user: "user".to_owned(),
            outbox: outbox(number),
        };
        let position = if number % 3 == 2 { 3 } else { 2 };
        assert_eq!(other.position(&key).await.unwrap(), position, "outbox {number}");
    }
    store_all(&one, &store, 3, (0..OUTBOXES).filter(|number| number % 3 == 2)).await;
    store_all(&one, &store, 2, (0..OUTBOXES).filter(|number| number % 3 != 2)).await;
    let stored = all(&store.data, "Reading").await.len() as u64;
    assert_eq!(stored, OUTBOXES * 3 + OUTBOXES / 3);
}

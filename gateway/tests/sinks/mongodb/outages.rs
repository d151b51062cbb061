//! A MongoDB server that is killed, does not answer, or cannot say that a majority has what it was given.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::ingest::IngestError;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use realm_ingest_gateway::sink::{Amount, Quota, Sink};

use super::{Mongo, Proxied, unchecked, unchecked_under};
use crate::common::{bytes, note, outbox};
use crate::server::Server;
use crate::stores::{APP, Core, Sent, Store};

/// How many letters are counted of a user.
async fn counted(store: &Mongo, user: &str) -> Vec<i64> {
    let mut counts = super::all(&store.state, "letter_counts").await;
    counts.retain(|one| one.get_document("_id").unwrap().get_str("user").unwrap() == user);
    let letters = counts.iter().map(|one| one.get_i64("letters").unwrap());
    letters.collect()
}

fn one(seq: i64) -> Sent {
    Sent {
        after: seq - 1,
        ..Sent::new(&[(seq, &[("Note", note(&seq.to_string(), "text"))])])
    }
}

#[tokio::test]
async fn what_a_majority_may_not_have_is_not_acknowledged_and_sent_again() {
    let core = Core::<Proxied>::new().await;
    core.store.proxy.without_majority(true);
    let error = core.send(&one(1)).await.unwrap_err();
    assert!(
        error.to_string().contains("has not made the documents durable"),
        "{error}"
    );
    assert_eq!(core.position(&one(1)).await, 0);
    core.store.proxy.without_majority(false);
    core.send(&one(1)).await.unwrap();
    assert_eq!(
        (core.store.documents().await.len(), core.position(&one(1)).await),
        (1, 1)
    );
}

#[tokio::test]
async fn of_two_gateways_each_takes_what_the_other_has_not_seen() {
    let core = Core::<Mongo>::new().await;
    let other = core
        .store
        .sink(Server::shared().await.cluster().await, Quota::default());
    let other = Core::over(other, &core.store).await;
    for seq in (1..=6).step_by(2) {
        core.send(&one(seq)).await.unwrap();
        other.send(&one(seq + 1)).await.unwrap();
        let again = core.send(&one(seq)).await.unwrap();
        assert_eq!(again, (seq, vec![]));
    }
    let ahead = Sent { after: 7, ..one(8) };
    let hole = core.send(&ahead).await.unwrap_err();
    assert!(matches!(hole, IngestError::Hole { position: 6 }), "{hole}");
    assert_eq!(core.store.documents().await.len(), 6);
}

#[tokio::test]
async fn a_database_that_does_not_answer_lets_a_batch_come_again() {
    let server = Server::own().await;
    let store = Mongo::over(&server).await;
    let cluster = server.cluster().await;
    let state = cluster.database(store.state.name());
    let limit = Duration::from_secs(1);
    let sink = MongoSink::new(&state, DataSources::new(cluster)).within(limit);
    let batch = |number: u64| unchecked(&store, number, &bytes(&[note(&outbox(number), "text")]), &[]);
    sink.store(batch(1)).await.unwrap();
    server.pause().await;
    for number in 1..4 {
        let answer = sink.store(batch(number)).await;
        assert!(matches!(answer, Err(BackendError::Unavailable(_))), "{answer:?}");
    }
    assert!(sink.probe().await.is_err());
    server.resume().await;
    let sink = store.sink(server.cluster().await, Quota::default());
    for number in 1..4 {
        assert!(sink.store(batch(number)).await.unwrap().is_stored());
    }
    sink.probe().await.unwrap();
    assert_eq!(super::all(&store.data, "Reading").await.len(), 3);
}

#[tokio::test]
async fn a_deployment_that_does_not_answer_holds_up_no_other() {
    let (server, hung) = (Server::shared().await, Server::own().await);
    let (store, cluster) = (Mongo::over(server).await, server.cluster().await);
    let sources = DataSources::new(cluster.clone()).with("hung".to_owned(), hung.cluster().await);
    let limit = Duration::from_secs(4);
    let sink = MongoSink::new(&cluster.database(store.state.name()), sources).within(limit);
    let sink = Arc::new(sink);
    let to_hung = |number: u64| {
        let mut definition = store.definition();
        definition.sync.data_source = Some("hung".to_owned());
        let empty = note(&outbox(number), "").to_vec().unwrap().len();
        let document = note(&outbox(number), &"x".repeat(8 * 1024 * 1024 - empty));
        let batch = unchecked_under(definition, number, &bytes(&[document]), &[]);
        let sink = Arc::clone(&sink);
        tokio::spawn(async move { sink.store(batch).await })
    };
    assert!(to_hung(1).await.unwrap().unwrap().is_stored());
    hung.pause().await;
    // Eight of them are all that is on its way at a time, to the byte.
    let waiting: Vec<_> = (2..14).map(to_hung).collect();
    let mut number = 100;
    while waiting.iter().any(|one| !one.is_finished()) {
        number += 1;
        let batch = unchecked(&store, number, &bytes(&[note(&outbox(number), "text")]), &[]);
        assert!(sink.store(batch).await.unwrap().is_stored());
    }
    for one in waiting {
        let answer = one.await.unwrap();
        assert!(matches!(answer, Err(BackendError::Unavailable(_))), "{answer:?}");
    }
    hung.resume().await;
}

#[tokio::test]
async fn what_is_acknowledged_outlives_every_kill_and_nothing_is_there_twice() {
    const LAST: i64 = 300;
    let server = Arc::new(Server::own().await);
    let store = Mongo::over(&server).await;
    let sink = store.sink(server.cluster().await, Quota::default());
    let core = Core::over(sink, &store).await;
    let sending = async {
        for seq in 1..=LAST {
            while let Err(error) = core.send(&one(seq)).await {
                assert!(matches!(error, IngestError::Backend(_)), "{error}");
                tokio::task::yield_now().await;
            }
        }
    };
    let killing = async {
        for _ in 0..3 {
            let position = core.sink.position(&one(1).key()).await.unwrap();
            // Some more are on their way when it comes.
            while core.sink.position(&one(1).key()).await.unwrap() < (position + 20).min(LAST) {}
            server.kill().await;
            server.restart().await;
            let acknowledged = core.position(&one(1)).await;
            let there = store.documents().await.len();
            assert!(
                i64::try_from(there).unwrap() >= acknowledged,
                "{there} of {acknowledged}"
            );
        }
    };
    tokio::join!(sending, killing);
    assert_eq!(
        (store.documents().await.len(), core.position(&one(1)).await),
        (300, LAST)
    );
}

#[tokio::test]
async fn letters_that_were_counted_and_not_kept_hold_nobody_up() {
    counted_and_not_kept_of("user").await;
}

#[tokio::test]
async fn letters_that_were_counted_of_another_user_and_not_kept_hold_nobody_up() {
    counted_and_not_kept_of("other").await;
}

async fn counted_and_not_kept_of(user: &str) {
    let few = Amount {
        letters: 3,
        bytes: u64::MAX,
    };
    let core = Core::<Mongo>::with(Quota {
        of_user: few,
        in_all: few,
        of_its_own: Amount { letters: 0, bytes: 0 },
    })
    .await;
    let counts = core.store.state.collection::<Document>("letter_counts");
    let crashed =
        [user, ""].map(|user| doc! {"_id": {"app": APP, "user": user}, "letters": 9_i64, "bytes": 9_i64});
    counts.insert_many(crashed).await.unwrap();
    let refused = |outbox| Sent {
        outbox,
        ..Sent::new(&[(1, &[("Note", doc! {"_id": "bad", "text": 5})])])
    };
    for outbox in 1..=3 {
        core.send(&refused(outbox)).await.unwrap();
    }
    core.send(&refused(4)).await.unwrap_err();
    for user in ["user", ""] {
        assert_eq!(counted(&core.store, user).await, [3], "of '{user}'");
    }
    assert_eq!(core.store.letters().await.len(), 3);
}

#[tokio::test]
async fn a_batch_that_two_gateways_store_at_the_same_time_is_stored_and_counted_once() {
    let server = Server::shared().await;
    for _ in 0..20 {
        let store = Mongo::over(server).await;
        let one = store.sink(server.cluster().await, Quota::default());
        let other = store.sink(server.cluster().await, Quota::default());
        // Both are connected.
        tokio::try_join!(one.probe(), other.probe()).unwrap();
        let documents = bytes(&[
            doc! {"_id": 1},
            doc! {"_id": 2},
            doc! {"_id": 2, "value": 1},
            doc! {"_id": 3},
        ]);
        let batch = unchecked(&store, 1, &documents, &[1]);
        let (one, other) = tokio::join!(super::store(&*one, &batch), super::store(&*other, &batch));
        assert_eq!((one.unwrap(), other.unwrap()), (vec![], vec![]));
        assert_eq!(super::all(&store.data, "Reading").await.len(), 3);
        assert_eq!(store.letters().await.len(), 1);
        for user in ["user", ""] {
            assert_eq!(counted(&store, user).await, [1], "of '{user}'");
        }
        assert_eq!(super::all(&store.state, "outboxes").await.len(), 1);
    }
}

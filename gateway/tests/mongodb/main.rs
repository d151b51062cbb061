//! What other tests may rely on about the MongoDB servers that they run against.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mongodb.rs"]
mod server;

mod census;
mod user_data;

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Collection;
use server::Server;

async fn readings(server: &Server) -> Collection<Document> {
    server.database().await.collection("readings")
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    let server = Server::own().await;
    let readings = readings(&server).await;
    for number in 0..20 {
        readings
            .insert_one(doc! {"_id": number, "value": 1.5})
            .await
            .unwrap();
    }
    server.kill().await;
    let answer = tokio::time::timeout(Duration::from_millis(100), readings.find_one(doc! {})).await;
    assert!(!matches!(answer, Ok(Ok(_))), "answered: {answer:?}");
    server.restart().await;
    assert_eq!(readings.count_documents(doc! {}).await.unwrap(), 20);
    let last = readings.find_one(doc! {"_id": 19}).await.unwrap();
    assert_eq!(last, Some(doc! {"_id": 19, "value": 1.5}));
}

#[tokio::test]
async fn a_paused_server_answers_when_it_is_resumed() {
    let server = Server::own().await;
    let readings = readings(&server).await;
    readings.insert_one(doc! {"_id": 1}).await.unwrap();
    server.pause().await;
    let mut asked = Box::pin(async { readings.insert_one(doc! {"_id": 2}).await });
    let answer = tokio::time::timeout(Duration::from_millis(100), asked.as_mut()).await;
    assert!(answer.is_err(), "answered: {answer:?}");
    server.resume().await;
    asked.await.unwrap();
}

#[tokio::test]
async fn tests_that_share_a_server_see_nothing_of_each_other() {
    let server = Server::shared().await;
    let (one, other) = (readings(server).await, readings(server).await);
    one.insert_one(doc! {"_id": 1}).await.unwrap();
    assert_eq!(other.count_documents(doc! {}).await.unwrap(), 0);
}

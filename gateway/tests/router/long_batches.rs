//! Batches of so many documents that the store takes its time over them.

use std::sync::Arc;

use bson::doc;
use tokio::task::JoinHandle;

use crate::common::{
    Answer, Local, Transaction, batch, body, bytes, header_of, note, one_run, outbox, schema,
};

fn long(count: usize) -> Transaction {
    let documents: Vec<_> = (0..count).map(|number| note(&number.to_string(), "")).collect();
    one_run(1, "Note", &documents)
}

/// Begins to send a batch of outbox 1 that the embedded store takes in many slices, and returns when the first is stored.
async fn begin(local: &Arc<Local>, token: &str) -> JoinHandle<Answer> {
    let body = batch(&outbox(1), &schema(), &[long(200_000)]);
    let (sender, token) = (Arc::clone(local), token.to_owned());
    let sent = tokio::spawn(async move { sender.post(&token, "identity", body).await });
    let reader = local.reader();
    while reader.documents(None, 0, i64::MAX, 1).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test]
async fn a_neighbour_is_answered_while_a_long_batch_is_being_stored() {
    let local = Arc::new(Local::new().await);
    let (token, neighbour) = (local.ready().await, local.ready().await);
    let sent = begin(&local, &token).await;
    let body = batch(&outbox(2), &schema(), &[one_run(1, "Note", &[note("short", "")])]);
    let answer = local.post(&neighbour, "identity", body).await;
    assert!(!sent.is_finished(), "it is not stored yet");
    assert_eq!(answer.ack().acked, 1);
    assert_eq!(sent.await.unwrap().ack().acked, 1);
    assert_eq!(local.position(&token, &outbox(1)).await, 1);
}

#[tokio::test]
async fn what_an_outbox_sends_behind_its_long_batch_is_taken_behind_it() {
    let local = Arc::new(Local::new().await);
    let token = local.ready().await;
    let sent = begin(&local, &token).await;
    let next = [one_run(2, "Note", &[note("next", "")])];
    let mut header = header_of((&outbox(1), &outbox(1), 0), &schema(), &next);
    header.after = 1;
    let next = body(&header, &next);
    assert_eq!(local.post(&token, "identity", next).await.ack().acked, 2);
    assert_eq!(sent.await.unwrap().ack().acked, 1);
    assert_eq!(local.position(&token, &outbox(1)).await, 2);
}

#[tokio::test]
async fn a_long_batch_keeps_what_is_refused_of_it_and_is_answered_the_same_again() {
    let local = Arc::new(Local::new().await);
    let token = local.ready().await;
    let taken = one_run(1, "Note", &[note("7", "first")]);
    let body = batch(&outbox(2), &schema(), &[taken]);
    assert_eq!(local.post(&token, "identity", body).await.status, 200);
    // The last thousands are of the wrong type.
    let (seq, mut runs) = long(50_000);
    let wrong: Vec<_> = (0..30_000).map(|number| doc! {"_id": number}).collect();
    runs.push(("Note", bytes(&wrong)));
    let body = batch(&outbox(1), &schema(), &[(seq, runs)]);
    let first = local.post(&token, "identity", body.clone()).await;
    assert_eq!(first.ack().refused.len(), 30_001);
    assert_eq!(local.post(&token, "identity", body).await.json, first.json);
    assert_eq!(local.counts(), (50_000, 30_001));
    let counted = &local.reader().stats().unwrap().collections;
    assert_eq!(counted.iter().map(|one| one.documents).sum::<u64>(), 50_000);
}

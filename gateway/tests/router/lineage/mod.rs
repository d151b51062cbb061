//! What is sent again is told from what a copy of the outbox sends; neither loses anything.

mod clones;
mod format_1;
mod turned_back;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::doc;
use realm_ingest_gateway::Settings;
use rusqlite::{Connection, params};

use crate::common::{
    Answer, Local, Transaction, batch_of, copy_files, format_1, note, one_run, outbox, schema,
};

/// A name that was never given before, as a device draws it.
fn fresh() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0xA000);
    outbox(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An outbox as a device has it; its clone is what a copy of the file is.
#[derive(Clone)]
struct Device {
    outbox: String,
    lineage: String,
    acked: i64,
    rows: Vec<Transaction>,
    next: i64,
}

impl Device {
    fn new() -> Self {
        Self {
            outbox: fresh(),
            lineage: fresh(),
            acked: 0,
            rows: Vec::new(),
            next: 1,
        }
    }

    fn write(&mut self, ids: &[&str]) {
        for id in ids {
            self.rows.push(one_run(self.next, "Note", &[note(id, "x")]));
            self.next += 1;
        }
    }

    fn batch(&self, rows: std::ops::Range<usize>) -> Vec<u8> {
        batch_of(
            (&self.outbox, &self.lineage, self.acked),
            &schema(),
            &self.rows[rows],
        )
    }

    /// Sends everything; the answer gets lost.
    async fn post(&self, gateway: &Local, token: &str) -> Answer {
        gateway
            .post(token, "identity", self.batch(0..self.rows.len()))
            .await
    }

    fn settle(&mut self) {
        self.acked = self.rows.last().unwrap().0;
        self.rows.clear();
        self.lineage = fresh();
    }

    /// Sends everything and removes it.
    async fn send(&mut self, gateway: &Local, token: &str) {
        let ack = self.post(gateway, token).await.ack();
        assert_eq!(ack.acked, self.rows.last().unwrap().0);
        self.settle();
    }

    /// Is told that it is a copy, and that changed nothing; takes another name and sends again.
    async fn send_as_a_copy(&mut self, gateway: &Local, token: &str) {
        let (counts, position) = (gateway.counts(), gateway.position(token, &self.outbox).await);
        let answer = self.post(gateway, token).await;
        answer.refused(409, Some("OutboxCopied"), "needs a name of its own");
        assert_eq!(gateway.counts(), counts);
        assert_eq!(gateway.position(token, &self.outbox).await, position);
        (self.outbox, self.lineage, self.acked) = (fresh(), fresh(), 0);
        self.send(gateway, token).await;
    }
}

/// The ids of the stored notes, in the order of arrival.
fn ids(gateway: &Local) -> Vec<String> {
    let id = |document: &bson::Document| document.get_str("_id").unwrap().to_owned();
    gateway.stored().iter().map(id).collect()
}

#[tokio::test]
async fn a_batch_is_taken_again_however_it_is_cut() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1", "2", "3", "4"]);
    for cut in [0..2, 0..2, 0..4, 0..1, 1..3, 0..4] {
        let last = i64::try_from(cut.end).unwrap();
        let ack = gateway.post(&token, "identity", device.batch(cut)).await.ack();
        assert_eq!((ack.acked, ack.refused.len()), (last, 0));
    }
    device.write(&["5"]);
    device.send(&gateway, &token).await;
    device.write(&["6"]);
    device.send(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(gateway.reader().stats().unwrap().setbacks, 0);
}

#[tokio::test]
async fn a_late_duplicate_of_an_old_request_changes_nothing() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1", "2"]);
    let late = device.clone();
    device.send(&gateway, &token).await;
    late.post(&gateway, &token).await.ack();
    device.write(&["3"]);
    device.send(&gateway, &token).await;
    let answer = late.post(&gateway, &token).await;
    answer.refused(409, Some("OutboxCopied"), "");
    device.write(&["4"]);
    device.send(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["1", "2", "3", "4"]);
    assert_eq!(gateway.position(&token, &device.outbox).await, 4);
}

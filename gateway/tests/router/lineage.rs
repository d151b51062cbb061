//! What is sent again is told from what a copy of the outbox sends; neither loses anything.

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
async fn a_file_turned_back_and_written_on_keeps_both_pasts() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1", "2"]);
    device.send(&gateway, &token).await;
    let empty = device.clone();
    device.write(&["3"]);
    let waiting = device.clone();
    device.write(&["4"]);
    device.send(&gateway, &token).await;

    // More was written than was lost, so the numbers alone look like a future.
    let mut turned_back = empty;
    turned_back.write(&["3 anew", "4 anew", "5 anew"]);
    turned_back.send_as_a_copy(&gateway, &token).await;
    turned_back.write(&["6 anew"]);
    turned_back.send(&gateway, &token).await;

    // One that still has a row which arrived: up to there it is the same batch.
    let mut turned_back = waiting;
    turned_back.write(&["4 again", "5 again"]);
    turned_back.send(&gateway, &token).await;
    assert_eq!(
        ids(&gateway),
        [
            "1", "2", "3", "4", "3 anew", "4 anew", "5 anew", "6 anew", "4 again", "5 again"
        ]
    );
}

#[tokio::test]
async fn a_file_turned_back_beyond_several_batches_keeps_both_pasts() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1"]);
    let mut old = device.clone();
    for id in ["2", "3", "4"] {
        device.send(&gateway, &token).await;
        device.write(&[id]);
    }
    device.send(&gateway, &token).await;
    old.write(&["2 anew", "3 anew"]);
    old.send_as_a_copy(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["1", "2", "3", "4", "2 anew", "3 anew"]);
}

#[tokio::test]
async fn of_two_clones_the_first_to_send_keeps_the_name() {
    for original_first in [true, false] {
        let gateway = Local::new().await;
        let token = gateway.ready().await;
        let mut original = Device::new();
        original.write(&["before"]);
        original.send(&gateway, &token).await;
        let mut clone = original.clone();
        original.write(&["original 1", "original 2"]);
        clone.write(&["clone 1", "clone 2", "clone 3"]);
        let (first, second) = if original_first {
            (&mut original, &mut clone)
        } else {
            (&mut clone, &mut original)
        };
        first.send(&gateway, &token).await;
        second.send_as_a_copy(&gateway, &token).await;
        for device in [first, second] {
            device.write(&[&format!("after of {}", device.outbox)]);
            device.send(&gateway, &token).await;
        }
        assert_eq!(ids(&gateway).len(), 8);
    }
}

#[tokio::test]
async fn clones_of_an_image_that_never_sent_are_told_apart() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    original.post(&gateway, &token).await.ack();
    clone.send_as_a_copy(&gateway, &token).await;
    original.send(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["original", "clone"]);
}

#[tokio::test]
async fn clones_with_rows_that_wait_store_these_once_and_their_own_each() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    original.write(&["shared"]);
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    original.send(&gateway, &token).await;
    clone.send(&gateway, &token).await;
    original.write(&["original later"]);
    clone.write(&["clone later"]);
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    assert_eq!(
        ids(&gateway),
        ["shared", "original", "clone", "original later", "clone later"]
    );
}

#[tokio::test]
async fn a_copy_at_the_same_moment_does_not_disturb_the_others() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let (mut original, mut other) = (Device::new(), Device::new());
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    other.write(&["other"]);
    let (one, two, three) = tokio::join!(
        original.post(&gateway, &token),
        clone.post(&gateway, &token),
        other.post(&gateway, &token)
    );
    let mut told = [one.status, two.status];
    told.sort_unstable();
    assert_eq!((told, three.status), ([200, 409], 200));
    assert_eq!(ids(&gateway).len(), 2);
}

#[tokio::test]
async fn dead_letters_of_a_copy_are_kept_beside_those_of_the_original() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    let mut clone = original.clone();
    original
        .rows
        .push(one_run(1, "Note", &[doc! {"_id": "o", "text": 1}]));
    clone
        .rows
        .push(one_run(1, "Note", &[doc! {"_id": "c", "text": 2}]));
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    let letters = gateway.letters();
    assert_eq!(letters.len(), 2);
    assert_ne!(letters[0].document, letters[1].document);
}

#[tokio::test]
async fn dead_letters_of_clones_with_rows_that_wait_are_kept_each() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    original.write(&["shared"]);
    let mut clone = original.clone();
    for (device, text) in [(&mut original, 1), (&mut clone, 2)] {
        let bad = [doc! {"_id": "bad", "text": text}];
        device.rows.push(one_run(2, "Note", &bad));
        device.next = 3;
    }
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    let documents: Vec<_> = gateway.letters().into_iter().map(|one| one.document).collect();
    let bad = |text: i32| doc! {"_id": "bad", "text": text}.to_vec().unwrap();
    assert_eq!(documents, [bad(1), bad(2)]);
    assert_eq!(ids(&gateway), ["shared"]);
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

#[tokio::test]
async fn a_restored_gateway_takes_what_comes_and_counts_what_it_forgot() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let (mut device, mut steady, mut later) = (Device::new(), Device::new(), Device::new());
    device.write(&["1"]);
    device.send(&gateway, &token).await;
    steady.write(&["steady"]);
    steady.send(&gateway, &token).await;
    let backup = tempfile::tempdir().unwrap();
    let data = gateway.close();
    copy_files(data.path(), backup.path());
    let gateway = Local::over(data, Settings::default()).await;
    device.write(&["2"]);
    device.send(&gateway, &token).await;
    later.write(&["3"]);
    later.send(&gateway, &token).await;
    drop(gateway);

    let gateway = Local::over(Arc::new(backup), Settings::default()).await;
    let setbacks = || gateway.reader().stats().unwrap().setbacks;
    device.write(&["4"]);
    device.send(&gateway, &token).await;
    assert_eq!(setbacks(), 1, "transaction 2 is not here any more");
    later.write(&["5"]);
    later.send(&gateway, &token).await;
    assert_eq!(setbacks(), 2, "an outbox that the backup has not heard of");
    for id in ["6", "7"] {
        device.write(&[id]);
        device.send(&gateway, &token).await;
        steady.write(&[&format!("steady {id}")]);
        steady.send(&gateway, &token).await;
    }
    assert_eq!(setbacks(), 2, "each is counted once");
    assert_eq!(
        ids(&gateway),
        ["1", "steady", "4", "5", "6", "steady 6", "7", "steady 7"]
    );
}

#[tokio::test]
async fn setbacks_that_a_sender_makes_up_take_no_room() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let file = Connection::open(gateway.data().join("documents.sqlite")).unwrap();
    let pages = || -> i64 { file.query_one("PRAGMA page_count", [], |row| row.get(0)).unwrap() };
    let mut device = Device::new();
    let mut before = 0;
    for setbacks in 1..=200 {
        (device.acked, device.next) = (device.next, device.next + 1);
        device.write(&["always the same"]);
        device.send(&gateway, &token).await;
        if setbacks == 1 {
            before = pages();
        }
    }
    let stats = gateway.reader().stats().unwrap();
    assert_eq!((stats.setbacks, stats.set_back_outboxes), (200, 1));
    assert_eq!(pages(), before);
}

/// A gateway over documents of format 1 after `change`, and the token of who sent what is there.
async fn over_format_1(change: impl FnOnce(&Connection, &str)) -> (Local, String) {
    let gateway = Local::new().await;
    let user = gateway.log_in().await;
    let token = user["access_token"].as_str().unwrap().to_owned();
    gateway.put_schema(&token, &schema()).await;
    let (closed, data) = (gateway.close(), tempfile::tempdir().unwrap());
    copy_files(closed.path(), data.path());
    for log in ["documents.sqlite-wal", "documents.sqlite-shm"] {
        let _ = std::fs::remove_file(data.path().join(log));
    }
    let path = data.path().join("documents.sqlite");
    std::fs::copy(format_1().join("documents.sqlite"), &path).unwrap();
    let file = Connection::open(path).unwrap();
    let user = user["user_id"].as_str().unwrap();
    file.execute("UPDATE dead_letters SET user = ?1", [user]).unwrap();
    change(&file, user);
    drop(file);
    (Local::over(Arc::new(data), Settings::default()).await, token)
}

/// Adds a dead letter in the place of number 2, as a copy of the outbox sent it.
fn add_another(file: &Connection, user: &str) {
    let document = doc! {"_id": "of a copy", "text": 5}.to_vec().unwrap();
    let add =
        "INSERT INTO dead_letters (outbox, seq, position, collection, user, time, code, reason, document)
        SELECT outbox, seq, position, 'Note', ?1, time, code, reason, ?2 FROM dead_letters WHERE number = 2";
    assert_eq!(file.execute(add, params![user, document]).unwrap(), 1);
}

#[tokio::test]
async fn dead_letters_of_format_1_with_one_place_are_all_taken_over() {
    let (gateway, _) = over_format_1(add_another).await;
    let letters = gateway.letters();
    assert_eq!(letters.len(), 3);
    assert_eq!(
        (&letters[1].outbox, letters[1].seq, letters[1].index),
        (&letters[2].outbox, letters[2].seq, letters[2].index)
    );
    assert_ne!(letters[1].document, letters[2].document);
}

#[tokio::test]
async fn a_dead_letter_of_format_1_that_is_sent_again_is_not_kept_again() {
    for (number, class) in [(1, "Reading"), (2, "Note")] {
        let (gateway, token) = over_format_1(add_another).await;
        let letter = &gateway.letters()[number];
        let mut device = Device {
            outbox: letter.outbox.clone(),
            ..Device::new()
        };
        device.write(&["1"]);
        let document = bson::Document::from_reader(&*letter.document).unwrap();
        device.rows.push(one_run(letter.seq, class, &[document]));
        let ack = device.post(&gateway, &token).await.ack();
        assert_eq!((ack.acked, ack.refused.len()), (2, 1));
        assert_eq!(gateway.letters().len(), 3);
    }
}

#[tokio::test]
async fn a_file_of_format_1_is_taken_over_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    copy_files(&format_1(), directory.path());
    let gateway = Local::over(Arc::new(directory), Settings::default()).await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.counts(), (4, 2));
    let letters = gateway.letters();
    assert!(letters.iter().all(|one| one.code == "TypeMismatch"));
    let stats = gateway.reader().stats().unwrap();
    assert_eq!((stats.outboxes, stats.setbacks), (2, 0));

    // An outbox whose last acknowledgement got lost sends again, now with a lineage.
    let token = gateway.ready().await;
    let mut device = Device {
        outbox: "33ae0ceb814641389bb91d4181f4af07".to_owned(),
        ..Device::new()
    };
    assert_eq!(gateway.position(&token, &device.outbox).await, 2);
    device.write(&["1", "2", "3"]);
    let mut clone = device.clone();
    clone.rows[0] = one_run(1, "Note", &[note("other", "x")]);
    device.post(&gateway, &token).await.ack();
    device.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    assert_eq!(gateway.counts().0, 4 + 4);
}

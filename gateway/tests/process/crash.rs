//! SIGKILL under load: what was acknowledged is there, once, and nothing that was not sent.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::common::server::{Server, lines, post};
use crate::common::{batch, note, one_run, outbox, schema};

const ROUNDS: u64 = 4;
const SENDERS: u64 = 3;
/// Acknowledgements to wait for before the kill.
const ENOUGH: usize = 20;

/// Sends until the server is gone. Notes what was sent and what was acknowledged.
fn send(server: &Server, token: &str, sender: u64, next: &mut i64, log: &Log) {
    let mut client = server.client();
    while !log.stop.load(Ordering::Relaxed) {
        let documents: Vec<_> = (0..5)
            .map(|index| note(&format!("{sender}-{next}-{index}"), "x"))
            .collect();
        let body = batch(&outbox(sender), &schema(), &[one_run(*next, "Note", &documents)]);
        let ids = documents
            .iter()
            .map(|document| document.get_str("_id").unwrap().to_owned());
        let ids: Vec<_> = ids.collect();
        log.sent
            .lock()
            .unwrap()
            .extend(ids.iter().map(|id| (id.clone(), false)));
        // No answer: not acknowledged, and sent again by the next round, as a client would.
        let Ok(answer) = post(&mut client, token, &body) else {
            return;
        };
        assert_eq!((answer.ack().acked, answer.ack().refused.len()), (*next, 0));
        log.sent
            .lock()
            .unwrap()
            .extend(ids.into_iter().map(|id| (id, true)));
        log.acknowledged.fetch_add(1, Ordering::Relaxed);
        *next += 1;
    }
}

#[derive(Default)]
struct Log {
    /// Every document that was sent, and whether it was acknowledged.
    sent: Mutex<HashMap<String, bool>>,
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let log = Log::default();
    let mut next = [1_i64; SENDERS as usize];
    for round in 0..=ROUNDS {
        let server = Server::start(data.path());
        let token = server.token();
        let before = log.acknowledged.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            for (sender, next) in (0..).zip(&mut next) {
                let (server, token, log) = (&server, &token, &log);
                scope.spawn(move || send(server, token, sender, next, log));
            }
            while log.acknowledged.load(Ordering::Relaxed) < before + ENOUGH {
                std::thread::yield_now();
            }
            if round == ROUNDS {
                // The last round ends in good order, so that every batch without an answer was sent again.
                log.stop.store(true, Ordering::Relaxed);
            } else {
                server.signal("KILL");
            }
        });
    }
    let stored = lines(data.path(), &["find", "Note"]);
    let mut times = HashMap::<String, u32>::new();
    for line in &stored {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        *times
            .entry(document["_id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    let sent = log.sent.lock().unwrap();
    for (id, acknowledged) in sent.iter() {
        assert!(
            times.contains_key(id) || !acknowledged,
            "{id} was acknowledged and is not there"
        );
    }
    assert!(
        times.values().all(|count| *count == 1),
        "a document is there twice"
    );
    assert!(
        times.keys().all(|id| sent.contains_key(id)),
        "a document is there that nobody sent"
    );
    let stats = lines(data.path(), &["stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&stats[0]).unwrap();
    assert_eq!(
        stats["documents"].as_u64(),
        Some(stored.len() as u64),
        "the counts agree with the documents"
    );
    assert_eq!(stats["dead_letters"], 0);
}

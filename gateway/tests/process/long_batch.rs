//! SIGKILL while a long batch is being stored: sent again, all of it is there once.

use std::ops::ControlFlow;

use bson::doc;
use realm_ingest_gateway::sink::embedded::Reader;

use crate::common::server::{Server, command, post};
use crate::common::{batch, bytes, note, one_run, outbox, schema};

/// Five slices of documents, and three of dead letters.
const DOCUMENTS: u64 = 100_000;
const LETTERS: u64 = 60_000;

fn long_batch() -> Vec<u8> {
    let notes: Vec<_> = (0..DOCUMENTS).map(|id| note(&id.to_string(), "")).collect();
    let wrong: Vec<_> = (0..LETTERS).map(|id| doc! {"_id": id.cast_signed()}).collect();
    let (seq, mut runs) = one_run(1, "Note", &notes);
    runs.push(("Note", bytes(&wrong)));
    batch(&outbox(1), &schema(), &[(seq, runs)])
}

/// How much is there: documents as they are counted, dead letters, and the positions of all outboxes together.
fn stored(reader: &Reader) -> (u64, u64, i64) {
    let stats = reader.stats().unwrap();
    let mut position = 0;
    reader
        .each_outbox(|outbox| -> rusqlite::Result<ControlFlow<()>> {
            position += outbox.position;
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    let documents = stats.collections.iter().map(|one| one.documents).sum();
    (documents, stats.dead_letters, position)
}

#[test]
fn a_long_batch_is_there_once_whenever_the_process_was_killed_while_it_was_stored() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let (token, body) = (server.token(), long_batch());
    let reader = Reader::open(data.path()).unwrap();
    // After the first slice, half-way through the documents, and among the dead letters.
    for reached in [(1, 0), (DOCUMENTS / 2, 0), (DOCUMENTS, 1)] {
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| post(&mut server.client(), &token, &body));
            let is_reached = || {
                let (documents, letters, _) = stored(&reader);
                documents >= reached.0 && letters >= reached.1
            };
            while !is_reached() {
                std::thread::yield_now();
            }
            server.signal("KILL");
            assert!(sent.join().unwrap().is_err(), "it is not acknowledged");
        });
        let (documents, letters, position) = stored(&reader);
        assert!(
            documents < DOCUMENTS || letters < LETTERS,
            "not all of it is there"
        );
        assert_eq!(position, 0, "nothing is promised");
        server = Server::start(data.path());
    }
    for _ in 0..2 {
        let ack = post(&mut server.client(), &token, &body).unwrap().ack();
        let unlisted: u64 = ack.unlisted.iter().map(|kind| kind.count).sum();
        assert_eq!((ack.acked, ack.position), (1, 1));
        assert_eq!(ack.refused.len() as u64 + unlisted, LETTERS);
        assert_eq!(stored(&reader), (DOCUMENTS, LETTERS, 1));
    }
    let checked = command(data.path(), &["check-integrity"]);
    assert!(checked.status.success(), "{checked:?}");
}

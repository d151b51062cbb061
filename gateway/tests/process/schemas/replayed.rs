//! Dead letters that are tried again.

use super::*;

#[test]
fn a_replayed_document_that_is_stored_already_is_not_stored_again() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    field.send(&new, &[doubles(1)]);
    field.send(&new, &[doubles(2)]);
    field.send(&old, &[ints(2)]);
    let of_first = outbox(field.devices - 2);
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    // Its acknowledgement got lost, so the first device sends again.
    let again = batch(&of_first, &new, &[one_run(1, "Sample", &[doubles(1)])]);
    let ack = post(&mut field.server.client(), &field.token, &again)
        .unwrap()
        .ack();
    assert!(ack.refused.is_empty());
    assert_eq!(replay(data, &["--outbox", &of_first]), [0, 1, 0]);
    assert_eq!(replay(data, &[]), [0, 0, 1]);
    let letter = parsed(data, &["dead-letters"]).remove(0);
    assert_eq!(letter["code"], "DuplicateId", "it says what keeps it now");
    assert_eq!(lines(data, &["find", "Sample"]).len(), 2);
}

#[test]
fn of_one_transaction_the_later_document_stands_when_it_is_replayed() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    let with = |value: f64| doc! {"_id": 1_i64, "value": value, "unit": {"u": 1.5}};
    field.send(&new, &[with(1.0), doubles(2), with(3.0)]);
    field.send(&new, &[with(4.0)]);
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    assert_eq!(replay(data, &[]), [3, 0, 1]);
    let found = parsed(data, &["find", "Sample"]);
    assert_eq!((found.len(), &found[0]["value"]), (2, &json!(3.0)));
}

#[test]
fn letters_whose_schema_is_lost_wait_for_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    field.send(&new, &[doubles(1)]);
    drop(field);
    for name in ["gateway.sqlite", "gateway.sqlite-wal", "gateway.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let field = Field::new(data);
    assert_eq!(replay(data, &[]), [0, 0, 1]);
    assert_eq!(parsed(data, &["dead-letters"])[0]["code"], "SchemaConflict");
    field.put(&new);
    assert_eq!(replay(data, &["--code", "SchemaConflict"]), [1, 0, 0]);
}

#[test]
fn letters_are_replayed_beside_a_server_that_stores() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    for first in [0, 400, 800] {
        let documents: Vec<_> = (first..first + 400).map(doubles).collect();
        assert_eq!(field.send(&new, &documents).len(), 400);
    }
    lines(data, &["schemas", "accept", &new.fingerprint()]);
    let stop = AtomicBool::new(false);
    let (stored, sent) = std::thread::scope(|scope| {
        let replays: Vec<_> = (0..2).map(|_| scope.spawn(|| replay(data, &[]))).collect();
        let sender = scope.spawn(|| {
            let mut client = field.server.client();
            let mut sent = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                sent += 1;
                let id = sent.to_string();
                let body = batch(
                    &outbox(sent as u64),
                    &schema(),
                    &[one_run(1, "Note", &[note(&id, "x")])],
                );
                assert!(
                    post(&mut client, &field.token, &body)
                        .unwrap()
                        .ack()
                        .refused
                        .is_empty()
                );
            }
            sent
        });
        let stored: u64 = replays.into_iter().map(|one| one.join().unwrap()[0]).sum();
        stop.store(true, Ordering::Relaxed);
        (stored, sender.join().unwrap())
    });
    assert_eq!(stored, 1_200, "each by one of the two");
    let stats = parsed(data, &["stats", "--json"]).remove(0);
    assert_eq!(stats["collections"]["Sample"]["documents"], 1_200);
    assert_eq!(stats["collections"]["Note"]["documents"], sent);
    assert_eq!(stats["dead_letters"], 0);
    let mut ids: Vec<_> = parsed(data, &["find", "Sample"])
        .iter()
        .map(|one| one["_id"].as_i64().unwrap())
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..1_200));
}

//! Receipts: what is said of a write transaction from its commit on, also after a restart.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::app::Credentials;
use realm_ingest::outbox::{Cap, Outbox, Policy, SqliteOutbox};
use realm_ingest::realm::{ErrorHandler, Outcome, Realm, RealmConfig, ReceiptState, StopPolicy};
use serde_json::{Value, json};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, open_realm, until, uploaded, write_large, written};

fn state(realm: &Realm, number: u64) -> ReceiptState {
    realm.receipts().outcome(number).unwrap().state
}

fn waited(realm: &Realm, number: u64) -> Outcome {
    realm.receipts().wait(number, Some(LIMIT)).unwrap()
}

/// Has the outcome heard; the receiver gets it.
fn hear(realm: &Realm, number: u64) -> Receiver<Outcome> {
    let (sender, heard) = channel();
    let receipts = realm.receipts();
    receipts
        .on_settled(number, move |outcome| {
            let _ = sender.send(outcome);
        })
        .unwrap();
    heard
}

fn as_it_should() -> Reaction {
    Reaction::DoAndSay(Box::new(|answer| answer.to_string()))
}

/// A realm that stops with its last close.
fn stopping(fixture: &Fixture) -> Realm {
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    Realm::open(&fixture.user(), config, None).unwrap()
}

#[test]
fn a_transaction_is_pending_then_sent_then_persisted() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let number = written(&realm, [1, 2]);
    assert_eq!(state(&realm, number), ReceiptState::Pending);
    let heard = hear(&realm, number);
    // The first request is answered with the wish for the schema.
    fixture.server.next("POST ingest", as_it_should());
    fixture.server.next("POST ingest", Reaction::Hold);
    realm.session().resume();
    fixture.server.until_held(1);
    assert_eq!(state(&realm, number), ReceiptState::Sent);
    assert_eq!(heard.try_recv().unwrap_err(), TryRecvError::Empty);
    fixture.server.release();
    let outcome = waited(&realm, number);
    assert_eq!(outcome.state, ReceiptState::Persisted);
    assert_eq!(outcome.refusals.objects, []);
    assert_eq!(heard.recv_timeout(LIMIT).unwrap(), outcome);
    assert_eq!(state(&realm, number), ReceiptState::Persisted);
    assert_eq!(
        hear(&realm, number).recv_timeout(LIMIT).unwrap(),
        outcome,
        "at once"
    );
}

#[test]
fn what_was_refused_is_said_also_after_a_restart() {
    let fixture = Fixture::new();
    let realm = stopping(&fixture);
    let fine = written(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    fixture
        .server
        .next("POST ingest", Reaction::Refuse(vec![(2, 1), (2, 2)]));
    let refused = written(&realm, [1, 2, 3]);
    let behind = written(&realm, [4]);
    realm.session().resume();
    let outcome = waited(&realm, refused);
    assert_eq!(outcome.state, ReceiptState::Refused);
    assert!(outcome.refusals.complete);
    let told: Vec<_> = outcome
        .refusals
        .objects
        .iter()
        .map(|object| (object.index, object.class.as_str(), object.primary_key.as_str()))
        .collect();
    let (first, second) = (r#"{"$numberLong":"1"}"#, r#"{"$numberLong":"2"}"#);
    assert_eq!(told, [(1, "Reading", first), (2, "Reading", second)]);
    assert_eq!(outcome.refusals.objects[0].reason, "not what it should be");
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    let app = fixture.restarted();
    let (realm, _errors) = open_realm(&app.current_user().unwrap());
    assert_eq!(realm.receipts().outcome(refused).unwrap(), outcome);
    assert_eq!(state(&realm, fine), ReceiptState::Persisted);
    assert_eq!(state(&realm, behind), ReceiptState::Persisted);
    assert_eq!(state(&realm, behind + 1), ReceiptState::Unknown);
}

#[test]
fn what_was_on_its_way_is_pending_after_a_restart_and_persisted_in_the_end() {
    let fixture = Fixture::new();
    let realm = stopping(&fixture);
    written(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::DoAndCut);
    fixture.server.next("GET ingest/", Reaction::Hold);
    let number = written(&realm, [1]);
    fixture.server.until_held(1);
    assert_eq!(state(&realm, number), ReceiptState::Sent);
    drop(realm);
    fixture.server.next("GET ingest/", Reaction::Hold);
    fixture.server.release();
    let app = fixture.restarted();
    let (realm, _errors) = open_realm(&app.current_user().unwrap());
    fixture.server.until_held(2);
    assert_eq!(state(&realm, number), ReceiptState::Pending);
    fixture.server.release();
    assert_eq!(waited(&realm, number).state, ReceiptState::Persisted);
    assert_eq!(fixture.server.ids(), [0, 1]);
}

#[test]
fn what_an_answer_does_not_list_is_not_said_to_be_persisted() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    written(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    let numbers = [
        written(&realm, [1, 2]),
        written(&realm, [3]),
        written(&realm, [4]),
    ];
    let say = |mut answer: Value| {
        answer["refused"] = json!([{"seq": 2, "index": 1, "class": "Reading", "_id": {"$numberLong": "2"},
            "code": "SchemaConflict", "reason": "another type"}]);
        answer["unlisted"] =
            json!([{"class": "Reading", "code": "SchemaConflict", "reason": "another type", "count": 1}]);
        answer.to_string()
    };
    fixture
        .server
        .next("POST ingest", Reaction::DoAndSay(Box::new(say)));
    realm.session().resume();
    let outcomes = numbers.map(|number| waited(&realm, number));
    assert_eq!(outcomes[0].state, ReceiptState::Refused);
    assert!(outcomes[0].refusals.complete, "its last object is on the list");
    assert_eq!(outcomes[1].state, ReceiptState::Unknown);
    assert_eq!(outcomes[2].state, ReceiptState::Unknown);
}

#[test]
fn who_waits_for_what_the_cap_takes_hears_of_it() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        cap: Cap {
            max_objects: Some(2),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    realm.session().pause();
    let numbers = [1, 2, 3].map(|id| {
        let number = written(&realm, [id]);
        (number, hear(&realm, number))
    });
    let heard = numbers[0].1.recv_timeout(LIMIT).unwrap();
    assert_eq!(heard.state, ReceiptState::Dropped);
    assert_eq!(state(&realm, numbers[0].0), ReceiptState::Dropped);
    assert_eq!(numbers[1].1.try_recv().unwrap_err(), TryRecvError::Empty);
    realm.session().resume();
    for (number, heard) in &numbers[1..] {
        assert_eq!(waited(&realm, *number).state, ReceiptState::Persisted);
        assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Persisted);
    }
}

#[test]
fn a_wait_for_a_file_of_which_nothing_could_be_read_ends() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    realm.session().pause();
    // More than SQLite keeps in memory.
    write_large(&realm, 0..40, 100_000);
    let number = written(&realm, [100]);
    let heard = hear(&realm, number);
    for ending in ["", "-wal"] {
        let mut path = realm.path().to_owned().into_os_string();
        path.push(ending);
        let size = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, vec![b'?'; usize::try_from(size).unwrap()]).unwrap();
    }
    realm.session().resume();
    // Whether it was sent before, no record says.
    assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Unknown);
    let next = written(&realm, [101]);
    assert_ne!(next, number);
    assert_eq!(waited(&realm, next).state, ReceiptState::Persisted);
    assert_eq!(state(&realm, number), ReceiptState::Unknown);
}

#[test]
fn a_wait_that_is_over_says_how_it_is_then() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let number = written(&realm, [1]);
    let outcome = realm
        .receipts()
        .wait(number, Some(Duration::from_millis(1)))
        .unwrap();
    assert_eq!(outcome.state, ReceiptState::Pending);
    realm.session().resume();
    assert_eq!(waited(&realm, number).state, ReceiptState::Persisted);
}

#[test]
fn a_wait_goes_on_while_the_session_is_paused_and_while_nobody_is_logged_in() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let number = written(&realm, [1]);
    let heard = hear(&realm, number);
    let receipts = realm.receipts();
    let waiting = std::thread::spawn(move || receipts.wait(number, Some(LIMIT)).unwrap());
    fixture.app.current_user().unwrap().log_out().unwrap();
    realm.session().resume();
    assert_eq!(heard.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(state(&realm, number), ReceiptState::Pending);
    let _user = fixture.user();
    assert_eq!(waiting.join().unwrap().state, ReceiptState::Persisted);
    assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Persisted);
}

#[test]
fn a_wait_goes_on_where_the_data_goes_on_under_another_user() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let number = written(&realm, [1]);
    let heard = hear(&realm, number);
    fixture.app.current_user().unwrap().log_out().unwrap();
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    realm.session().resume();
    fixture.app.rehome(realm.path(), &other, None).unwrap();
    assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Persisted);
    assert_eq!(state(&realm, number), ReceiptState::Persisted);
}

#[test]
fn closing_a_realm_ends_its_waits_and_no_others() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let (other, _other_errors) = open_realm(&fixture.app.current_user().unwrap());
    realm.session().pause();
    let number = written(&realm, [1]);
    let (heard, heard_by_other) = (hear(&realm, number), hear(&other, number));
    let receipts = realm.receipts();
    let waiting = {
        let receipts = receipts.clone();
        std::thread::spawn(move || receipts.wait(number, None))
    };
    realm.close();
    assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Pending);
    match waiting.join().unwrap() {
        Ok(outcome) => assert_eq!(outcome.state, ReceiptState::Pending),
        // It began after the close.
        Err(error) => assert_eq!(error.code(), Code::ClosedRealm),
    }
    assert_eq!(receipts.outcome(number).unwrap_err().code(), Code::ClosedRealm);
    assert_eq!(heard_by_other.try_recv().unwrap_err(), TryRecvError::Empty);
    other.session().resume();
    assert_eq!(
        heard_by_other.recv_timeout(LIMIT).unwrap().state,
        ReceiptState::Persisted
    );
}

#[test]
fn a_callback_cannot_wait_and_may_ask_to_be_called() {
    let fixture = Fixture::new();
    let (sender, said) = channel();
    let (slot, sender) = (Arc::new(Mutex::new(None::<Realm>)), Mutex::new(sender));
    let in_callback = slot.clone();
    let handler: ErrorHandler = Arc::new(move |_| {
        let realm = in_callback.lock().unwrap();
        let receipts = realm.as_ref().unwrap().receipts();
        let refused = receipts.wait(2, Some(LIMIT)).unwrap_err();
        let sender = sender.lock().unwrap().clone();
        receipts
            .on_settled(2, move |outcome| {
                sender.send((refused.code(), outcome.state)).unwrap();
            })
            .unwrap();
    });
    let realm = Realm::open(&fixture.user(), RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    written(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 0)]));
    written(&realm, [1]);
    let session = realm.session();
    *slot.lock().unwrap() = Some(realm);
    session.resume();
    let told = said.recv_timeout(LIMIT).unwrap();
    assert_eq!(told, (Code::LogicError, ReceiptState::Refused));
    slot.lock().unwrap().take();
}

#[test]
fn what_was_acknowledged_and_has_not_left_is_persisted() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    written(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 1..13, 100_000);
    // All may have arrived, so what is acknowledged next does not leave alone.
    fixture.server.next("POST ingest", Reaction::Cut);
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 0)]));
    fixture.server.next("POST ingest", Reaction::Hold);
    let (first, second) = (hear(&realm, 2), hear(&realm, 3));
    realm.session().resume();
    fixture.server.until_held(1);
    let outcome = first.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (outcome.state, outcome.refusals.objects.len()),
        (ReceiptState::Refused, 1)
    );
    assert_eq!(second.recv_timeout(LIMIT).unwrap().state, ReceiptState::Persisted);
    assert_eq!(
        realm.pending().unwrap().transactions,
        12,
        "the rows are still there"
    );
    assert_eq!(state(&realm, 13), ReceiptState::Sent);
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(realm.receipts().outcome(2).unwrap(), outcome);
    assert_eq!(realm.status().unwrap().tally.refused_objects, 1, "counted once");
}

#[test]
fn what_another_process_uploads_is_heard_of() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    let (other, _) = SqliteOutbox::open(realm.path(), Default::default()).unwrap();
    let right = other.try_become_uploader().unwrap().unwrap();
    let number = written(&realm, [1]);
    let heard = hear(&realm, number);
    let identity = other.origin().unwrap().identity;
    other.settle(&identity, 1).unwrap();
    drop(right);
    assert_eq!(heard.recv_timeout(LIMIT).unwrap().state, ReceiptState::Persisted);
}

#[test]
fn numbers_that_were_never_given_out_are_not_known() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    assert_eq!(realm.append(&[], &[]).unwrap(), 0, "there is nothing to follow");
    let number = written(&realm, [1]);
    for other in [0, number + 1, number | 1 << 62, u64::MAX] {
        assert_eq!(state(&realm, other), ReceiptState::Unknown, "{other}");
        assert_eq!(waited(&realm, other).state, ReceiptState::Unknown);
        assert_eq!(
            hear(&realm, other).recv_timeout(LIMIT).unwrap().state,
            ReceiptState::Unknown
        );
    }
}

#[test]
fn everyone_who_asked_is_called_once() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let (sender, heard) = channel();
    let mut numbers: Vec<_> = (0..500).map(|id| written(&realm, [id])).collect();
    for number in &numbers {
        let (number, sender) = (*number, sender.clone());
        let done = move |outcome: Outcome| sender.send((number, outcome.state)).unwrap();
        realm.receipts().on_settled(number, done).unwrap();
    }
    drop(sender);
    realm.session().resume();
    let mut told: Vec<_> = std::iter::from_fn(|| heard.recv_timeout(LIMIT).ok()).collect();
    told.sort_unstable_by_key(|(number, _)| *number);
    numbers.sort_unstable();
    assert!(told.iter().all(|(_, state)| *state == ReceiptState::Persisted));
    assert_eq!(
        told.into_iter().map(|(number, _)| number).collect::<Vec<_>>(),
        numbers
    );
    until("the end of the upload", || {
        realm.pending().unwrap().transactions == 0
    });
}

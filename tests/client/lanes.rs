//! Urgent classes: what overtakes what, what is refused, and what two sessions tell as one.

use std::sync::mpsc::channel;
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::outbox::{Cap, Run};
use realm_ingest::realm::{Realm, RealmConfig, ReceiptState, StopPolicy, UploadPolicy};
use realm_ingest::uploader::session::{ConnectionState, SessionState};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, until, uploaded, wait, write, write_large, written};

const CLASSES: &str = r#"{"classes":[
    {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"int"},{"name":"note","type":"string"}]},
    {"name":"Alarm","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"int"}]}]}"#;

fn config() -> RealmConfig {
    RealmConfig {
        urgent: vec!["Alarm".to_owned()],
        ..RealmConfig::new(CLASSES)
    }
}

fn open(fixture: &Fixture) -> Realm {
    Realm::open(&fixture.user(), config(), None).unwrap()
}

fn run(class: &str) -> Run {
    Run {
        class: class.to_owned(),
        count: 1,
    }
}

/// The number of its transaction.
fn alarm(realm: &Realm, id: i64) -> u64 {
    let document = bson::serialize_to_vec(&bson::doc! {"_id": id}).unwrap();
    realm.append(&[run("Alarm")], &document).unwrap()
}

fn sorted(fixture: &Fixture) -> Vec<i64> {
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    ids
}

#[test]
fn an_urgent_object_overtakes_what_the_server_has_not_answered_yet() {
    let fixture = Fixture::new();
    let realm = open(&fixture);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    alarm(&realm, 2);
    alarm(&realm, 3);
    fixture
        .server
        .until("the alarms", |state| state.stored.len() == 2);
    assert_eq!(fixture.server.ids(), [2, 3], "in their order");
    until("the end of the alarms", || realm.pending().unwrap().objects == 1);
    let waiting = wait(&realm);
    assert!(waiting.try_recv().is_err(), "it waits for both files");
    fixture.server.release();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(sorted(&fixture), [1, 2, 3]);
    assert_eq!(realm.pending().unwrap().objects, 0);
}

#[test]
fn an_urgent_object_is_not_kept_for_more_to_come() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let hour = Duration::from_secs(3600);
    let policy = UploadPolicy {
        batch_delay: hour,
        ..UploadPolicy::default()
    };
    let config = RealmConfig {
        upload: policy,
        ..config()
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    write(&realm, [1]);
    until("the delay", || {
        let pauses = fixture.clock.long_pauses();
        pauses.iter().any(|pause| *pause > hour / 2 && *pause <= hour)
    });
    alarm(&realm, 2);
    fixture.server.until("the alarm", |state| state.stored.len() == 1);
    assert_eq!(fixture.server.ids(), [2]);
}

#[test]
fn urgent_classes_and_others_do_not_share_a_write_transaction() {
    let fixture = Fixture::new();
    let realm = open(&fixture);
    let documents = [bson::doc! {"_id": 1_i64, "note": ""}, bson::doc! {"_id": 2_i64}];
    let payload = documents.map(|document| bson::serialize_to_vec(&document).unwrap());
    let error = realm
        .append(&[run("Reading"), run("Alarm")], &payload.concat())
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(
        error.to_string(),
        "a write transaction holds objects of the urgent class 'Alarm' and of 'Reading', which is not urgent: write them in \
         transactions of their own, as they wait in different files"
    );
    assert_eq!(realm.pending().unwrap().objects, 0);
    uploaded(&realm);
    assert!(fixture.server.ids().is_empty());
}

#[test]
fn each_file_has_the_cap_for_itself() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        cap: Cap {
            max_objects: Some(1),
            ..Cap::default()
        },
        ..config()
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    realm.session().pause();
    write(&realm, [1]);
    alarm(&realm, 2);
    let document = bson::serialize_to_vec(&bson::doc! {"_id": 3_i64}).unwrap();
    let error = realm.append(&[run("Alarm")], &document).unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded);
    assert_eq!(realm.pending().unwrap().objects, 2);
}

#[test]
fn two_sessions_tell_of_themselves_as_one() {
    let fixture = Fixture::new();
    let realm = open(&fixture);
    let session = realm.session();
    uploaded(&realm);
    until("both connections", || {
        session.connection_state() == ConnectionState::Connected
    });
    let (sender, told) = channel();
    let token = session.observe_connection(move |old, new| sender.send((old, new)).unwrap());
    session.pause();
    assert_eq!(session.state(), SessionState::Paused);
    assert_eq!(
        told.recv_timeout(LIMIT).unwrap(),
        (ConnectionState::Connected, ConnectionState::Disconnected)
    );
    session.resume();
    assert_eq!(session.state(), SessionState::Active);
    let mut state = ConnectionState::Disconnected;
    while state != ConnectionState::Connected {
        let (old, new) = told.recv_timeout(LIMIT).unwrap();
        assert_eq!(old, state);
        state = new;
    }
    assert_eq!(session.connection_state(), ConnectionState::Connected, "both are");
    session.unobserve_connection(token);
    realm.close();
    assert_eq!(session.state(), SessionState::Inactive);
}

#[test]
fn what_is_urgent_does_not_wait_for_the_rate_that_others_have_used_up() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        upload: UploadPolicy {
            // A batch has one reading, and the next one may go seconds later.
            bytes_per_second: Some(100),
            ..UploadPolicy::default()
        },
        ..config()
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    write_large(&realm, 1..=3, 1_000);
    fixture
        .server
        .until("a reading", |state| !state.stored.is_empty());
    assert_eq!(fixture.server.ids(), [1]);
    alarm(&realm, 4);
    fixture.server.until("the alarm", |state| state.stored.len() > 1);
    assert_eq!(sorted(&fixture), [1, 4]);
}

#[test]
fn what_is_left_of_urgent_classes_goes_also_where_they_are_not_urgent_any_more() {
    let fixture = Fixture::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = Some(elsewhere.path().join("a.realm"));
    let former = RealmConfig {
        path: path.clone(),
        stop_policy: StopPolicy::Immediately,
        ..config()
    };
    let realm = Realm::open(&fixture.user(), former, None).unwrap();
    realm.session().pause();
    alarm(&realm, 1);
    drop(realm);
    closed(&elsewhere.path().join("a.urgent.realm"));
    let now = RealmConfig {
        path,
        ..RealmConfig::new(CLASSES)
    };
    let realm = Realm::open(&fixture.user(), now, None).unwrap();
    alarm(&realm, 2);
    uploaded(&realm);
    assert_eq!(sorted(&fixture), [1, 2]);
}

#[test]
fn urgent_objects_that_nobody_opens_are_sent_from_the_directory_of_the_app() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..config()
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    realm.session().pause();
    alarm(&realm, 1);
    let urgent = realm.path().with_extension("urgent.realm");
    drop(realm);
    closed(&urgent);
    // Another start, which looks for what waits.
    let _app = fixture.restarted();
    fixture.server.until("the alarm", |state| state.stored.len() == 1);
}

#[test]
fn no_second_file_is_made_without_urgent_classes() {
    let fixture = Fixture::new();
    let realm = Realm::open(&fixture.user(), RealmConfig::new(SCHEMA), None).unwrap();
    write(&realm, [1]);
    uploaded(&realm);
    assert!(!realm.path().with_extension("urgent.realm").exists());
}

#[test]
fn receipts_tell_the_files_apart_and_status_and_progress_are_those_of_both() {
    let fixture = Fixture::new();
    let realm = open(&fixture);
    realm.session().pause();
    let (reading, urgent) = (written(&realm, [1, 2]), alarm(&realm, 3));
    assert_ne!(reading, urgent);
    let receipts = realm.receipts();
    let state = |number| receipts.outcome(number).unwrap().state;
    assert_eq!(
        (state(reading), state(urgent)),
        (ReceiptState::Pending, ReceiptState::Pending)
    );
    assert_eq!(realm.status().unwrap().tally.waiting.objects, 3);
    let (sender, told) = channel();
    let sender = std::sync::Mutex::new(sender);
    let token = realm.observe_progress(move |progress| {
        let _ = sender.lock().unwrap().send(progress);
    });
    assert_eq!(told.recv_timeout(LIMIT).unwrap().waiting_objects, 3);
    realm.session().resume();
    for number in [reading, urgent] {
        assert_eq!(
            receipts.wait(number, Some(LIMIT)).unwrap().state,
            ReceiptState::Persisted
        );
    }
    uploaded(&realm);
    let last = std::iter::from_fn(|| told.recv_timeout(LIMIT).ok()).find(|one| one.waiting_objects == 0);
    let last = last.unwrap();
    assert_eq!((last.uploaded_objects, last.fraction), (3, 1.0));
    realm.unobserve_progress(token.unwrap());
    assert!(told.iter().all(|one| one.waiting_objects == 0), "and ends");
    assert_eq!(realm.status().unwrap().tally.sent_objects, 3);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    let app = fixture.restarted();
    let realm = Realm::open(&app.current_user().unwrap(), config(), None).unwrap();
    let state = |number| realm.receipts().outcome(number).unwrap().state;
    assert_eq!(
        (state(reading), state(urgent)),
        (ReceiptState::Persisted, ReceiptState::Persisted)
    );
    assert_eq!(state(urgent + 1), ReceiptState::Unknown);
}

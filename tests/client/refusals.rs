//! Objects that the server refuses: told once, then gone from the device; the rest of the transaction is stored.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::app::Credentials;
use realm_ingest::realm::{ErrorHandler, Realm, RealmConfig};
use serde_json::{Value, json};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, until, uploaded, wait, write};

#[test]
fn a_refused_object_is_reported_once_and_leaves_with_its_transaction() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 1)]));
    write(&realm, [1, 2, 3]);
    uploaded(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::SyncWriteNotAllowed, false));
    assert_eq!(error.compensating_writes.len(), 1);
    let refused = &error.compensating_writes[0];
    assert_eq!(refused.object_name, "Reading");
    assert_eq!(refused.primary_key, serde_json::json!({"$numberLong": "1"}));
    assert_eq!(refused.reason, "not what it should be");
    assert_eq!(fixture.server.ids(), [0, 1, 3]);
    assert_eq!(realm.pending().unwrap().transactions, 0);
    write(&realm, [4]);
    uploaded(&realm);
    assert!(errors.try_recv().is_err(), "it is told once");
}

#[test]
fn refused_objects_that_the_answer_does_not_list_are_reported_by_their_number() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    let unlisted =
        json!([{"class": "Reading", "code": "SchemaConflict", "reason": "another type", "count": 2}]);
    let say = |mut answer: Value| {
        answer["unlisted"] = unlisted;
        answer.to_string()
    };
    fixture
        .server
        .next("POST ingest", Reaction::DoAndSay(Box::new(say)));
    write(&realm, [1, 2, 3]);
    uploaded(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        error.message,
        "the server refused an object of 'Reading': another type (first of 2 refusals); \
         2 are not listed, 2 of 'Reading': another type"
    );
    assert_eq!(error.compensating_writes.len(), 0);
    assert_eq!(realm.pending().unwrap().transactions, 0);
}

#[test]
fn a_batch_for_which_there_is_no_room_is_kept_until_there_is() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    let words = "there are 1,000,000 dead letters, so this batch has to wait";
    let body = format!(r#"{{"error":"{words}","error_code":"LimitsExceeded","link":""}}"#);
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Retry-After", "300".to_owned()),
    ];
    fixture
        .server
        .next("POST ingest", Reaction::Answer(429, headers, body));
    write(&realm, [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal, error.message.as_str()),
        (Code::LimitExceeded, false, words)
    );
    until("a pause", || !fixture.clock.long_pauses().is_empty());
    let (least, most) = (Duration::from_secs(300), Duration::from_secs(301));
    assert!((least..most).contains(&fixture.clock.long_pauses()[0]));
    assert_eq!(realm.pending().unwrap().objects, 1);
    let waiting = wait(&realm);
    fixture.clock.release();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.server.ids(), [0, 1]);
    assert!(errors.try_recv().is_err());
}

#[test]
fn a_row_leaves_only_after_the_handler_has_returned_and_a_pause_does_not_repeat_it() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (entered, in_handler) = channel();
    let (leave, may_leave) = channel::<()>();
    let ends = Mutex::new((entered, may_leave));
    let handler: ErrorHandler = Arc::new(move |error| {
        let ends = ends.lock().unwrap();
        ends.0.send(error.code).unwrap();
        ends.1.recv().unwrap();
    });
    let realm = Realm::open(&user, RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 0)]));
    write(&realm, [1, 2]);
    assert_eq!(in_handler.recv_timeout(LIMIT).unwrap(), Code::SyncWriteNotAllowed);
    assert_eq!(realm.pending().unwrap().transactions, 1);
    realm.session().pause();
    realm.session().resume();
    leave.send(()).unwrap();
    uploaded(&realm);
    assert_eq!(realm.pending().unwrap().transactions, 0);
    assert!(in_handler.try_recv().is_err());
    assert_eq!(
        (fixture.server.ids(), fixture.server.state().repeated),
        (vec![0, 2], 0)
    );
}

#[test]
fn a_handler_may_call_back_into_the_library() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (sender, logins) = channel();
    let (app, sender) = (fixture.app.clone(), Mutex::new(sender));
    let handler: ErrorHandler = Arc::new(move |_| {
        let user = app.login(&Credentials::email_password("a@b.c", "password"));
        sender
            .lock()
            .unwrap()
            .send(user.map(|user| user.id().to_owned()))
            .unwrap();
    });
    let realm = Realm::open(&user, RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    fixture.server.next("POST ingest", Reaction::Cut);
    write(&realm, [1]);
    assert_eq!(logins.recv_timeout(LIMIT).unwrap().unwrap(), "user1");
    uploaded(&realm);
}

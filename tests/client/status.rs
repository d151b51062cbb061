//! The status of a realm, and the progress of its upload.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use realm_ingest::Code;
use realm_ingest::outbox::{Cap, Policy};
use realm_ingest::realm::{Progress, Realm, RealmConfig};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, open_realm, until, uploaded, write, write_large};

/// The progress as it is told, and the token to end that.
fn observe(realm: &Realm) -> (Receiver<Progress>, u64) {
    let (sender, told) = channel();
    let sender = Mutex::new(sender);
    let token = realm.observe_progress(move |progress| {
        let _ = sender.lock().unwrap().send(progress);
    });
    (told, token.unwrap())
}

/// Waits until who tells it is gone with what he owned.
fn until_gone<T: std::fmt::Debug>(told: &Receiver<T>) {
    let end = std::iter::repeat_with(|| told.recv_timeout(LIMIT)).find_map(Result::err);
    assert_eq!(end, Some(RecvTimeoutError::Disconnected));
}

/// Everything that is told until this is.
fn until_told(told: &Receiver<Progress>, uploaded: u64, waiting: u64) -> Vec<Progress> {
    let mut all = Vec::new();
    loop {
        let next = told.recv_timeout(LIMIT).unwrap();
        all.push(next);
        if (next.uploaded_objects, next.waiting_objects) == (uploaded, waiting) {
            return all;
        }
    }
}

#[test]
fn the_status_says_what_waits_and_what_was_sent_also_after_a_restart() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let status = realm.status().unwrap();
    assert_eq!((status.tally.waiting.objects, status.oldest_age), (0, None));
    assert_eq!((status.last_acknowledged, status.last_error), (None, None));
    write(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 1)]));
    write(&realm, [1, 2, 3]);
    let status = realm.status().unwrap();
    assert_eq!(
        (status.tally.waiting.transactions, status.tally.waiting.objects),
        (1, 3)
    );
    assert!(status.tally.waiting.bytes > 0 && status.oldest_age.is_some_and(|age| age >= 0));
    realm.session().resume();
    uploaded(&realm);
    let before = realm.status().unwrap();
    assert_eq!(before.tally.waiting.objects, 0);
    assert_eq!((before.tally.sent_objects, before.tally.refused_objects), (4, 1));
    let bodies = fixture.server.seen("POST ingest");
    let bytes: usize = bodies.iter().map(|seen| seen.body.len()).sum();
    assert_eq!(before.tally.sent_bytes, bytes as u64);
    assert!(before.last_acknowledged.unwrap() > 1_700_000_000_000);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    let app = fixture.restarted();
    let (realm, _errors) = open_realm(&app.current_user().unwrap());
    let after = realm.status().unwrap();
    assert_eq!(after.tally, before.tally);
    assert!(after.last_acknowledged.is_some());
}

#[test]
fn what_the_cap_took_is_counted() {
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
    write(&realm, [1, 2]);
    write(&realm, [3]);
    let dropped = realm.status().unwrap().tally.dropped;
    assert_eq!((dropped.transactions, dropped.objects), (1, 2));
}

#[test]
fn the_last_error_stays_and_is_current_until_something_works() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Retry-After", "300".to_owned()),
    ];
    let body = r#"{"error":"busy","error_code":"InternalServerError","link":""}"#.to_owned();
    fixture
        .server
        .next("POST ingest", Reaction::Answer(503, headers, body));
    write(&realm, [1]);
    let told = errors.recv_timeout(LIMIT).unwrap();
    let error = realm.status().unwrap().last_error.unwrap();
    assert_eq!((error.code, &error.message), (told.code, &told.message));
    assert!(error.is_current && error.at > 1_700_000_000_000);
    fixture.clock.release();
    uploaded(&realm);
    let error = realm.status().unwrap().last_error.unwrap();
    assert_eq!((error.code, error.is_current), (told.code, false));
}

#[test]
fn the_status_of_a_closed_realm_is_an_error() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.close();
    assert_eq!(realm.status().unwrap_err().code(), Code::ClosedRealm);
    assert_eq!(
        realm.observe_progress(|_| {}).unwrap_err().code(),
        Code::ClosedRealm
    );
}

#[test]
fn the_progress_goes_from_nothing_to_all() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write_large(&realm, 0..10, 400_000);
    let (told, _token) = observe(&realm);
    let begun = told.recv_timeout(LIMIT).unwrap();
    assert_eq!((begun.fraction, begun.waiting_objects), (0.0, 10));
    realm.session().resume();
    let all = until_told(&told, 10, 0);
    assert!(
        all.windows(2).all(|pair| pair[0].fraction <= pair[1].fraction),
        "{all:?}"
    );
    assert!(
        all.iter().any(|one| 0.0 < one.fraction && one.fraction < 1.0),
        "{all:?}"
    );
    for one in &all {
        assert_eq!(one.uploaded_objects + one.waiting_objects, 10);
        assert_eq!(one.fraction, one.uploaded_objects as f64 / 10.0);
    }
}

#[test]
fn more_that_waits_is_told_also_while_nothing_is_sent_and_a_new_round_begins_at_nothing() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let (told, _token) = observe(&realm);
    assert_eq!(told.recv_timeout(LIMIT).unwrap().fraction, 1.0, "nothing waits");
    write(&realm, [1, 2]);
    until_told(&told, 2, 0);
    realm.session().pause();
    write(&realm, [3]);
    until_told(&told, 0, 1);
    write(&realm, [4, 5]);
    let last = until_told(&told, 0, 3).pop().unwrap();
    assert_eq!(last.fraction, 0.0);
}

#[test]
fn rows_that_were_acknowledged_and_have_not_left_count_as_uploaded() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 1..13, 100_000);
    fixture.server.next("POST ingest", Reaction::Cut);
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    fixture.server.next("POST ingest", Reaction::Hold);
    let (told, _token) = observe(&realm);
    realm.session().resume();
    fixture.server.until_held(1);
    let is_between = |one: &Progress| 0.0 < one.fraction && one.fraction < 1.0;
    let between = std::iter::from_fn(|| told.recv_timeout(LIMIT).ok()).find(is_between);
    assert_eq!(
        between.unwrap().uploaded_objects + between.unwrap().waiting_objects,
        12
    );
    assert_eq!(realm.pending().unwrap().transactions, 12);
    fixture.server.release();
    until_told(&told, 12, 0);
}

#[test]
fn an_observer_that_was_removed_is_called_no_more_and_may_remove_itself() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let realm = Arc::new(realm);
    realm.session().pause();
    let (told, token) = observe(&realm);
    told.recv_timeout(LIMIT).unwrap();
    realm.unobserve_progress(token);
    assert!(told.recv().is_err(), "what it owned is gone");
    let (sender, of_self) = channel();
    let slot = Arc::new(Mutex::new(None));
    let (in_callback, of_callback) = (realm.clone(), slot.clone());
    let mut token = slot.lock().unwrap();
    let sender = Mutex::new(sender);
    let observed = realm.observe_progress(move |progress| {
        let token = of_callback.lock().unwrap().take();
        in_callback.unobserve_progress(token.unwrap());
        sender.lock().unwrap().send(progress).unwrap();
    });
    *token = Some(observed.unwrap());
    drop(token);
    of_self.recv_timeout(LIMIT).unwrap();
    write(&realm, [1]);
    until("the end of the observer", || of_self.recv().is_err());
}

#[test]
fn an_observer_ends_with_its_realm_and_not_with_another_of_the_path() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (first, _errors) = open_realm(&user);
    let (second, _errors) = open_realm(&user);
    let (of_first, _token) = observe(&first);
    let (of_second, _token) = observe(&second);
    let (sender, states) = channel();
    let sender = Mutex::new(sender);
    first
        .observe_connection(move |_, new| {
            let _ = sender.lock().unwrap().send(new);
        })
        .unwrap();
    of_first.recv_timeout(LIMIT).unwrap();
    first.close();
    until_gone(&of_first);
    until_gone(&states);
    write(&second, [1]);
    until_told(&of_second, 1, 0);
    drop(second);
    until_gone(&of_second);
}

#[test]
fn closing_a_realm_waits_for_an_observer_that_is_running_but_for_itself_in_it() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let realm = Arc::new(realm);
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    let (returned, has_returned) = channel();
    let ends = Mutex::new((entered, released, returned));
    let token = realm.observe_progress(move |_| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        ends.1.recv().unwrap();
        ends.2.send(()).unwrap();
    });
    token.unwrap();
    inside.recv_timeout(LIMIT).unwrap();
    let closing = realm.clone();
    let closer = thread::spawn(move || closing.close());
    until("the close", || realm.is_closed());
    release.send(()).unwrap();
    closer.join().unwrap();
    has_returned.try_recv().unwrap();

    let (again, _errors) = open_realm(&fixture.user());
    let again = Arc::new(again);
    let (sender, closed) = channel();
    let (in_callback, sender) = (Arc::downgrade(&again), Mutex::new(sender));
    let token = again.observe_progress(move |_| {
        in_callback.upgrade().unwrap().close();
        sender.lock().unwrap().send(()).unwrap();
    });
    token.unwrap();
    closed.recv_timeout(LIMIT).unwrap();
}

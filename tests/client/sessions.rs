//! States, waits and observers of a session, and what closing does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};
use realm_ingest::uploader::session::{ConnectionState, SessionState};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, open_realm, until, uploaded, wait, write, write_large};

fn with_policy(fixture: &Fixture, stop_policy: StopPolicy) -> Realm {
    let config = RealmConfig {
        stop_policy,
        ..RealmConfig::new(SCHEMA)
    };
    Realm::open(&fixture.user(), config, None).unwrap()
}

#[test]
fn a_wait_with_nothing_pending_takes_a_round_trip() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    let before = fixture.server.seen("GET ingest/").len();
    uploaded(&realm);
    assert_eq!(fixture.server.seen("GET ingest/").len(), before + 1);
    let (sender, done) = channel();
    realm
        .session()
        .wait_for_download(move |result| sender.send(result).unwrap());
    done.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.server.seen("GET ingest/").len(), before + 2);
}

#[test]
fn a_wait_covers_what_was_written_before_it_and_nothing_else() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    let first = wait(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [2]);
    let second = wait(&realm);
    fixture.server.release();
    first.recv_timeout(LIMIT).unwrap().unwrap();
    fixture.server.until_held(2);
    assert_eq!(
        second.try_recv().unwrap_err(),
        std::sync::mpsc::TryRecvError::Empty
    );
    fixture.server.release();
    second.recv_timeout(LIMIT).unwrap().unwrap();
}

#[test]
fn waits_from_before_a_pause_fail_and_those_from_within_go_on() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    let before = wait(&realm);
    let session = realm.session();
    session.pause();
    assert_eq!(session.state(), SessionState::Paused);
    assert_eq!(session.connection_state(), ConnectionState::Disconnected);
    let error = before.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::OperationAborted, "Sync session became inactive")
    );
    session.pause();
    write(&realm, [2]);
    let within = wait(&realm);
    assert_eq!(
        within.recv_timeout(Duration::from_millis(20)).unwrap_err(),
        RecvTimeoutError::Timeout
    );
    fixture.server.release();
    session.resume();
    session.resume();
    within.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(session.state(), SessionState::Active);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn a_time_limit_ends_a_wait() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    let error = realm
        .session()
        .wait_for_upload_blocking(Some(Duration::from_millis(20)))
        .unwrap_err();
    assert_eq!(error.code(), Code::WaitTimedOut);
    fixture.server.release();
    uploaded(&realm);
}

#[test]
fn an_observer_that_was_taken_away_is_not_running_and_is_told_no_more() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    let session = realm.session();
    let (inside, entered) = channel();
    let (release, released) = channel::<()>();
    let (inside, released) = (Mutex::new(inside), Mutex::new(released));
    let done = Arc::new(AtomicBool::new(false));
    let finished = done.clone();
    let first = session.observe_connection(move |_, _| {
        let _ = inside.lock().unwrap().send(());
        let _ = released.lock().unwrap().recv();
        finished.store(true, Ordering::Relaxed);
    });
    let (told, never) = channel();
    let second = session.observe_connection(move |_, new| told.send(new).unwrap());
    session.pause();
    entered.recv_timeout(LIMIT).unwrap();
    // Its turn comes after the first one, which is running.
    session.unobserve_connection(second);
    assert!(!done.load(Ordering::Relaxed));
    let other = thread::spawn(move || drop(release));
    session.unobserve_connection(first);
    assert!(done.load(Ordering::Relaxed), "it was still running");
    other.join().unwrap();

    let (told, heard) = channel();
    let itself = Arc::new(OnceLock::new());
    let (token, inner) = (itself.clone(), session.clone());
    let third = session.observe_connection(move |_, new| {
        inner.unobserve_connection(*token.wait());
        told.send(new).unwrap();
    });
    itself.set(third).unwrap();
    session.resume();
    uploaded(&realm);
    assert_eq!(heard.recv_timeout(LIMIT).unwrap(), ConnectionState::Connecting);
    assert!(heard.recv().is_err(), "once, and then it is dropped");
    assert!(never.recv().is_err(), "taken away before its turn");
}

#[test]
fn observers_see_each_change_of_the_connection_until_they_are_removed() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    let session = realm.session();
    let (sender, changes) = channel();
    let (told, never) = channel();
    let removed = session.observe_connection(move |old, new| told.send((old, new)).unwrap());
    session.unobserve_connection(removed);
    assert!(never.recv().is_err(), "it is dropped");
    session.unobserve_connection(77);
    let token = session.observe_connection(move |old, new| sender.send((old, new)).unwrap());
    assert_eq!((removed, token), (0, 1));
    session.pause();
    session.resume();
    uploaded(&realm);
    use ConnectionState::{Connected, Connecting, Disconnected};
    let seen: Vec<_> = changes.try_iter().collect();
    assert_eq!(
        seen,
        [
            (Connected, Disconnected),
            (Disconnected, Connecting),
            (Connecting, Connected)
        ]
    );
    session.unobserve_connection(token);
    assert!(changes.recv().is_err(), "the observer is dropped");
}

#[test]
fn a_logout_stops_the_session_and_keeps_what_is_written_for_the_next_login() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, _errors) = open_realm(&user);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Cut);
    fixture.server.next("GET ingest/", Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    let waiting = wait(&realm);
    user.log_out().unwrap();
    assert_eq!(realm.session().state(), SessionState::Inactive);
    let error = waiting.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::OperationAborted, "Sync session became inactive")
    );
    fixture.server.release();
    write(&realm, [2]);
    assert_eq!(
        wait(&realm).recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::OperationAborted
    );
    assert!(fixture.server.ids().is_empty());

    fixture.user();
    assert_eq!(realm.session().state(), SessionState::Active);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn the_last_close_ends_a_session_that_has_nothing_to_do() {
    let fixture = Fixture::new();
    let (first, _errors) = fixture.realm();
    let (second, _errors) = open_realm(&fixture.app.current_user().unwrap());
    let session = first.session();
    uploaded(&first);
    first.close();
    first.close();
    assert!(session.is_alive());
    assert_eq!(
        first.append(&[], &[]).unwrap_err().to_string(),
        "Cannot access realm that has been closed."
    );
    write(&second, [1]);
    uploaded(&second);
    drop(second);
    assert!(!session.is_alive());
    assert_eq!(session.state(), SessionState::Inactive);
    let (sender, done) = channel();
    session.wait_for_upload(move |result| sender.send(result).unwrap());
    assert_eq!(
        done.recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::OperationAborted
    );
}

#[test]
fn after_the_last_close_a_session_uploads_what_is_left_and_ends() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    let (session, waiting) = (realm.session(), wait(&realm));
    drop(realm);
    assert_eq!(session.state(), SessionState::Dying);
    fixture.server.release();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    until("the end of the session", || !session.is_alive());
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_dying_session_revives_when_its_path_is_opened_again() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    let session = realm.session();
    drop(realm);
    let (realm, _errors) = open_realm(&fixture.app.current_user().unwrap());
    assert_eq!(session.state(), SessionState::Active);
    fixture.server.release();
    write(&realm, [2]);
    uploaded(&realm);
    assert!(session.is_alive());
    assert_eq!(
        (fixture.server.ids(), fixture.server.state().repeated),
        (vec![1, 2], 0)
    );
}

#[test]
fn stop_policies_end_at_once_or_never() {
    let fixture = Fixture::new();
    let realm = with_policy(&fixture, StopPolicy::Immediately);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1]);
    let (session, waiting) = (realm.session(), wait(&realm));
    drop(realm);
    assert!(!session.is_alive());
    assert_eq!(
        waiting.recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::OperationAborted
    );
    fixture.server.release();

    let realm = with_policy(&fixture, StopPolicy::LiveIndefinitely);
    write(&realm, [2]);
    uploaded(&realm);
    let session = realm.session();
    drop(realm);
    assert_eq!(session.state(), SessionState::Active);
    assert_eq!(session.connection_state(), ConnectionState::Connected);
    session.wait_for_upload_blocking(Some(LIMIT)).unwrap();
}

#[test]
fn a_paused_session_does_not_linger_after_the_last_close() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write(&realm, [1]);
    let (session, waiting) = (realm.session(), wait(&realm));
    drop(realm);
    assert!(!session.is_alive());
    assert_eq!(
        waiting.recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::OperationAborted
    );
}

#[test]
fn reconnect_during_an_attempt_ends_the_pause_that_would_follow_it() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    let busy = vec![("Retry-After", "60".to_owned())];
    fixture
        .server
        .next("POST ingest", Reaction::HoldAndAnswer(503, busy, String::new()));
    write(&realm, [1]);
    fixture.server.until_held(1);
    realm.session().reconnect();
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn reconnect_ends_the_pause_between_attempts() {
    use realm_ingest::app::{App, Credentials};
    use realm_ingest::clock::{Clock, Pause};

    /// Pauses between attempts last for ever; `reconnect` alone ends them.
    struct Forever;
    impl Clock for Forever {
        fn sleep(&self, _: Duration) -> Pause {
            Box::pin(std::future::pending())
        }
        fn random(&self) -> f64 {
            0.5
        }
    }
    let fixture = Fixture::new();
    let config = crate::common::config(
        &fixture.server.url(),
        &fixture.directory,
        std::sync::Arc::new(Forever),
    );
    let app = App::open(config).unwrap();
    let user = app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    fixture.server.next("GET ingest/", Reaction::Cut);
    let (realm, errors) = open_realm(&user);
    errors.recv_timeout(LIMIT).unwrap();
    let waiting = wait(&realm);
    // The error is told just before the pause begins.
    until("the wait to end", || {
        realm.session().reconnect();
        waiting.try_recv().is_ok_and(|result| result.is_ok())
    });
}

#[test]
fn rows_that_a_process_sent_that_ended_before_it_was_answered_do_not_make_a_copy_of_the_outbox() {
    use realm_ingest::outbox::{Options, Outbox, SqliteOutbox};
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [-1]);
    uploaded(&realm);
    let (other, _) = SqliteOutbox::open(realm.path(), Options::default()).unwrap();
    let mut right = None;
    until("the right to upload", || {
        right = other.try_become_uploader().unwrap();
        right.is_some()
    });
    // More than one batch here, and the other process sent them as one.
    write_large(&realm, 0..6, 400_000);
    let origin = other.origin().unwrap();
    let last = other.last_seq().unwrap();
    fixture.server.took(&origin.identity, &origin.lineage, last);
    // The session shook hands long before, and does not do so again.
    drop(right);
    until("an empty outbox", || realm.pending().unwrap().transactions == 0);
    assert_eq!(fixture.server.ids(), (-1..6).collect::<Vec<_>>());
    assert_eq!(
        fixture.server.state().positions.len(),
        1,
        "it was not taken for a copy"
    );
    assert!(errors.try_recv().is_err());
}

#[test]
fn two_processes_worth_of_uploaders_take_turns() {
    use realm_ingest::outbox::{Options, Outbox, SqliteOutbox};
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    let (other, _) = SqliteOutbox::open(realm.path(), Options::default()).unwrap();
    // The lock is given back after a drain, so another process can have it.
    let mut right = None;
    until("the right to upload", || {
        right = other.try_become_uploader().unwrap();
        right.is_some()
    });
    let before = fixture.server.seen("POST ingest").len();
    write(&realm, [1]);
    let waiting = wait(&realm);
    assert_eq!(
        waiting.recv_timeout(Duration::from_millis(50)).unwrap_err(),
        RecvTimeoutError::Timeout
    );
    assert_eq!(fixture.server.seen("POST ingest").len(), before);
    // The other one uploads it, and adds a row that nobody here announces.
    let lease = other.lease(0, u64::MAX).unwrap().unwrap();
    let origin = other.origin().unwrap();
    other.settle(&origin.identity, lease.last_seq()).unwrap();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    let row = &lease.rows[0];
    let document = crate::common::reading(9);
    let transaction = realm_ingest::outbox::WriteTransaction {
        schema: row.schema,
        runs: &row.runs,
        payload: &document,
    };
    other.append(&transaction).unwrap();
    drop(right);
    fixture
        .server
        .until("the other's row", |state| state.stored.len() == 2);
    assert_eq!(fixture.server.ids(), [0, 9]);
}

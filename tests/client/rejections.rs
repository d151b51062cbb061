//! A server that does not know a device any more, as one that was set up anew: the device logs in again as far as its
//! credentials allow, and loses nothing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::app::{Credentials, UserState};
use realm_ingest::outbox::{Options, Outbox, SqliteOutbox};
use realm_ingest::realm::{ErrorHandler, Realm, RealmConfig};
use realm_ingest::uploader::session::SessionState;

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, open_realm, until, uploaded, wait, write};
use crate::processes::Part;

/// What is stored of this user.
fn stored(fixture: &Fixture, id: &str) -> serde_json::Value {
    let document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture.users_file()).unwrap()).unwrap();
    let users = document["users"].as_array().unwrap();
    users.iter().find(|user| user["id"] == id).unwrap().clone()
}

/// Whether the pause before a further user has begun: half of a minute, as the clock's dice fall.
fn waits_with_the_next_user(fixture: &Fixture) -> bool {
    fixture.clock.pauses().contains(&Duration::from_secs(30))
}

#[test]
fn an_anonymous_device_is_logged_in_anew_and_what_waits_arrives() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, errors) = open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    realm.session().pause();
    fixture.server.forget_sessions();
    write(&realm, [2, 3]);
    let result = wait(&realm);
    realm.session().resume();
    result.recv_timeout(LIMIT).unwrap().unwrap();
    write(&realm, [4]);
    uploaded(&realm);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4]);

    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal),
        (Code::AuthError, false),
        "{error:?}"
    );
    assert_eq!(user.state(), UserState::LoggedOut);
    let current = fixture.app.current_user().unwrap();
    assert_eq!((user.id(), current.id()), ("anon1", "anon2"));
    let record = stored(&fixture, "anon1");
    assert_eq!(
        (&record["rejected"], &record["successor"]),
        (&true.into(), &"anon2".into())
    );
    // The program goes on with the handle and the configuration that it has.
    let (again, _errors) = open_realm(&user);
    assert_eq!(again.path(), realm.path());
    write(&again, [5]);
    uploaded(&again);
    assert_eq!(fixture.server.ids().len(), 5);
}

#[test]
fn a_wait_that_begins_before_the_session_has_come_to_the_next_user_goes_on() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    uploaded(&realm);
    realm.session().pause();
    // Another process has the right to upload, for which the change of users waits.
    let (other, _) = SqliteOutbox::open(realm.path(), Options::default()).unwrap();
    let mut right = None;
    until("the right to upload", || {
        right = other.try_become_uploader().unwrap();
        right.is_some()
    });
    fixture.server.forget_sessions();
    write(&realm, [1]);
    realm.session().resume();
    until("the next user", || {
        stored(&fixture, "anon1")["successor"] == "anon2"
    });
    let begun = wait(&realm);
    assert_eq!(realm.session().state(), SessionState::WaitingForAccessToken);
    drop(right);
    begun.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_rejected_device_keeps_its_data_through_restarts_while_nobody_can_log_in() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, errors) = open_realm(&user);
    fixture.server.forget_sessions();
    for _ in 0..4 {
        fixture.server.next(
            "POST auth/providers/anon-user",
            Reaction::error(503, "MaintenanceInProgress", "later"),
        );
    }
    write(&realm, [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal),
        (Code::AuthError, false),
        "{error:?}"
    );
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal),
        (Code::AuthError, false),
        "{error:?}"
    );
    assert!(error.message.contains("later"), "{}", error.message);
    let path = realm.path().to_owned();
    drop(realm);
    fixture.restarted();
    assert!(path.exists());
    let (realm, _errors) = open_realm(&user);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_rejection_is_stored_before_anybody_is_told() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.users_file();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    // A program that ends here starts again with what is in the file.
    let handler: ErrorHandler = Arc::new(move |error| {
        told.lock().unwrap().push((
            error.code,
            error.is_fatal,
            std::fs::read_to_string(&path).unwrap(),
        ));
    });
    let realm = Realm::open(&user, RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    uploaded(&realm);
    fixture.server.forget_sessions();
    write(&realm, [1]);
    until("the report", || !seen.lock().unwrap().is_empty());
    let (code, is_fatal, content) = seen.lock().unwrap().remove(0);
    assert_eq!((code, is_fatal), (Code::AuthError, true));
    assert!(content.contains(r#""rejected":true"#), "{content}");
    assert!(content.contains(r#""refresh_token":"""#), "{content}");
    assert_eq!(user.state(), UserState::LoggedOut);
    let app = fixture.restarted();
    assert!(app.current_user().is_none());
    assert_eq!(app.users().len(), 1);
}

#[test]
fn an_email_user_with_a_new_id_takes_over_what_waits_under_the_old_one() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, errors) = open_realm(&user);
    uploaded(&realm);
    fixture.server.forget_sessions();
    write(&realm, [1, 2]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::AuthError, true));
    write(&realm, [3]);
    // The operator has made the account again; somebody else logs in first.
    fixture.server.state().email_user = "other".to_owned();
    let other = fixture
        .app
        .login(&Credentials::email_password("other@b.c", "password"))
        .unwrap();
    fixture.server.state().email_user = "user2".to_owned();
    let again = fixture.user();
    assert_eq!((other.id(), again.id()), ("other", "user2"));
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
    assert_eq!(stored(&fixture, "user1")["successor"], "user2");
    assert_eq!(user.state(), UserState::LoggedOut);
}

#[test]
fn logging_in_again_during_a_refresh_neither_stops_the_session_nor_logs_anybody_out() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, errors) = open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    for (round, refused) in [(1, false), (2, true)] {
        fixture.server.next(
            "POST ingest",
            Reaction::error(401, "InvalidSession", "unauthorized"),
        );
        fixture.server.next("POST auth/session", Reaction::Hold);
        write(&realm, [10 * round]);
        fixture.server.until_held(round as usize);
        if refused {
            fixture.server.forget_sessions();
        }
        assert_eq!(fixture.user(), user);
        fixture.server.release();
        uploaded(&realm);
        assert_eq!(user.state(), UserState::LoggedIn);
    }
    assert_eq!(fixture.server.ids(), [1, 10, 20]);
    assert!(errors.try_recv().is_err(), "nobody is told of anything");
}

#[test]
fn a_session_that_another_process_began_is_used_where_the_own_one_is_refused() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, errors) = open_realm(&user);
    uploaded(&realm);
    fixture.server.forget_sessions();
    Part::new(&fixture, &[]).then_log_in("a@b.c").play_and_be_killed();
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
    assert_eq!(user.state(), UserState::LoggedIn);
    assert!(errors.try_recv().is_err(), "nobody is told of anything");
}

#[test]
fn a_server_that_rejects_everybody_is_not_asked_for_more_and_more_users() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    uploaded(&realm);
    fixture.clock.hold_long_pauses();
    fixture.server.state().dead_tokens = u64::MAX;
    write(&realm, [1]);
    until("the pause", || waits_with_the_next_user(&fixture));
    let users = fixture.server.state().users;
    assert_eq!(users, 2);
    assert_eq!(realm.pending().unwrap().objects, 1);
}

#[test]
fn a_session_with_nothing_to_send_does_not_hurry_the_next_user() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    let idle = RealmConfig {
        path: Some(fixture.directory.path().join("idle.realm")),
        ..RealmConfig::new(SCHEMA)
    };
    let idle = Realm::open(&user, idle, None).unwrap();
    uploaded(&realm);
    uploaded(&idle);
    fixture.clock.hold_long_pauses();
    // Data of the next user is refused too.
    let refusal = || Reaction::error(401, "InvalidSession", "unauthorized");
    fixture.server.next("POST ingest", refusal());
    fixture.server.next("POST ingest", refusal().held());
    for _ in 0..2 {
        fixture.server.next("POST auth/session", refusal());
    }
    write(&realm, [1]);
    fixture.server.until_held(1);
    uploaded(&idle);
    fixture.server.release();
    until("the pause", || {
        waits_with_the_next_user(&fixture) || fixture.server.state().users > 2
    });
    let users = fixture.server.state().users;
    assert_eq!(users, 2);
}

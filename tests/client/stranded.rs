//! Whose data an outbox holds, and what becomes of data whose user is gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use realm_ingest::Code;
use realm_ingest::app::{App, AppConfig, Credentials, User, UserState};
use realm_ingest::outbox::{Options, Outbox, Run, SqliteOutbox, WriteTransaction};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};

use crate::common::server::Reaction;
use crate::common::{
    Fixture, LIMIT, SCHEMA, TestClock, config, handler, open_realm, reading, until, uploaded, write,
};
use crate::processes::Part;

/// Writes for a user, and closes: what was written waits in the file.
fn left_by(user: &User, path: Option<&Path>, ids: &[i64]) -> PathBuf {
    let config = RealmConfig {
        path: path.map(Path::to_owned),
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(user, config, None).unwrap();
    realm.session().pause();
    ids.iter().for_each(|id| write(&realm, [*id]));
    realm.path().to_owned()
}

fn stored_transactions(fixture: &Fixture, count: usize) {
    fixture
        .server
        .until("the rows", |state| state.stored.len() >= count);
}

fn stored(fixture: &Fixture, count: usize) -> Vec<i64> {
    stored_transactions(fixture, count);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    ids
}

#[test]
fn data_of_one_user_does_not_go_out_under_another_who_opens_the_path() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("own.realm");
    let path = left_by(&user, Some(&path), &[1, 2]);
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let open = |user: &User| {
        let config = RealmConfig {
            path: Some(path.clone()),
            ..RealmConfig::new(SCHEMA)
        };
        Realm::open(user, config, None)
    };
    let error = open(&other).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert_eq!(
        error.to_string(),
        format!(
            "the outbox at {} holds 2 write transactions of user 'user1' of app 'app-test', and cannot be opened for \
             user 'anon1' of app 'app-test' before they are uploaded: log that user in, or re-home them with \
             realm::ingest::rehome",
            path.display()
        )
    );
    let elsewhere = App::open(AppConfig {
        path: Some(fixture.directory.path().to_owned()),
        base_url: Some(fixture.server.url()),
        enable_caching: false,
        ..AppConfig::new("app-other")
    })
    .unwrap();
    let same_name = elsewhere
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    let error = open(&same_name).unwrap_err();
    assert!(
        error.to_string().contains("for user 'user1' of app 'app-other'"),
        "{error}"
    );

    let realm = open(&user).unwrap();
    uploaded(&realm);
    drop(realm);
    // Nothing of the former user is left in it.
    let realm = open(&other).unwrap();
    write(&realm, [3]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids().len(), 3);
}

#[test]
fn data_of_an_anonymous_user_who_is_logged_in_does_not_go_out_under_another_one() {
    let fixture = Fixture::new();
    fixture.app.login(&Credentials::anonymous()).unwrap();
    let elsewhere = Fixture::new();
    elsewhere.server.state().users = 1;
    elsewhere.app.login(&Credentials::anonymous()).unwrap();
    // As two processes leave it of which one has waited too long for the other.
    let read = |fixture: &Fixture| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(fixture.users_file()).unwrap()).unwrap()
    };
    let mut both = read(&fixture);
    both["users"]
        .as_array_mut()
        .unwrap()
        .push(read(&elsewhere)["users"][0].clone());
    std::fs::write(fixture.users_file(), both.to_string()).unwrap();
    let app = fixture.restarted();
    let [first, second] = &app.users()[..] else {
        panic!("two users");
    };
    assert_eq!(
        (first.principal(), first.state(), second.state()),
        (second.principal(), UserState::LoggedIn, UserState::LoggedIn)
    );
    let path = left_by(first, Some(&fixture.directory.path().join("own.realm")), &[1]);
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let error = Realm::open(second, config, None).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
}

#[test]
fn data_of_an_email_address_goes_out_under_its_new_id_also_before_the_old_one_is_refused() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(&fixture.directory.path().join("own.realm")), &[1]);
    // The operator has made the account again.
    fixture.server.state().email_user = "user2".to_owned();
    let again = fixture.user();
    assert_eq!((user.state(), again.id()), (UserState::LoggedIn, "user2"));
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&again, config, None).unwrap();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn an_empty_outbox_that_its_user_has_open_elsewhere_is_not_given_to_another() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("own.realm");
    let path = left_by(&user, Some(&path), &[]);
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let open = || {
        let config = RealmConfig {
            path: Some(path.clone()),
            ..RealmConfig::new(SCHEMA)
        };
        Realm::open(&other, config, None)
    };
    let (elsewhere, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let error = open().unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert!(error.to_string().contains("is open for user 'user1'"), "{error}");
    assert_eq!(elsewhere.owner().unwrap().unwrap().user, "user1");
    drop(elsewhere);
    let realm = open().unwrap();
    write(&realm, [1]);
    uploaded(&realm);
    let sent = fixture.server.seen("POST ingest").pop().unwrap();
    let token = format!("Bearer {}", other.access_token());
    assert_eq!(sent.headers["authorization"], token);
}

#[test]
fn whoever_runs_sends_what_waits_in_the_directory() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1]), ("", &[2])]).play_and_be_killed();
    let _app = fixture.restarted();
    assert_eq!(stored(&fixture, 2), [1, 2]);
}

#[test]
fn what_waits_in_an_outbox_whose_recovery_was_interrupted_is_sent() {
    let mut fixture = Fixture::new();
    let path = fixture.user().realm_path().unwrap();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1, 2])]).play_and_be_killed();
    drop(SqliteOutbox::open(&path, Options::default()).unwrap());
    // As it may be where a file cannot have two names.
    std::fs::rename(&path, path.with_extension("realm.recovered")).unwrap();
    let _app = fixture.restarted();
    assert_eq!(stored(&fixture, 2), [1, 2]);
    assert!(path.exists());
}

#[test]
fn a_process_that_goes_on_sends_what_another_left_that_was_killed_beside_it() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    // Of a user who was not known when the app was opened.
    Part::new(&fixture, &[("", &[1])]).play_and_be_killed();
    write(&realm, [2]);
    assert_eq!(stored(&fixture, 2), [1, 2]);
}

#[test]
fn what_a_session_in_the_background_has_to_say_is_told_when_a_realm_is_opened() {
    let mut fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    drop(realm);
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])]).play_and_be_killed();
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 0)]));
    let app = fixture.restarted();
    stored_transactions(&fixture, 2);
    let (_realm, errors) = open_realm(&app.current_user().unwrap());
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(error.code, Code::SyncWriteNotAllowed);
}

#[test]
fn a_device_that_was_rejected_before_it_stopped_is_logged_in_anew_when_it_starts() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("", &[1])]).play_and_be_killed();
    let file = fixture.users_file();
    let mut users: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let user = &mut users["users"][0];
    (user["rejected"], user["access_token"], user["refresh_token"]) = (true.into(), "".into(), "".into());
    std::fs::write(&file, users.to_string()).unwrap();
    let app = fixture.restarted();
    assert_eq!(stored(&fixture, 1), [1]);
    assert_eq!(app.current_user().unwrap().id(), "anon2");
}

#[test]
fn an_outbox_without_an_owner_belongs_to_the_user_in_whose_directory_it_lies() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = user.realm_path().unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As a release left it that kept no owner.
    let (outbox, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let schema = realm_ingest_protocol::Schema::parse(SCHEMA).unwrap();
    let schema = outbox
        .register_schema(&schema.fingerprint(), &schema.to_json())
        .unwrap();
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    outbox
        .append(&WriteTransaction {
            schema,
            runs: &runs,
            payload: &reading(1),
        })
        .unwrap();
    drop(outbox);
    let _app = fixture.restarted();
    assert_eq!(stored(&fixture, 1), [1]);
}

#[test]
fn anonymous_data_survives_a_users_file_that_cannot_be_read() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("", &[1, 2])]).play_and_be_killed();
    std::fs::write(fixture.users_file(), b"torn").unwrap();
    let app = fixture.restarted();
    assert!(app.users().is_empty());
    let stranded = app.stranded().unwrap();
    assert_eq!(stranded.len(), 1);
    assert_eq!(
        (stranded[0].user.as_str(), stranded[0].principal.as_str()),
        ("anon1", "anon-user")
    );
    assert!(stranded[0].path.ends_with("anon1/flx_sync_default.realm"));
    assert_eq!(app.login(&Credentials::anonymous()).unwrap().id(), "anon2");
    assert_eq!(stored(&fixture, 2), [1, 2]);
    until("nothing to be stranded", || app.stranded().unwrap().is_empty());
}

#[test]
fn data_survives_another_metadata_key() {
    let fixture = Fixture::new();
    let directory = tempfile::tempdir().unwrap();
    Part::new(&fixture, &[("a@b.c", &[1]), ("", &[2])])
        .in_directory(directory.path(), 1)
        .play_and_be_killed();
    let app = App::open(AppConfig {
        metadata_encryption_key: Some([2; 64]),
        ..config(&fixture.server.url(), &directory, Arc::new(TestClock::default()))
    })
    .unwrap();
    assert_eq!(app.stranded().unwrap().len(), 2);
    app.login(&Credentials::anonymous()).unwrap();
    assert_eq!(stored(&fixture, 1), [2]);
    // The same name, although the server has made the account again.
    fixture.server.state().email_user = "user7".to_owned();
    app.login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    assert_eq!(stored(&fixture, 2), [1, 2]);
}

#[test]
fn what_nobody_can_send_is_listed_exported_and_re_homed() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1, 2])])
        .then_log_out("a@b.c")
        .play_and_be_killed();
    let app = fixture.restarted();
    let user = app.users().remove(0);
    let other = app.login(&Credentials::anonymous()).unwrap();
    let stranded = app.stranded().unwrap();
    assert_eq!(stranded.len(), 1);
    let path = stranded[0].path.clone();
    assert_eq!(path, user.realm_path().unwrap().canonicalize().unwrap());
    assert_eq!(
        (stranded[0].user.as_str(), stranded[0].pending.transactions),
        ("user1", 2)
    );
    assert!(stranded[0].principal.starts_with("local-userpass:"));

    let export = fixture.directory.path().join("export.json");
    assert_eq!(app.export(&path, &export).unwrap(), 2);
    assert_eq!(
        std::fs::read_to_string(&export).unwrap(),
        "{\"class\":\"Reading\",\"document\":{\"_id\":{\"$numberLong\":\"1\"},\"note\":\"reading 1\"}}\n\
         {\"class\":\"Reading\",\"document\":{\"_id\":{\"$numberLong\":\"2\"},\"note\":\"reading 2\"}}\n"
    );
    let error = app.export(&path, &export).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(app.stranded().unwrap().len(), 1);

    assert!(app.rehome(&path, &user).is_err(), "it is not logged in");
    app.rehome(&path, &other).unwrap();
    assert_eq!(stored(&fixture, 2), [1, 2]);
    assert!(app.stranded().unwrap().is_empty());
}

#[test]
fn a_document_that_is_not_valid_keeps_no_other_from_being_exported() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    let mut bad = reading(1);
    let at = bad.windows(7).position(|found| found == b"reading").unwrap();
    bad[at] = 0xff;
    let run = Run {
        class: "Reading".to_owned(),
        count: 2,
    };
    realm.append(&[run], &[bad.clone(), reading(2)].concat()).unwrap();
    let export = fixture.directory.path().join("export.json");
    assert_eq!(fixture.app.export(realm.path(), &export).unwrap(), 2);
    let text = std::fs::read_to_string(&export).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(lines[0]["bson"].as_str().unwrap());
    assert_eq!(bytes.unwrap(), bad);
    assert_eq!(lines[1]["document"]["note"], "reading 2");
}

#[test]
fn an_open_outbox_is_re_homed_with_its_session() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, errors) = open_realm(&user);
    uploaded(&realm);
    fixture.server.forget_sessions();
    write(&realm, [1]);
    assert!(errors.recv_timeout(LIMIT).unwrap().is_fatal);
    assert_eq!(fixture.app.stranded().unwrap()[0].path, realm.path());
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    fixture.app.rehome(realm.path(), &other).unwrap();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
    let error = fixture.app.discard(realm.path()).unwrap_err();
    assert_eq!(error.code(), Code::LogicError);
}

#[test]
fn an_open_outbox_is_re_homed_also_when_its_session_ends_meanwhile() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    realm.session().pause();
    write(&realm, [1]);
    let path = realm.path().to_owned();
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (outbox, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let mut right = None;
    until("the right to upload", || {
        right = outbox.try_become_uploader().unwrap();
        right.is_some()
    });
    let pauses = fixture.clock.pauses().len();
    std::thread::scope(|scope| {
        let re_homing = scope.spawn(|| fixture.app.rehome(&path, &other));
        until("a try", || fixture.clock.pauses().len() > pauses);
        drop(realm);
        drop(right);
        re_homing.join().unwrap().unwrap();
    });
    assert_eq!(outbox.owner().unwrap().unwrap().user, other.id());
    assert_eq!(stored(&fixture, 1), [1]);
}

#[test]
fn an_error_handler_that_re_homes_its_outbox_is_refused_and_does_not_wait_for_itself() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let path = user.realm_path().unwrap();
    let (sender, result) = std::sync::mpsc::channel();
    let (app, sender) = (fixture.app.clone(), std::sync::Mutex::new(sender));
    let handler: realm_ingest::realm::ErrorHandler = Arc::new(move |_| {
        let _ = sender.lock().unwrap().send(app.rehome(&path, &other));
    });
    let realm = Realm::open(&user, RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Refuse(vec![(2, 0)]));
    write(&realm, [1]);
    let refused = result.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::LogicError);
    assert!(refused.to_string().contains("in a callback"), "{refused}");
    uploaded(&realm);
}

#[test]
fn an_outbox_that_another_process_re_homes_is_not_sent_under_the_former_user() {
    re_homed_by_another_process(true);
}

#[test]
fn a_connected_session_sends_nothing_more_under_the_former_user() {
    re_homed_by_another_process(false);
}

fn re_homed_by_another_process(paused: bool) {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    uploaded(&realm);
    if paused {
        realm.session().pause();
    }
    Part::new(&fixture, &[])
        .then_re_home("a@b.c")
        .play_and_be_killed();
    write(&realm, [1]);
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
    let users = fixture.app.users();
    let user = users.iter().find(|user| user.id() == "anon1").unwrap();
    let sent = fixture.server.seen("POST ingest").pop().unwrap();
    assert_eq!(
        sent.headers["authorization"],
        format!("Bearer {}", user.access_token())
    );
}

#[test]
fn discarding_deletes_an_outbox_and_nothing_else_does() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])])
        .then_log_out("a@b.c")
        .play_and_be_killed();
    let app = fixture.restarted();
    let path = app.stranded().unwrap().remove(0).path;
    let other = path.with_file_name("notes.realm");
    std::fs::write(&other, b"not an outbox").unwrap();
    assert_eq!(app.discard(&other).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(app.discard(&path).unwrap().transactions, 1);
    let left: Vec<_> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["notes.realm"]);
    assert!(app.discard(&path).is_err());
    assert!(app.stranded().unwrap().is_empty());
}

#[test]
fn logging_an_anonymous_user_out_deletes_its_outboxes_and_those_alone() {
    let fixture = Fixture::new();
    let first = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&first);
    uploaded(&realm);
    fixture.server.forget_sessions();
    write(&realm, [1]);
    uploaded(&realm);
    // It goes on under a second user in the directory of the first.
    let second = fixture.app.current_user().unwrap();
    assert_ne!(first, second);
    realm.session().pause();
    write(&realm, [2]);
    let path = realm.path().to_owned();
    let aside = path.with_file_name("flx_sync_default.realm.corrupt-1");
    std::fs::write(&aside, b"kept").unwrap();
    let (other_realm, _errors) = open_realm(&second);
    other_realm.session().pause();
    write(&other_realm, [3]);
    let own = other_realm.path().to_owned();
    second.log_out().unwrap();
    drop((realm, other_realm));
    let third = fixture.app.login(&Credentials::anonymous()).unwrap();
    let kept = left_by(&third, None, &[4]);
    until("the end of the session", || {
        fixture.restarted();
        !path.exists() && !own.exists()
    });
    assert!(aside.exists() && kept.exists() && !own.parent().unwrap().exists());
    assert_eq!(stored(&fixture, 2), [1, 4]);
}

#[test]
fn a_realm_with_settings_of_its_own_takes_the_place_of_a_session_in_the_background() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])]).play_and_be_killed();
    fixture.server.next("POST ingest", Reaction::Hold);
    let app = fixture.restarted();
    fixture.server.until_held(1);
    let (handler, _errors) = handler();
    let config = RealmConfig {
        cap: Some((64 * 1024, realm_ingest::outbox::Policy::Fail)),
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&app.current_user().unwrap(), config, Some(handler)).unwrap();
    let big = bson::serialize_to_vec(&bson::doc! {"_id": 2_i64, "note": noise()}).unwrap();
    let run = Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    assert_eq!(
        realm.append(&[run], &big).unwrap_err().code(),
        Code::LimitExceeded
    );
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

/// Text that does not shrink.
fn noise() -> String {
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:x}")
    };
    (0..20_000).map(|_| next()).collect()
}

//! What becomes of data whose user is gone: it is listed, exported, re-homed and discarded.

use std::sync::Arc;

use base64::Engine;
use realm_ingest::Code;
use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::outbox::{Options, Outbox, Run, SqliteOutbox};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, TestClock, config, open_realm, reading, until, uploaded, write};
use crate::left::stored;
use crate::processes::Part;

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
    assert_eq!(app.export(&path, &export, None).unwrap(), 2);
    assert_eq!(
        std::fs::read_to_string(&export).unwrap(),
        "{\"class\":\"Reading\",\"document\":{\"_id\":{\"$numberLong\":\"1\"},\"note\":\"reading 1\"}}\n\
         {\"class\":\"Reading\",\"document\":{\"_id\":{\"$numberLong\":\"2\"},\"note\":\"reading 2\"}}\n"
    );
    let error = app.export(&path, &export, None).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(app.stranded().unwrap().len(), 1);

    assert!(app.rehome(&path, &user, None).is_err(), "it is not logged in");
    app.rehome(&path, &other, None).unwrap();
    assert_eq!(stored(&fixture, 2), [1, 2]);
    assert!(app.stranded().unwrap().is_empty());
}

#[test]
fn an_export_leaves_other_files_alone_whatever_they_are_called() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write(&realm, [1]);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export.json");
    let other = folder.path().join("export.json.part");
    std::fs::write(&other, "a part of something else").unwrap();
    assert_eq!(fixture.app.export(realm.path(), &export, None).unwrap(), 1);
    assert_eq!(
        std::fs::read_to_string(&other).unwrap(),
        "a part of something else"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
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
    assert_eq!(fixture.app.export(realm.path(), &export, None).unwrap(), 2);
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
    fixture.app.rehome(realm.path(), &other, None).unwrap();
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
        let re_homing = scope.spawn(|| fixture.app.rehome(&path, &other, None));
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
        let _ = sender.lock().unwrap().send(app.rehome(&path, &other, None));
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

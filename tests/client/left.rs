//! What other users and other processes left in the directory is sent by whoever runs, or deleted where that was asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use realm_ingest::Code;
use realm_ingest::app::{Credentials, User};
use realm_ingest::outbox::{Cap, Options, Run, SqliteOutbox};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy, UploadPolicy};
use realm_ingest::uploader::session::SessionState;

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, handler, open_realm, until, uploaded, write};
use crate::encrypted::overwrite_rows;
use crate::processes::Part;

/// Writes for a user, and closes: what was written waits in the file.
pub fn left_by(user: &User, path: Option<&Path>, ids: &[i64]) -> PathBuf {
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

pub fn stored(fixture: &Fixture, count: usize) -> Vec<i64> {
    stored_transactions(fixture, count);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    ids
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
fn the_recovery_of_a_file_that_only_a_realm_may_send_is_told_when_that_is_opened() {
    let mut fixture = Fixture::new();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        upload: UploadPolicy {
            may_upload: Some(Arc::new(|| false)),
            ..UploadPolicy::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    write(&realm, [1]);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    fixture.stop();
    overwrite_rows(&path);
    let app = fixture.restarted();
    until("the recovery", || {
        let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.contains(".realm.corrupt-") && !name.ends_with("-wal"))
    });
    let (_realm, errors) = open_realm(&app.current_user().unwrap());
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert!(error.message.contains(".realm.corrupt-"), "{error:?}");
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
        cap: Cap {
            max_bytes: Some(64 * 1024),
            ..Cap::default()
        },
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

#[cfg(unix)]
#[test]
fn a_realm_that_is_opened_by_a_link_shares_the_session_of_its_file() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file.realm"), folder.path().join("link.realm"));
    std::os::unix::fs::symlink("file.realm", &link).unwrap();
    let open = |path: &std::path::Path| {
        let config = RealmConfig {
            path: Some(path.to_owned()),
            ..RealmConfig::new(SCHEMA)
        };
        Realm::open(&user, config, None).unwrap()
    };
    let (by_link, realm) = (open(&link), open(&file));
    assert_eq!(by_link.path(), realm.path());
    by_link.session().pause();
    assert_eq!(realm.session().state(), SessionState::Paused);
}

//! What an app sends in the background: what it passes over for now, what is kept for the application, and for how long
//! it is there to do so.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use realm_ingest::app::{App, Credentials, User};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};
use rusqlite::Connection;

use crate::common::server::Reaction;
use crate::common::{Fixture, SCHEMA, open_realm, times_open, until, write};
use crate::processes::{Part, said};

fn app_directory(fixture: &Fixture) -> PathBuf {
    fixture.directory.path().join("mongodb-realm/app-test")
}

fn default_realm(fixture: &Fixture, user: &str) -> PathBuf {
    app_directory(fixture).join(user).join("flx_sync_default.realm")
}

fn log_in(app: &App) -> User {
    app.login(&Credentials::email_password("a@b.c", "password"))
        .unwrap()
}

fn stored(fixture: &Fixture, ids: &[i64]) {
    fixture
        .server
        .until("the rows", |state| state.stored.len() >= ids.len());
    assert_eq!(fixture.server.ids(), ids);
}

/// Keeps the file from being opened, as a lack of descriptors or of rights does, until what is returned is removed.
fn keep_from_being_opened(path: &Path) -> PathBuf {
    let mut index = path.as_os_str().to_owned();
    index.push("-shm");
    let index = PathBuf::from(index);
    let _ = std::fs::remove_file(&index);
    std::os::unix::fs::symlink("nowhere", &index).unwrap();
    index
}

/// A look waits at this file for seconds.
fn busy_file(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("CREATE TABLE a (b); BEGIN EXCLUSIVE; INSERT INTO a VALUES (1)")
        .unwrap();
    connection
}

/// Opens the user's default realm, writes, and closes: that is not to be sent.
fn write_and_keep(user: &User, path: Option<PathBuf>, ids: &[i64]) {
    let config = RealmConfig {
        path,
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(user, config, None).unwrap();
    realm.session().pause();
    ids.iter().for_each(|id| write(&realm, [*id]));
}

#[test]
fn what_cannot_be_opened_for_now_is_sent_once_it_can_without_anybodys_doing() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])]).play_and_be_killed();
    let in_the_way = keep_from_being_opened(&default_realm(&fixture, "user1"));
    let _app = fixture.restarted();
    let second_pause = Duration::from_millis(500);
    until("a look that is tried again", || {
        fixture.clock.pauses().contains(&second_pause)
    });
    std::fs::remove_file(in_the_way).unwrap();
    stored(&fixture, &[1]);
}

#[test]
fn what_a_removed_user_left_is_deleted_also_if_it_cannot_be_opened_at_the_first_start() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("", &[1])])
        .then_log_out("")
        .play_and_be_killed();
    let path = default_realm(&fixture, "anon1");
    let in_the_way = keep_from_being_opened(&path);
    drop(fixture.restarted());
    std::fs::remove_file(in_the_way).unwrap();
    assert!(path.exists());
    let _app = fixture.restarted();
    assert!(!path.exists());
}

#[test]
fn a_realm_that_is_closed_while_its_user_is_logged_out_is_sent_when_another_process_logs_the_user_in() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, _errors) = open_realm(&user);
    user.log_out().unwrap();
    write(&realm, [1]);
    drop(realm);
    fixture.server.next("GET ingest/", Reaction::Hold);
    let mut other = Part::new(&fixture, &[]).then_log_in("a@b.c").spawn();
    other.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    said(&mut other);
    // Either of the two is about to send the rows.
    fixture.server.until_held(1);
    other.kill().unwrap();
    other.wait().unwrap();
    fixture.server.release();
    stored(&fixture, &[1]);
}

#[test]
fn what_is_closed_to_be_kept_stays_also_while_the_look_of_a_log_in_is_under_way() {
    let fixture = Fixture::new();
    let directory = app_directory(&fixture);
    let user = fixture.user();
    write_and_keep(&user, None, &[]);
    write_and_keep(&user, Some(directory.join("user2.realm")), &[2]);
    let busy = busy_file(&directory.join("busy.realm"));
    let user = fixture.user();
    until("a look", || times_open(&directory.join("busy.realm")) > 1);
    write_and_keep(&user, None, &[1]);
    drop(busy);
    // What the log-in found is sent, and comes last.
    stored(&fixture, &[2]);
    let kept = Connection::open(default_realm(&fixture, "user1")).unwrap();
    let kept: i64 = kept
        .query_row("SELECT count(*) FROM tx", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_log_in_sends_what_waits_also_if_the_app_is_dropped_at_once() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])])
        .in_file("a.realm")
        .then_log_out("a@b.c")
        .play_and_be_killed();
    let path = app_directory(&fixture).join("busy.realm");
    let busy = busy_file(&path);
    let app = fixture.restarted();
    // It has passed the file of the user, who is not logged in.
    until("the look at opening", || times_open(&path) > 1);
    let user = log_in(&app);
    drop((user, app));
    drop(busy);
    stored(&fixture, &[1]);
}

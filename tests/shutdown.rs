//! The end of the library's work before that of the process. Each test is a process of its own: what it ends does not
//! begin again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod common;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::server::Reaction;
use common::{Fixture, LIMIT, SCHEMA, config, times_open, until, uploaded, wait, write};
use realm_ingest::app::{App, AppConfig};
use realm_ingest::outbox::{Options, Outbox, SqliteOutbox};
use realm_ingest::realm::{ErrorHandler, Realm, RealmConfig};
use realm_ingest::{Code, shutdown};

const PLACE: &str = "REALM_INGEST_TEST_PROCESS";

/// Runs this test again in a process of its own, and is true there.
fn in_a_process_of_its_own(test: &str) -> bool {
    if std::env::var_os(PLACE).is_some() {
        return true;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(PLACE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    false
}

/// The names of the threads of this process that are the library's.
fn threads() -> Vec<String> {
    let name = |thread: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
    };
    let all = std::fs::read_dir("/proc/self/task").unwrap().map(name);
    all.filter(|name| name.starts_with("ingest-")).collect()
}

fn says_so<T>(result: realm_ingest::Result<T>) {
    let error = result.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("realm-ingest was shut down in this process"),
        "{error}"
    );
    assert_eq!(error.code(), Code::LogicError);
}

#[test]
fn threads_are_gone_when_it_returns_and_every_call_says_so_afterwards() {
    if !in_a_process_of_its_own("threads_are_gone_when_it_returns_and_every_call_says_so_afterwards") {
        return;
    }
    let fixture = Fixture::new();
    let other = fixture.restarted();
    let user = fixture.user();
    let (realm, _errors) = common::open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [2]);
    fixture.server.until_held(1);
    let waiting = wait(&realm);
    assert!(threads().len() >= 4, "{:?}", threads());

    assert!(shutdown(LIMIT));
    assert_eq!(threads(), [""; 0]);
    // It ended before the shutdown returned.
    let ended = waiting.try_recv().unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::OperationAborted);

    says_so(realm.append(&[], &[]));
    says_so(realm.pending());
    says_so(user.log_out());
    says_so(user.refresh_custom_data());
    says_so(other.register_user("a@b.c", "password"));
    says_so(Realm::open(&user, RealmConfig::new(SCHEMA), None));
    says_so(App::open(config(
        &fixture.server.url(),
        &fixture.directory,
        fixture.clock.clone(),
    )));
    says_so(realm.session().wait_for_upload_blocking(None));
    assert!(!realm.session().is_alive());
    drop((realm, user, other));
    assert_eq!(threads(), [""; 0]);
    assert!(shutdown(Duration::ZERO), "nothing is left to end");
    fixture.server.release();
}

#[test]
fn nobody_waits_on_for_another_process_that_is_uploading() {
    if !in_a_process_of_its_own("nobody_waits_on_for_another_process_that_is_uploading") {
        return;
    }
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("own.realm");
    let (outbox, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let right = outbox.try_become_uploader().unwrap();
    assert!(right.is_some());
    let opened = times_open(&path);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| fixture.app.rehome(&path, &user, None));
        until("the wait", || times_open(&path) > opened);
        shutdown(LIMIT);
        says_so(waiting.join().unwrap());
    });
}

#[test]
fn a_callback_that_does_not_return_is_said_and_none_begins_behind_it() {
    if !in_a_process_of_its_own("a_callback_that_does_not_return_is_said_and_none_begins_behind_it") {
        return;
    }
    let fixture = Fixture::new();
    let user = fixture.user();
    let calls = Arc::new(AtomicUsize::new(0));
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    let ends = Mutex::new((entered, released));
    let count = calls.clone();
    let handler: ErrorHandler = Arc::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        let _ = ends.1.recv();
    });
    let realm = Realm::open(&user, RealmConfig::new(SCHEMA), Some(handler)).unwrap();
    for _ in 0..3 {
        fixture.server.next("POST ingest", Reaction::Cut);
    }
    write(&realm, [1]);
    inside.recv_timeout(LIMIT).unwrap();
    // The next attempts are reported behind the one that is stuck.
    fixture.server.until("the row", |state| !state.stored.is_empty());

    assert!(!shutdown(Duration::from_millis(50)));
    drop(release);
    assert!(shutdown(LIMIT), "it has returned");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_callback_may_ask_for_it_and_is_not_waited_for() {
    if !in_a_process_of_its_own("a_callback_may_ask_for_it_and_is_not_waited_for") {
        return;
    }
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let (sender, result) = channel();
    realm
        .session()
        .wait_for_upload(move |_| sender.send(shutdown(LIMIT)).unwrap());
    assert!(!result.recv_timeout(LIMIT).unwrap(), "its own thread is running");
    assert!(shutdown(LIMIT));
    assert_eq!(threads(), [""; 0]);
}

#[test]
fn an_app_that_is_being_opened_does_not_hold_it_up() {
    if !in_a_process_of_its_own("an_app_that_is_being_opened_does_not_hold_it_up") {
        return;
    }
    let fixture = Fixture::new();
    // Reading users lasts until somebody writes. Those of a directory that nobody else looks at.
    let elsewhere = tempfile::tempdir().unwrap();
    let within = fixture.users_file();
    let users = elsewhere
        .path()
        .join(within.strip_prefix(fixture.directory.path()).unwrap());
    std::fs::create_dir_all(users.parent().unwrap()).unwrap();
    let made = Command::new("mkfifo").arg(&users).status();
    assert!(made.unwrap().success());
    let config = AppConfig {
        enable_caching: true,
        ..config(&fixture.server.url(), &elsewhere, fixture.clock.clone())
    };
    let opening = thread::spawn(move || App::open(config));
    // Opens when the other end is being read.
    let writer = File::options().write(true).open(&users).unwrap();
    let (sender, ended) = channel();
    thread::spawn(move || sender.send(shutdown(LIMIT)).unwrap());
    assert!(ended.recv_timeout(LIMIT).unwrap());
    drop(writer);
    says_so(opening.join().unwrap());
}

#[test]
fn what_waits_is_sent_by_the_next_process() {
    const TEST: &str = "what_waits_is_sent_by_the_next_process";
    const DIRECTORY: &str = "REALM_INGEST_TEST_DIRECTORY";
    if std::env::var_os(PLACE).is_some() {
        let directory = std::env::var(DIRECTORY).unwrap();
        let (url, path) = directory.split_once(' ').unwrap();
        let app = App::open(AppConfig {
            path: Some(Path::new(path).to_owned()),
            ..config(
                url,
                &tempfile::tempdir().unwrap(),
                Arc::new(common::TestClock::default()),
            )
        });
        let (realm, _errors) = common::open_realm(&app.unwrap().current_user().unwrap());
        realm.session().pause();
        write(&realm, [1, 2, 3]);
        assert!(shutdown(LIMIT));
        return;
    }
    let fixture = Fixture::new();
    fixture.user();
    let place = format!("{} {}", fixture.server.url(), fixture.directory.path().display());
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env(PLACE, "1")
        .env(DIRECTORY, place)
        .status();
    assert!(run.unwrap().success());
    let app = fixture.restarted();
    let (realm, _errors) = common::open_realm(&app.current_user().unwrap());
    uploaded(&realm);
    until("the rows", || fixture.server.ids() == [1, 2, 3]);
}

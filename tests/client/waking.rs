//! What wakes a device that has nothing to do.

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::io::Read;
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::outbox::Durability;
use realm_ingest::realm::{Realm, RealmConfig};
#[cfg(target_os = "linux")]
use realm_ingest::realm::{TimeWindow, UploadPolicy};

use crate::common::server::Reaction;
use crate::common::{Fixture, SCHEMA, until, uploaded, write};
#[cfg(target_os = "linux")]
use crate::processes::{Part, said};

/// Where the process that has nothing to do finds its server and its files.
#[cfg(target_os = "linux")]
const IDLE: &str = "REALM_INGEST_TEST_IDLE";
#[cfg(target_os = "linux")]
const IDLE_FILES: &str = "REALM_INGEST_TEST_IDLE_FILES";

/// How often the threads of the library in this process have slept and woken up, by thread.
#[cfg(target_os = "linux")]
fn wakings(process: u32) -> BTreeMap<String, String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        // A thread may have ended meanwhile.
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let name = field("Name:").filter(|name| name.starts_with("ingest-"))?;
        Some((
            format!("{name} {}", field("Pid:")?),
            field("voluntary_ctxt_switches:")?,
        ))
    };
    tasks.filter_map(of).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_part_of_an_idle_process() {
    let Ok(url) = std::env::var(IDLE) else { return };
    let app = App::open(AppConfig {
        base_url: Some(url),
        path: Some(std::env::var_os(IDLE_FILES).unwrap().into()),
        ..AppConfig::new("app-test")
    })
    .unwrap();
    let user = app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    // One that may always send, and one that never may, and has nothing to send.
    let open = Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap();
    write(&open, [1]);
    uploaded(&open);
    let midnight = TimeWindow {
        from_minute: 0,
        to_minute: 1,
    };
    let config = RealmConfig {
        path: Some(open.path().with_file_name("b.realm")),
        upload: UploadPolicy {
            batch_delay: Duration::from_secs(1),
            windows: vec![midnight],
            may_upload: Some(std::sync::Arc::new(|| false)),
            ..UploadPolicy::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let closed = Realm::open(&user, config, None).unwrap();
    println!("##ready");
    // Until it is killed.
    let _ = std::io::stdin().read(&mut [0; 1]);
    drop((open, closed));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_has_nothing_to_do_does_not_wake_up() {
    let fixture = Fixture::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "waking::the_part_of_an_idle_process"])
        .args(["--nocapture", "--test-threads=1"])
        .env(IDLE, fixture.server.url())
        .env(IDLE_FILES, elsewhere.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    said(&mut child);
    // Threads that wait for the disk end when they were not needed for a while.
    until("rest", || wakings(child.id()).len() == 2);
    let before = wakings(child.id());
    // That nothing happens cannot be awaited: as long as any timer here would take at least once, and short for a test.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(wakings(child.id()), before);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_session_sleeps_until_another_process_writes() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    let pauses = fixture.clock.short_pauses().len();
    // The other process takes longer to start than any look at the file.
    for id in 2..=3 {
        Part::new(&fixture, &[("a@b.c", &[id])]).play_and_be_killed();
        fixture.server.until("the row of the other process", |state| {
            state.stored.len() == id as usize
        });
    }
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
    let looked: Vec<_> = fixture.clock.short_pauses().split_off(pauses);
    assert!(looked.is_empty(), "the clock wakes the session: {looked:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn apps_of_one_directory_come_to_rest_beside_an_outbox_that_nobody_can_send() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])])
        .then_log_out("a@b.c")
        .play_and_be_killed();
    let apps = [fixture.restarted(), fixture.restarted()];
    let elsewhere = tempfile::tempdir().unwrap();
    until("rest", || {
        let pauses = fixture.clock.pauses().len();
        // Takes longer than many pauses of this clock.
        Part::new(&fixture, &[])
            .in_directory(elsewhere.path(), 1)
            .play_and_be_killed();
        fixture.clock.pauses().len() == pauses
    });
    assert_eq!(apps[0].stranded().unwrap().len(), 1);
    assert!(fixture.server.ids().is_empty());
}

#[test]
fn rows_that_have_to_wait_are_packed_between_attempts() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        durability: Durability::Relaxed,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    realm.session().pause();
    for id in 1..=700 {
        write(&realm, [id]);
    }
    fixture.clock.hold_long_pauses();
    let busy = vec![("Retry-After", "60".to_owned())];
    fixture
        .server
        .next("GET ingest/", Reaction::Answer(503, busy, String::new()));
    realm.session().resume();
    let file = rusqlite::Connection::open(realm.path()).unwrap();
    until("a pack", || {
        let packs = "SELECT count(*) FROM tx WHERE first IS NOT NULL";
        file.query_row(packs, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    });
    fixture.clock.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (1..=700).collect::<Vec<_>>());
}

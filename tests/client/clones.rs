//! A disk image that was cloned: two devices with one outbox, one user and one session stream into one gateway.
//! The system may tell the copy of the file (another inode), or not (a clone of the blocks): then the gateway
//! does, by the lineage.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::common::{SCHEMA, TestClock, closed, config, handler, open_realm, uploaded, write};
use crate::gateway::{Place, Running};

struct Device {
    directory: TempDir,
}

impl Device {
    fn new() -> Device {
        Device {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn start(&self, gateway: &Running) -> App {
        let config: AppConfig = config(&gateway.url(), &self.directory, Arc::new(TestClock::default()));
        App::open(config).unwrap()
    }

    /// All its files, once the program has ended.
    fn clone_disk(&self) -> Device {
        let copy = Device::new();
        let copied = Command::new("cp")
            .args(["-a", "."])
            .arg(copy.directory.path())
            .current_dir(self.directory.path())
            .status();
        assert!(copied.unwrap().success());
        copy
    }
}

/// Makes the copy the file that it is a copy of, as far as the system tells.
fn pass_for_the_original(copy: &Path) {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(copy).unwrap();
    let made = metadata.created().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let stamp = format!("{}@{made}", metadata.ino());
    let connection = Connection::open(copy).unwrap();
    connection.execute("UPDATE meta SET stamp = ?1", [stamp]).unwrap();
}

fn identity(outbox: &Path) -> String {
    let connection = Connection::open(outbox).unwrap();
    connection
        .query_row("SELECT identity FROM meta", [], |row| row.get(0))
        .unwrap()
}

fn paused(app: &App) -> Realm {
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&app.current_user().unwrap(), config, Some(handler().0)).unwrap();
    realm.session().pause();
    realm
}

/// A device that has sent some, and has some that waits; and its clone. Returns where the outbox is in each.
fn cloned(gateway: &Running) -> (Device, Device, PathBuf, PathBuf) {
    let original = Device::new();
    let app = original.start(gateway);
    app.login(&Credentials::anonymous()).unwrap();
    let realm = paused(&app);
    let path = realm.path().to_owned();
    write(&realm, [1, 2]);
    realm.session().resume();
    uploaded(&realm);
    realm.session().pause();
    (3..=8).for_each(|id| write(&realm, [id]));
    drop(realm);
    closed(&path);
    drop(app);
    let clone = original.clone_disk();
    let below = path.strip_prefix(original.directory.path()).unwrap();
    let its_path = clone.directory.path().join(below);
    (original, clone, path, its_path)
}

fn everything_arrives_once(told_by_the_system: bool) {
    let place = Place::new();
    let gateway = place.start();
    let (original, clone, path, its_path) = cloned(&gateway);
    if !told_by_the_system {
        pass_for_the_original(&its_path);
        assert_eq!(identity(&path), identity(&its_path));
    }
    let (app, its_app) = (original.start(&gateway), clone.start(&gateway));
    let ((one, errors), (other, its_errors)) = (
        open_realm(&app.current_user().unwrap()),
        open_realm(&its_app.current_user().unwrap()),
    );
    // At once, then in turns.
    for id in 10..30 {
        write(&one, [1_000 + id]);
        write(&other, [2_000 + id]);
    }
    uploaded(&one);
    uploaded(&other);
    for id in 30..40 {
        write(&one, [1_000 + id]);
        uploaded(&one);
        write(&other, [2_000 + id]);
        uploaded(&other);
    }
    let mut stored = place.stored();
    stored.sort_unstable();
    let expected: Vec<i64> = (1..=8).chain(1_010..1_040).chain(2_010..2_040).collect();
    assert_eq!(stored, expected);
    for realm in [&one, &other] {
        assert_eq!(realm.pending().unwrap().transactions, 0);
    }
    for error in errors.try_iter().chain(its_errors.try_iter()) {
        assert!(
            !error.is_fatal && error.compensating_writes.is_empty(),
            "{error:?}"
        );
    }
    assert_ne!(
        identity(&path),
        identity(&its_path),
        "one of them goes under another name"
    );
}

#[test]
fn a_clone_that_the_system_tells_from_the_original_loses_and_doubles_nothing() {
    everything_arrives_once(true);
}

#[test]
fn a_clone_of_the_blocks_of_a_disk_loses_and_doubles_nothing() {
    everything_arrives_once(false);
}

#[test]
fn of_many_clones_each_goes_under_a_name_of_its_own() {
    const CLONES: i64 = 5;
    let place = Place::new();
    let gateway = place.start();
    let (original, _, path, _) = cloned(&gateway);
    let clones: Vec<Device> = (0..CLONES).map(|_| original.clone_disk()).collect();
    let below = path.strip_prefix(original.directory.path()).unwrap();
    let path_in = |clone: &Device| clone.directory.path().join(below);
    clones
        .iter()
        .for_each(|clone| pass_for_the_original(&path_in(clone)));
    let devices: Vec<_> = clones
        .iter()
        .map(|clone| {
            let app = clone.start(&gateway);
            let (realm, errors) = open_realm(&app.current_user().unwrap());
            (app, realm, errors)
        })
        .collect();
    std::thread::scope(|scope| {
        for (number, (_, realm, _)) in (1..).zip(&devices) {
            scope.spawn(move || {
                (0..20).for_each(|id| write(realm, [number * 1_000 + id]));
                uploaded(realm);
            });
        }
    });
    let mut stored = place.stored();
    stored.sort_unstable();
    let of_each = (1..=CLONES).flat_map(|number| (0..20).map(move |id| number * 1_000 + id));
    assert_eq!(stored, (1..=8).chain(of_each).collect::<Vec<i64>>());
    let names: std::collections::BTreeSet<_> = clones.iter().map(|clone| identity(&path_in(clone))).collect();
    assert_eq!(names.len() as i64, CLONES);
}

//! Invariants 1 and 6 where the file, or the folder that it is in, is taken away under an open outbox, or cannot be
//! written.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use realm_ingest::outbox::{Error, Options, Outbox, SqliteOutbox, rekey};

use crate::common::{
    Folder, append, as_other_part, numbered, open, other_part, payload, rows, schema, settle,
};
use crate::encryption::{key, with_key};

/// An open outbox with three rows, in a folder in that one.
fn in_a_folder(folder: &Folder) -> SqliteOutbox {
    fs::create_dir(folder.join("app")).unwrap();
    let outbox = open(&folder.join("app").join("default.realm"));
    schema(&outbox);
    for number in 1..=3 {
        append(&outbox, &numbered(number)).unwrap();
    }
    outbox
}

fn says_that_it_is_gone(outbox: &SqliteOutbox) {
    let error = append(outbox, &numbered(9)).unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains(outbox.path().to_str().unwrap()),
        "{error}"
    );
}

fn holds(outbox: &SqliteOutbox, count: u64) {
    let found = rows(outbox);
    assert_eq!(found.len() as u64, count);
    for row in &found {
        assert_eq!(payload(row), numbered(row.seq as u64));
    }
}

#[test]
fn a_folder_that_was_deleted_takes_no_write_and_what_waits_can_still_be_sent() {
    let folder = Folder::new();
    let outbox = in_a_folder(&folder);
    fs::remove_dir_all(folder.join("app")).unwrap();
    says_that_it_is_gone(&outbox);
    holds(&outbox, 3);
    settle(&outbox, 2).unwrap();
    let missing = SqliteOutbox::open(outbox.path(), Options::default()).unwrap_err();
    assert!(matches!(missing, Error::MissingFolder { .. }), "{missing:?}");

    fs::create_dir(folder.join("app")).unwrap();
    says_that_it_is_gone(&outbox);
    let path = outbox.path().to_owned();
    drop(outbox);
    assert_eq!(append(&open(&path), &numbered(1)).unwrap(), 1, "a new one");
}

#[test]
fn a_folder_that_was_moved_away_and_comes_back_goes_on() {
    let folder = Folder::new();
    let outbox = in_a_folder(&folder);
    fs::rename(folder.join("app"), folder.join("elsewhere")).unwrap();
    says_that_it_is_gone(&outbox);
    fs::rename(folder.join("elsewhere"), folder.join("app")).unwrap();
    append(&outbox, &numbered(4)).unwrap();
    let path = outbox.path().to_owned();
    drop(outbox);
    holds(&open(&path), 4);
}

#[test]
fn an_outbox_that_is_closed_while_its_folder_is_away_is_whole_there() {
    let folder = Folder::new();
    let outbox = in_a_folder(&folder);
    fs::rename(folder.join("app"), folder.join("elsewhere")).unwrap();
    drop(outbox);
    holds(&open(&folder.join("elsewhere").join("default.realm")), 3);
}

#[test]
fn a_file_that_was_put_in_its_place_is_not_written_to_and_keeps_its_log() {
    let folder = Folder::new();
    let outbox = in_a_folder(&folder);
    fs::rename(folder.join("app"), folder.join("former")).unwrap();
    fs::create_dir(folder.join("app")).unwrap();
    let other = open(outbox.path());
    append(&other, &numbered(1)).unwrap();
    says_that_it_is_gone(&outbox);
    // Closing it deletes no log of the other.
    drop(outbox);
    append(&other, &numbered(2)).unwrap();
    holds(&other, 2);
    let log = other.watched_file().unwrap();
    assert!(fs::metadata(log).unwrap().len() > 0);
}

#[test]
fn a_log_that_was_deleted_takes_no_write() {
    let folder = Folder::new();
    let outbox = in_a_folder(&folder);
    fs::remove_file(outbox.watched_file().unwrap()).unwrap();
    says_that_it_is_gone(&outbox);
    holds(&outbox, 3);
}

/// As a user to whom the modes of files say what he may do.
fn as_nobody(command: &mut Command) -> Command {
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    nobody.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        nobody.env(name, value.unwrap());
    }
    nobody
}

#[test]
fn a_folder_or_a_file_that_may_only_be_read_is_an_error_and_stays_as_it_is() {
    const TEST: &str = "places::a_folder_or_a_file_that_may_only_be_read_is_an_error_and_stays_as_it_is";
    if let Some(path) = other_part(TEST) {
        let error = SqliteOutbox::open(&path, Options::default()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        return;
    }
    let folder = Folder::new();
    let path = folder.join("app").join("default.realm");
    let refused = |path: &Path| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        as_other_part(&mut command, TEST, path);
        // Root may do anything.
        let is_root =
            fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let mut command = if is_root { as_nobody(&mut command) } else { command };
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let outbox = in_a_folder(&folder);
    drop(outbox);
    let names = || {
        let entries = fs::read_dir(folder.join("app")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let before = (names(), fs::read(&path).unwrap());
    for (of_folder, of_file) in [(0o555, 0o444), (0o555, 0o666), (0o777, 0o444)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(of_file)).unwrap();
        fs::set_permissions(folder.join("app"), fs::Permissions::from_mode(of_folder)).unwrap();
        fs::set_permissions(folder.join("."), fs::Permissions::from_mode(0o755)).unwrap();
        refused(&path);
        if of_folder == 0o555 {
            refused(&path.with_file_name("new.realm"));
        }
        assert_eq!(
            (names(), fs::read(&path).unwrap()),
            before,
            "{of_folder:o} {of_file:o}"
        );
    }
    fs::set_permissions(folder.join("app"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    holds(&open(&path), 3);
}

#[test]
fn a_file_that_is_reached_by_a_link_is_drained_by_one_at_a_time_and_has_one_log() {
    let folder = Folder::new();
    let elsewhere = Folder::new();
    let link = folder.join("link.realm");
    // Also before it is made.
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    let by_link = open(&link);
    append(&by_link, b"document").unwrap();
    let outbox = open(&elsewhere.path());
    assert_eq!(rows(&outbox).len(), 1);
    let right = by_link.try_become_uploader().unwrap();
    assert!(right.is_some());
    assert!(outbox.try_become_uploader().unwrap().is_none());
    assert_eq!(
        folder.names(),
        ["link.realm"],
        "all that belongs to it is beside it"
    );
    drop((right, by_link, outbox));
    rekey(&link, None, Some(&key(1))).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let (outbox, _) = SqliteOutbox::open(elsewhere.path(), with_key(1)).unwrap();
    assert_eq!(rows(&outbox).len(), 1);
}

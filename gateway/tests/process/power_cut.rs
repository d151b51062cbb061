//! What the server makes is still there after the power was cut: every name is synced before anything is promised.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::server::{BINARY, Server, post};
use crate::common::{batch, note, one_run, outbox, schema};

/// What the server did to the files under a folder, in order: a kind and a path.
fn recorded(record: &Path) -> Vec<(char, PathBuf)> {
    let bytes = fs::read(record).unwrap();
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let number =
            |at: usize| usize::try_from(u64::from_ne_bytes(rest[at..at + 8].try_into().unwrap())).unwrap();
        let (path, data) = (number(9), number(17));
        let name = std::str::from_utf8(&rest[25..25 + path]).unwrap();
        found.push((char::from(rest[0]), PathBuf::from(name)));
        rest = &rest[25 + path + data..];
    }
    found
}

/// Compiled: what it is loaded into leaves a record of its writes.
fn shim(folder: &Path) -> PathBuf {
    let shim = folder.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/faults/unreliable_disk.c");
    let mut compile = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    compile
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&shim)
        .arg(source);
    assert!(compile.args(["-ldl", "-lpthread"]).status().unwrap().success());
    shim
}

#[test]
fn a_backup_is_durable_before_it_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, record) = (folder.path().join("disk"), folder.path().join("record"));
    let (data, copy) = (folder.path().join("data"), disk.join("copy"));
    fs::create_dir(&disk).unwrap();
    drop(Server::start(&data));
    let mut command = Command::new(BINARY);
    command.arg("backup").arg(&copy).arg("--data").arg(&data);
    command
        .env("LD_PRELOAD", shim(folder.path()))
        .env("UNRELIABLE_FOLDER", &disk)
        .env("UNRELIABLE_RECORD", &record);
    assert!(command.status().unwrap().success());
    let events = recorded(&record);
    let partial = disk.join("copy.partial");
    let renamed = events.iter().position(|(kind, _)| *kind == 'r').unwrap();
    for path in [
        partial.join("documents.sqlite"),
        partial.join("gateway.sqlite"),
        partial,
    ] {
        let of_path: Vec<_> = events[..renamed]
            .iter()
            .filter(|(_, name)| *name == path)
            .collect();
        assert!(
            of_path.last().is_some_and(|(kind, _)| *kind == 's'),
            "{path:?} {of_path:?}"
        );
    }
    let last = events.last().unwrap();
    assert_eq!(*last, ('s', disk), "its name as well");
}

#[test]
fn every_name_in_the_data_directory_is_durable_before_a_batch_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (shim, record) = (shim(folder.path()), folder.path().join("record"));
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let data = disk.join("several/folders/deep");
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .env("LD_PRELOAD", &shim)
        .env("UNRELIABLE_FOLDER", &disk)
        .env("UNRELIABLE_RECORD", &record);
    let server = Server::run(command);
    let token = server.token();
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", "b")])]);
    post(&mut server.client(), &token, &body).unwrap().ack();
    let events = recorded(&record);
    server.kill();

    let made: Vec<_> = events
        .iter()
        .enumerate()
        .filter(|(_, (kind, _))| matches!(kind, 'c' | 'd'))
        .collect();
    for name in [
        "several",
        "several/folders",
        "several/folders/deep",
        "several/folders/deep/documents.sqlite",
        "several/folders/deep/documents.sqlite-wal",
        "several/folders/deep/gateway.sqlite",
        "several/folders/deep/gateway.sqlite-wal",
    ] {
        let path = disk.join(name);
        let (at, _) = made
            .iter()
            .find(|(_, (_, made))| *made == path)
            .unwrap_or_else(|| panic!("{name} was not made: {made:?}"));
        let synced = |event: &(char, PathBuf)| event.0 == 's' && Some(event.1.as_path()) == path.parent();
        assert!(
            events[*at..].iter().any(synced),
            "the folder of {name} is not synced"
        );
    }
}

//! What the server makes is still there after the power was cut: every name is synced before anything is promised.

use std::collections::BTreeMap;
use std::process::Command;

use crate::common::server::{BINARY, Server, post};
use crate::common::{batch, note, one_run, outbox, schema};
use crate::disk::{Event, Place};

fn is_sync(event: &Event) -> bool {
    event.kind == b's'
}

#[test]
fn a_backup_is_durable_before_it_has_its_name() {
    let (data, place) = (tempfile::tempdir().unwrap(), Place::new(&BTreeMap::new()));
    drop(Server::start(data.path()));
    let mut command = Command::new(BINARY);
    command.arg("backup").arg(place.folder.join("copy"));
    command.arg("--data").arg(data.path());
    place.watch(&mut command);
    assert!(command.status().unwrap().success());
    let events = place.events();
    let partial = place.folder.join("copy.partial");
    let renamed = events.iter().position(|event| event.kind == b'r').unwrap();
    for path in [
        partial.join("documents.sqlite"),
        partial.join("gateway.sqlite"),
        partial,
    ] {
        let mut of_path = events[..renamed].iter().filter(|event| event.path == path);
        assert!(of_path.next_back().is_some_and(is_sync), "{path:?}");
    }
    let last = events.last().unwrap();
    assert!(is_sync(last) && last.path == place.folder, "its name as well");
}

#[test]
fn every_name_in_the_data_directory_is_durable_before_a_batch_is_acknowledged() {
    let place = Place::new(&BTreeMap::new());
    let data = place.folder.join("several/folders/deep");
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data);
    place.watch(&mut command);
    let server = Server::run(command);
    let token = server.token();
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", "b")])]);
    post(&mut server.client(), &token, &body).unwrap().ack();
    let events = place.events();
    server.kill();

    let made: Vec<_> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| matches!(event.kind, b'c' | b'd'))
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
        let path = place.folder.join(name);
        let (at, _) = made
            .iter()
            .find(|(_, made)| made.path == path)
            .unwrap_or_else(|| panic!("{name} was not made"));
        let synced = |event: &Event| is_sync(event) && Some(event.path.as_path()) == path.parent();
        assert!(
            events[*at..].iter().any(synced),
            "the folder of {name} is not synced"
        );
    }
}

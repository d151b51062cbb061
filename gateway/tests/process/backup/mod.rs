//! Backups of a running server, what a restored one is like for its devices, and the check of both.

mod damaged;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::doc;
use realm_ingest_gateway::backup::backup;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::common::server::{BINARY, Server, command, lines, post};
use crate::common::{batch, batch_of, note, one_run, outbox, schema};

/// A device that goes on sending one transaction after the other.
struct Device {
    number: u64,
    token: String,
    acked: i64,
    /// The ids that were acknowledged, by what had happened by then.
    ids: Vec<(Moment, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    Meanwhile,
    After,
    Restored,
}

impl Device {
    fn new(number: u64, token: String) -> Self {
        Self {
            number,
            token,
            acked: 0,
            ids: Vec::new(),
        }
    }

    /// Sends the next transaction.
    fn send(&mut self, server: &Server, moment: Moment) {
        let seq = self.acked + 1;
        let id = format!("{} {seq}", self.number);
        let name = outbox(self.number);
        // A new lineage after each acknowledgement.
        let lineage = outbox(self.number * 1_000_000 + seq.unsigned_abs());
        let transactions = [one_run(seq, "Note", &[note(&id, "x")])];
        let sent = batch_of((&name, &lineage, self.acked), &schema(), &transactions);
        let answer = post(&mut server.client(), &self.token, &sent).unwrap();
        assert_eq!(answer.ack().acked, seq);
        self.acked = seq;
        self.ids.push((moment, id));
    }

    fn acknowledged(&self, moments: &[Moment]) -> usize {
        self.ids
            .iter()
            .filter(|(moment, _)| moments.contains(moment))
            .count()
    }
}

fn stored(data: &Path) -> HashSet<String> {
    let found = lines(data, &["find", "Note"]);
    let id = |line: &String| {
        serde_json::from_str::<Value>(line).unwrap()["_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ids: HashSet<_> = found.iter().map(id).collect();
    assert_eq!(ids.len(), found.len(), "nothing is there twice");
    ids
}

fn is_in_order(data: &Path) {
    let said = lines(data, &["check-integrity"]);
    assert!(said.len() == 1 && said[0].starts_with("in order: "), "{said:?}");
}

#[test]
fn a_backup_restored_under_a_running_fleet_loses_what_came_after_it_and_says_so() {
    const DEVICES: u64 = 4;
    const SOME: usize = 5;
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let server = Server::start(&data);
    let devices: Vec<_> = (1..=DEVICES)
        .map(|number| Mutex::new(Device::new(number, server.token())))
        .collect();
    let moment = Mutex::new(Moment::Before);
    let stop = AtomicBool::new(false);
    let all_have = |moments: &[Moment]| {
        while devices
            .iter()
            .any(|one| one.lock().unwrap().acknowledged(moments) < SOME)
        {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        for device in &devices {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // What is sent under a lock is acknowledged before the moment changes, or after.
                    let mut device = device.lock().unwrap();
                    let now = *moment.lock().unwrap();
                    device.send(&server, now);
                    drop(device);
                    std::thread::yield_now();
                }
            });
        }
        let becomes = |next| {
            let held: Vec<_> = devices.iter().map(|one| one.lock().unwrap()).collect();
            *moment.lock().unwrap() = next;
            drop(held);
        };
        all_have(&[Moment::Before]);
        becomes(Moment::Meanwhile);
        assert_eq!(
            lines(&data, &["backup", copy.to_str().unwrap()]),
            [format!("backed up to {}", copy.display())]
        );
        becomes(Moment::After);
        all_have(&[Moment::After]);
        stop.store(true, Ordering::Relaxed);
    });
    server.kill();
    is_in_order(&copy);

    let server = Server::start(&copy);
    for device in &devices {
        let mut device = device.lock().unwrap();
        for _ in 0..SOME {
            device.send(&server, Moment::Restored);
        }
    }
    let stored = stored(&copy);
    for device in &devices {
        let device = device.lock().unwrap();
        for (moment, id) in &device.ids {
            match moment {
                Moment::Before | Moment::Restored => assert!(stored.contains(id), "{id} {moment:?}"),
                Moment::Meanwhile => {}
                Moment::After => assert!(!stored.contains(id), "{id} {moment:?}"),
            }
        }
        let shown = lines(&copy, &["outboxes"]);
        let mut shown = shown
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let shown = shown.find(|one| one["outbox"] == outbox(device.number)).unwrap();
        assert_eq!(
            (&shown["position"], &shown["setbacks"]),
            (&json!(device.acked), &json!(1))
        );
    }
    is_in_order(&copy);
}

#[test]
fn a_backup_is_private_and_takes_the_place_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let server = Server::start(&data);
    server.token();
    let to = copy.to_str().unwrap();
    lines(&data, &["backup", to]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o700);
    let mut names: Vec<_> = std::fs::read_dir(&copy)
        .unwrap()
        .map(|one| one.unwrap().path())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [copy.join("documents.sqlite"), copy.join("gateway.sqlite")]
    );
    assert!(names.iter().all(|path| mode(path) == 0o600));

    let before = std::fs::read(&names[1]).unwrap();
    let partial = folder.path().join("other.partial");
    std::fs::create_dir(&partial).unwrap();
    for (to, what) in [
        (to, "copy is there already"),
        (&to.replace("copy", "other"), "other.partial is there"),
    ] {
        let output = command(&data, &["backup", to]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(what), "{said}");
    }
    assert_eq!(std::fs::read(&names[1]).unwrap(), before);
    assert!(partial.is_dir(), "what another one left is not touched");
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    drop(Server::start(&data));
    std::fs::remove_file(data.join("gateway.sqlite")).unwrap();
    let output = command(&data, &["backup", copy.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("no gateway data"), "{said}");
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 1, "the data alone");
}

#[test]
fn a_backup_has_the_users_of_all_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let server = Server::start(&data);
    let mut files = Vec::new();
    backup(&data, &copy, |copied| {
        if copied.done == 0 && !files.contains(&copied.file) {
            files.push(copied.file);
            let token = server.token();
            let number = files.len() as u64;
            let sent = [one_run(
                1,
                "Note",
                &[note(&number.to_string(), ""), doc! {"_id": "bad", "text": 5}],
            )];
            let sent = batch(&outbox(number), &schema(), &sent);
            post(&mut server.client(), &token, &sent).unwrap().ack();
        }
    })
    .unwrap();
    assert_eq!(files.len(), 2);
    is_in_order(&copy);
    is_in_order(&data);
}

#[test]
fn a_backup_gets_on_however_much_is_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let server = Server::start(&data);
    let token = server.token();
    let mut client = server.client();
    let mut seq = 0;
    let mut write = |bytes| {
        seq += 1;
        let document = note(&seq.to_string(), &"x".repeat(bytes));
        let sent = batch(&outbox(1), &schema(), &[one_run(seq, "Note", &[document])]);
        post(&mut client, &token, &sent).unwrap().ack();
    };
    write(10 << 20);
    write(10 << 20);
    let mut steps = Vec::new();
    backup(&data, &copy, |copied| {
        if copied.file == "documents.sqlite" {
            write(1);
            steps.push(copied.done);
            assert!(
                steps.is_sorted_by(|one, next| one < next),
                "it begins anew: {steps:?}"
            );
        }
    })
    .unwrap();
    assert!(steps.len() > 4, "{steps:?}");
    is_in_order(&copy);
    assert_eq!(stored(&copy).len(), 2);
}

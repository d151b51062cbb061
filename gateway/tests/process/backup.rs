//! Backups of a running server, what a restored one is like for its devices, and the check of both.

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

#[test]
fn a_server_on_a_damaged_file_says_what_to_do() {
    for name in ["gateway.sqlite", "documents.sqlite"] {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(name), "no database at all").unwrap();
        let mut command = Command::new(BINARY);
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
        let output = command.arg(data.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        let said = String::from_utf8(output.stderr).unwrap();
        for part in [name, "is damaged", "put a backup in its place", "check-integrity"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}

#[test]
fn the_check_says_what_is_wrong_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let sent = [one_run(
        1,
        "Note",
        &[note("a", "x"), doc! {"_id": "bad", "text": 5}],
    )];
    let sent = batch(&outbox(1), &schema(), &sent);
    post(&mut server.client(), &server.token(), &sent).unwrap().ack();
    is_in_order(&data);
    for (number, (file, damage, wanted)) in [
        (
            "documents",
            "UPDATE documents SET document = x'0500000001'",
            "document 1 is not sound: ",
        ),
        (
            "documents",
            "UPDATE documents SET id = x'0200000000'",
            "document 1 is stored under an _id that it does not have",
        ),
        (
            "documents",
            "UPDATE collections SET documents = 2",
            "collection 'Note' is counted with 2 documents",
        ),
        (
            "documents",
            "UPDATE collections SET bytes = 2",
            "collection 'Note' is counted with 1 documents of 2",
        ),
        (
            "documents",
            "UPDATE collections SET id = 9",
            "there are documents of collection 1, which is not",
        ),
        (
            "documents",
            "DELETE FROM blocks",
            "collection 1 has documents in block 0, which is not noted",
        ),
        (
            "documents",
            "UPDATE letter_counts SET letters = 5",
            "is counted with 5 dead letters",
        ),
        (
            "documents",
            "DELETE FROM letter_counts WHERE user = ''",
            "dead letters of user '' are not counted",
        ),
        (
            "documents",
            "UPDATE outboxes SET position = 0",
            "dead letter 1 is of transaction 1 of outbox",
        ),
        (
            "documents",
            "UPDATE outboxes SET position = -1",
            "has a position that cannot be: -1",
        ),
        (
            "documents",
            "UPDATE outboxes SET lineage = NULL",
            "has a position that cannot be: 1",
        ),
        (
            "gateway",
            "DELETE FROM users",
            "there are outboxes or dead letters of user",
        ),
        ("gateway", "DELETE FROM users", "session"),
        (
            "gateway",
            "INSERT INTO client_files (ident, salt, user, client, created, seen) VALUES (2, 5, 'nobody', '', 1, 1)",
            "client file 2/5 is of user 'nobody', who is not there",
        ),
        (
            "gateway",
            "INSERT INTO client_files (ident, salt, user, registry, client, created, seen) VALUES (2, 5, '', x'00', '', 1, 1)",
            "client file 2/5: what is known of a client file cannot be read",
        ),
        (
            "gateway",
            "UPDATE schemas SET json = 'x'",
            "the schemas cannot be read",
        ),
        (
            "documents",
            "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'documents_id'",
            "documents.sqlite: ",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = folder.path().join(number.to_string());
        backup(&data, &copy, |_| {}).unwrap();
        let connection = Connection::open(copy.join(format!("{file}.sqlite"))).unwrap();
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = 0; {damage}"))
            .unwrap();
        drop(connection);
        let output = command(&copy, &["check-integrity"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(wanted), "{damage}: {said}");
        assert_eq!(output.status.code(), Some(1), "{damage}");
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .ends_with("things are wrong\n")
        );
    }
}

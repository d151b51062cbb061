//! Several processes of one program over one directory, and what a process leaves that is killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use realm_ingest::app::{App, AppConfig, Credentials, UserState};
use realm_ingest::realm::{Realm, RealmConfig};
use serde::{Deserialize, Serialize};

use crate::common::{Fixture, SCHEMA, write};

const PROCESSES: i64 = 8;

/// What another process is to do.
const PART: &str = "REALM_INGEST_TEST_PART";

/// The part of a process that logs in, writes, and is killed. Sessions do not run there.
#[derive(Serialize, Deserialize, Clone)]
pub struct Part {
    url: String,
    directory: PathBuf,
    key: Option<u8>,
    /// Who writes: an e-mail address, or empty for the anonymous user; and what.
    writes: Vec<(String, Vec<i64>)>,
    /// The file of the app's directory to which all that is written goes, instead of each user's own.
    file: Option<String>,
    /// These log in, and no more.
    log_in: Vec<String>,
    /// These log out at last.
    log_out: Vec<String>,
    /// Whose default outbox goes on under the anonymous user at last.
    re_home: Option<String>,
}

impl Part {
    pub fn new(fixture: &Fixture, writes: &[(&str, &[i64])]) -> Part {
        let writes = writes.iter().map(|(who, ids)| ((*who).to_owned(), ids.to_vec()));
        Part {
            url: fixture.server.url(),
            directory: fixture.directory.path().to_owned(),
            key: None,
            writes: writes.collect(),
            file: None,
            log_in: Vec::new(),
            log_out: Vec::new(),
            re_home: None,
        }
    }

    pub fn in_directory(mut self, directory: &Path, key: u8) -> Part {
        self.directory = directory.to_owned();
        self.key = Some(key);
        self
    }

    pub fn in_file(mut self, name: &str) -> Part {
        self.file = Some(name.to_owned());
        self
    }

    pub fn then_log_in(mut self, who: &str) -> Part {
        self.log_in.push(who.to_owned());
        self
    }

    pub fn then_log_out(mut self, who: &str) -> Part {
        self.log_out.push(who.to_owned());
        self
    }

    pub fn then_re_home(mut self, who: &str) -> Part {
        self.re_home = Some(who.to_owned());
        self
    }

    /// What it wrote waits when this returns.
    pub fn play_and_be_killed(&self) {
        let mut child = self.spawn();
        child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        said(&mut child);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Begins when it is told something.
    pub fn spawn(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::the_part_of_another_process"])
            .args(["--nocapture", "--test-threads=1"])
            .env(PART, serde_json::to_string(self).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn play(&self) {
        let mut input = std::io::stdin();
        input.read_exact(&mut [0; 3]).unwrap();
        let app = App::open(AppConfig {
            base_url: Some(self.url.clone()),
            path: Some(self.directory.clone()),
            metadata_encryption_key: self.key.map(|key| [key; 64]),
            ..AppConfig::new("app-test")
        })
        .unwrap();
        let log_in = |who: &String| {
            let credentials = match who.as_str() {
                "" => Credentials::anonymous(),
                email => Credentials::email_password(email, "password"),
            };
            app.login(&credentials).unwrap()
        };
        let config = RealmConfig {
            path: self
                .file
                .as_ref()
                .map(|name| self.directory.join("mongodb-realm/app-test").join(name)),
            ..RealmConfig::new(SCHEMA)
        };
        let realms: Vec<Realm> = self
            .writes
            .iter()
            .map(|(who, ids)| {
                let realm = Realm::open(&log_in(who), config.clone(), None).unwrap();
                realm.session().pause();
                ids.iter().for_each(|id| write(&realm, [*id]));
                realm
            })
            .collect();
        self.log_in.iter().for_each(|who| drop(log_in(who)));
        self.log_out.iter().for_each(|who| log_in(who).log_out().unwrap());
        if let Some(who) = &self.re_home {
            let path = log_in(who).realm_path().unwrap();
            app.rehome(&path, &log_in(&String::new()), None).unwrap();
        }
        let users = app.users();
        println!("##{}", users.last().map_or("", |user| user.id()));
        // Until it is killed.
        let _ = input.read(&mut [0; 1]);
        drop(realms);
    }
}

/// What a process says behind `##`; the test harness writes to the same output.
pub fn said(child: &mut Child) -> String {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .find_map(|line| Some(line.unwrap().split_once("##")?.1.to_owned()))
        .unwrap()
}

#[test]
fn the_part_of_another_process() {
    if let Ok(part) = std::env::var(PART) {
        serde_json::from_str::<Part>(&part).unwrap().play();
    }
}

#[test]
fn processes_that_start_together_have_one_anonymous_user_and_what_the_killed_wrote_arrives() {
    let mut fixture = Fixture::new();
    fixture.stop();
    let mut children: Vec<Child> = (1..=PROCESSES)
        .map(|number| Part::new(&fixture, &[("", &[number])]).spawn())
        .collect();
    // They wait for this, so that they log in together.
    for child in &mut children {
        child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }
    let users: Vec<String> = children.iter_mut().map(said).collect();
    assert_eq!(users, ["anon1"; PROCESSES as usize]);
    assert_eq!(fixture.server.state().users, 1);
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(fixture.server.ids().is_empty());

    // No realm is opened: the app knows what lies in its directory.
    let app = fixture.restarted();
    assert_eq!(app.current_user().unwrap().id(), "anon1");
    fixture
        .server
        .until("all rows", |state| state.stored.len() == PROCESSES as usize);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, (1..=PROCESSES).collect::<Vec<_>>());
}

#[test]
fn a_user_who_was_removed_and_logs_in_again_in_another_process_is_known_to_all() {
    let fixture = Fixture::new();
    let user = fixture.user();
    fixture.app.remove_user(&user).unwrap();
    let other = fixture.restarted();
    let again = other.login(&Credentials::email_password("a@b.c", "password"));
    // Reads what the other process has stored.
    fixture.app.login(&Credentials::anonymous()).unwrap();
    let known = fixture
        .app
        .users()
        .into_iter()
        .find(|known| known.id() == user.id());
    let known = known.unwrap();
    assert_eq!(known.refresh_token(), again.unwrap().refresh_token());
    assert_eq!(user.state(), UserState::Removed);
}

#[test]
fn what_a_removed_user_writes_in_another_process_after_logging_in_again_is_sent_by_one_that_runs() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let other = fixture.restarted();
    other.remove_user(&other.current_user().unwrap()).unwrap();
    drop(other);
    // Reads that.
    fixture.app.login(&Credentials::anonymous()).unwrap();
    assert_eq!(user.state(), UserState::Removed);
    Part::new(&fixture, &[("a@b.c", &[1])]).play_and_be_killed();
    fixture.server.until("the row", |state| state.stored.len() == 1);
}

#[test]
fn a_process_that_writes_nothing_itself_sends_what_another_left() {
    let fixture = Fixture::new();
    fixture.user();
    let sent = |count: usize| {
        fixture
            .server
            .until("the rows", |state| state.stored.len() == count);
    };
    // Of another user, whose folder is new; then in a folder that is known.
    for id in 1..=2 {
        Part::new(&fixture, &[("", &[id])]).play_and_be_killed();
        sent(id as usize);
    }
    // Of its own user.
    Part::new(&fixture, &[("a@b.c", &[3])])
        .in_file("other.realm")
        .play_and_be_killed();
    sent(3);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
}

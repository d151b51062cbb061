//! Clients with files on one connection to a gateway, and all that can come between: what is on its way is lost, the store fails or
//! answers too late, files are restored, programs stop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::client::Client;
use super::file::File;
use super::heard::{Heard, heard};
use crate::device_sync::errors::{PrimaryKey, RejectedUpdate, SessionError};
use crate::device_sync::frames::{ClientMessage, FileIdent, UploadHeader};
use crate::device_sync::session::{Binding, Effect, Sessions, Stored};
use crate::device_sync::version::Version;

/// Whether the gateway stores this among the dead letters.
pub const fn is_refused(content: u64) -> bool {
    content.is_multiple_of(5)
}

pub struct World {
    version: Version,
    pub clients: Vec<Client>,
    link: Option<Link>,
    store: BTreeSet<u64>,
    written: u64,
    sessions: u64,
    files: u64,
    pings: u64,
}

struct Link {
    sessions: Sessions,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    jobs: BTreeMap<Binding, VecDeque<Job>>,
    /// Jobs of bindings that have ended.
    late: Vec<(Binding, Job)>,
    ping: Option<u64>,
}

#[derive(Debug)]
enum Job {
    Allocate,
    Identify,
    Store(UploadHeader, Vec<(u64, u64)>),
}

/// How a job ends.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    /// Well, for so many uploads together.
    Done(usize),
    /// Not now; what was to be stored may be.
    Later { is_stored: bool },
    /// Never.
    Never,
}

impl World {
    pub fn new(n: u8, files: Vec<File>) -> Self {
        Self {
            version: Version::new(n).unwrap(),
            clients: files.into_iter().map(|file| Client::new(n, file)).collect(),
            link: None,
            store: BTreeSet::new(),
            written: 0,
            sessions: 0,
            files: 1,
            pings: 0,
        }
    }

    pub fn client(&mut self, which: usize) -> &mut Client {
        let count = self.clients.len();
        &mut self.clients[which % count]
    }

    pub fn write(&mut self, which: usize) {
        self.written += 1;
        let content = Some(self.written);
        self.client(which).file.write(content);
    }

    pub fn open(&mut self, which: usize) -> bool {
        let next = self.sessions + 1;
        let is_new = self.client(which).open(next);
        self.sessions += u64::from(is_new);
        is_new
    }

    pub fn connect(&mut self, is_fast: bool) -> bool {
        let is_new = self.link.is_none();
        if is_new {
            self.link = Some(Link {
                sessions: Sessions::new(self.version),
                up: VecDeque::new(),
                down: VecDeque::new(),
                jobs: BTreeMap::new(),
                late: Vec::new(),
                ping: None,
            });
            for client in &mut self.clients {
                client.connected(is_fast);
            }
        }
        is_new
    }

    /// The connection ends, or either side does. What the gateway was at may be done all the same.
    pub fn cut(&mut self, is_stored: bool) {
        let Some(link) = self.link.take() else { return };
        for mut jobs in link.jobs.into_values() {
            if let Some(Job::Store(_, entries)) = jobs.pop_front().filter(|_| is_stored) {
                self.store.extend(entries.iter().map(|(_, content)| content));
            }
        }
        for client in &mut self.clients {
            client.disconnected();
        }
    }

    pub fn restore(&mut self, which: usize) {
        self.cut(false);
        self.client(which).restore();
    }

    /// A client says the next thing that it has to say.
    pub fn speak(&mut self, which: usize, most: usize) -> bool {
        if self.link.is_none() {
            return false;
        }
        let message = self.client(which).next(most);
        let link = self.link.as_mut().unwrap();
        let speaks = message.is_some();
        link.up.extend(message);
        speaks
    }

    pub fn ping(&mut self) {
        let Some(link) = &mut self.link else { return };
        if link.ping.is_none() {
            self.pings += 1;
            link.ping = Some(self.pings);
            link.up.push_back(format!("ping {} 3\n", self.pings).into());
        }
    }

    /// A message reaches the gateway.
    pub fn up(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let Some(message) = link.up.pop_front() else {
            return false;
        };
        let parsed = ClientMessage::parse(&message).unwrap();
        let effects = link.sessions.receive(&parsed);
        let body = match parsed {
            ClientMessage::Upload(_, body) => body,
            _ => b"",
        };
        link.perform(effects, body, self.version);
        true
    }

    /// A message reaches the clients.
    pub fn down(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let Some(message) = link.down.pop_front() else {
            return false;
        };
        let heard = heard(&message, self.version.number());
        let session = match &heard {
            Heard::Pong { timestamp } => {
                assert_eq!(link.ping.take(), Some(*timestamp));
                return true;
            }
            Heard::Ident { session, .. }
            | Heard::Mark { session, .. }
            | Heard::Unbound { session }
            | Heard::Error { session, .. }
            | Heard::QueryError { session, .. } => *session,
            Heard::Download(download) => download.session,
        };
        assert!(session != 0, "a good client is cut off: {heard:?}");
        assert!(session <= self.sessions, "a session that never was: {heard:?}");
        let mut about = self.clients.iter_mut().filter(|client| client.is_about(session));
        if let Some(client) = about.next() {
            client.hears(heard, &self.store);
            if std::mem::take(&mut client.has_crashed) {
                self.cut(false);
            }
        }
        true
    }

    /// The gateway does the next thing that one of the bindings is to have done.
    pub fn work(&mut self, which: usize, outcome: Outcome) -> bool {
        let Some(link) = &mut self.link else { return false };
        let count = link.jobs.len().max(1);
        let Some((binding, jobs)) = link.jobs.iter_mut().nth(which % count) else {
            return false;
        };
        let binding = *binding;
        let Some(job) = jobs.pop_front() else { return false };
        let (most, failure, is_stored) = match outcome {
            Outcome::Done(most) => (most, None, true),
            Outcome::Later { is_stored } => (1, Some(SessionError::later("later")), is_stored),
            Outcome::Never => (1, Some(SessionError::never("never")), false),
        };
        let mut stored = Stored::default();
        let mut next = Some(job);
        for _ in 0..most.max(1) {
            match next.take().or_else(|| jobs.pop_front()) {
                Some(Job::Store(upload, entries)) if is_stored => {
                    store(&mut self.store, &mut stored, upload, &entries);
                }
                None => break,
                Some(other) => {
                    next = Some(other);
                    break;
                }
            }
        }
        let effects = match (failure, next) {
            (Some(failure), _) => link.sessions.failed(binding, failure.into()),
            (None, Some(Job::Allocate)) => {
                self.files += 1;
                let ident = self.files;
                link.sessions.allocated(binding, FileIdent { ident, salt: 5 })
            }
            (None, Some(Job::Identify)) => link.sessions.identified(binding),
            (None, Some(Job::Store(..)) | None) => link.sessions.stored(binding, stored),
        };
        link.perform(effects, b"", self.version);
        true
    }

    /// Something that was done for a binding that has ended says so now.
    pub fn work_late(&mut self, fails: bool) {
        let Some(link) = &mut self.link else { return };
        let Some((binding, job)) = link.late.pop() else {
            return;
        };
        let effects = match job {
            _ if fails => link.sessions.failed(binding, SessionError::later("late").into()),
            Job::Allocate => link.sessions.allocated(binding, FileIdent { ident: 2, salt: 6 }),
            Job::Identify => link.sessions.identified(binding),
            Job::Store(upload, entries) => {
                let mut stored = Stored::default();
                store(&mut self.store, &mut stored, upload, &entries);
                link.sessions.stored(binding, stored)
            }
        };
        assert_eq!(effects, [], "an answer to a binding that has ended");
    }

    /// Gives everybody time, and nothing fails any more. It ends, and then everything is as it should be.
    pub fn rest(&mut self) {
        let rounds = 100 + 10 * self.written;
        let is_at_rest = (0..rounds).any(|_| {
            let mut moves = self.connect(false);
            for which in 0..self.clients.len() {
                let client = self.client(which);
                client.is_clumsy = false;
                client.is_frail = false;
                client.resume();
                moves |= self.open(which);
                while self.speak(which, 3) {
                    moves = true;
                }
            }
            while self.up() {
                moves = true;
            }
            let bindings = self.link.iter().map(|link| link.jobs.len()).sum();
            for which in 0..bindings {
                while self.work(which, Outcome::Done(2)) {
                    moves = true;
                }
            }
            while self.down() {
                moves = true;
            }
            !moves
        });
        assert!(is_at_rest, "it never ends");
        for client in &self.clients {
            client.is_at_rest(is_refused);
        }
    }
}

impl Link {
    fn perform(&mut self, effects: Vec<Effect>, body: &[u8], version: Version) {
        for effect in effects {
            match effect {
                Effect::Send(message) => {
                    let mut bytes = Vec::new();
                    message.encode(version, 1_795_395_084_512, &mut bytes);
                    self.down.push_back(bytes);
                }
                Effect::Allocate { binding } => self.job(binding, Job::Allocate),
                Effect::Identify { binding, .. } => self.job(binding, Job::Identify),
                Effect::Store { binding, upload } => {
                    self.job(binding, Job::Store(upload, entries(body)));
                }
                Effect::End { binding } => {
                    let mut jobs = self.jobs.remove(&binding).unwrap_or_default();
                    self.late.extend(jobs.pop_front().map(|job| (binding, job)));
                }
                Effect::Note(_) => {}
                Effect::Close(_) => panic!("a good client is cut off"),
            }
        }
    }

    fn job(&mut self, binding: Binding, job: Job) {
        self.jobs.entry(binding).or_default().push_back(job);
    }
}

fn store(all: &mut BTreeSet<u64>, stored: &mut Stored, upload: UploadHeader, entries: &[(u64, u64)]) {
    stored.progress_client = upload.progress_client;
    for (client_version, content) in entries {
        all.insert(*content);
        if is_refused(*content) {
            stored.refused.push(RejectedUpdate {
                client_version: *client_version,
                table: "Reading".to_owned(),
                key: PrimaryKey::String(content.to_string()),
                reason: "it is one of five".to_owned(),
            });
        }
    }
}

/// Versions and contents of an upload.
fn entries(body: &[u8]) -> Vec<(u64, u64)> {
    let mut rest = str::from_utf8(body).unwrap();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let fields: Vec<_> = rest.splitn(6, ' ').collect();
        let size: usize = fields[4].parse().unwrap();
        let (content, behind) = fields[5].split_at(size);
        entries.push((fields[0].parse().unwrap(), content.parse().unwrap()));
        rest = behind;
    }
    assert!(!entries.is_empty(), "nothing is to be stored");
    entries
}

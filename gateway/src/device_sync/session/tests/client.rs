//! A client as the gateway sees it: one local file and its session. It does what realm-core does, checks what realm-core checks, and
//! panics where realm-core would take the gateway for broken.

mod hearing;

use std::collections::BTreeSet;

use super::file::{File, Progress, SetState};

/// A session with its file.
#[derive(Debug)]
pub struct Client {
    n: u8,
    pub file: File,
    pub backup: File,
    session: u64,
    /// The application wants it to sync.
    is_open: bool,
    /// The application closes it, or has.
    is_closing: bool,
    /// It takes the next download for one that it cannot use.
    pub is_clumsy: bool,
    /// It stops right after the next bootstrap, before it acts on it.
    pub is_frail: bool,
    /// It has stopped so.
    pub has_crashed: bool,
    bind: Bind,
    marks: Marks,
    /// What of local versions and server versions it has told.
    cursor: (u64, u64),
    uploads_wait: bool,
    last_query: i64,
    has_failed: bool,
    /// Refusals that wait for their server version.
    compensations: Vec<(u64, Vec<u64>)>,
    /// What the application was told that was refused.
    pub told: BTreeSet<u64>,
}

/// How far a binding is.
#[derive(Debug, Default, Clone, Copy)]
struct Bind {
    sent: bool,
    ident_sent: bool,
    unbind_sent: bool,
    error_received: bool,
    /// After an error, the time to bind again has come.
    may_resume: bool,
    complaint_sent: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    wanted: u64,
    sent: u64,
    received: u64,
}

impl Client {
    pub fn new(n: u8, file: File) -> Self {
        Self {
            n,
            backup: file.clone(),
            file,
            session: 0,
            is_open: false,
            is_closing: false,
            is_clumsy: false,
            is_frail: false,
            has_crashed: false,
            bind: Bind::default(),
            marks: Marks::default(),
            cursor: (0, 0),
            uploads_wait: true,
            last_query: 0,
            has_failed: false,
            compensations: Vec::new(),
            told: BTreeSet::new(),
        }
    }

    /// Whether a message for this session concerns it.
    pub const fn is_about(&self, session: u64) -> bool {
        self.session == session && (self.is_open || self.is_closing)
    }

    /// The application opens the file, if it is not open.
    pub fn open(&mut self, session: u64) -> bool {
        let is_new = !self.is_open && !self.is_closing;
        if is_new {
            self.is_open = true;
            self.session = session;
            self.rebind();
            self.uploads_wait = true;
            self.marks = Marks {
                wanted: 1,
                ..Marks::default()
            };
        }
        is_new
    }

    /// The application closes the file; or something happened after which nothing is done until it does.
    pub fn close(&mut self) {
        if self.is_open {
            self.is_open = false;
            self.is_closing = self.bind.sent && !self.bind.error_received;
        }
    }

    /// The time to bind again after an error has come.
    pub const fn resume(&mut self) {
        self.bind.may_resume = true;
    }

    /// Somebody wants to know when everything is downloaded.
    pub const fn want_downloads(&mut self) {
        self.marks.wanted += 1;
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.is_closing = false;
        self.rebind();
    }

    /// There is a connection. Soon after the last one was lost, uploads do not wait.
    pub fn connected(&mut self, is_fast: bool) {
        self.rebind();
        self.uploads_wait = !is_fast;
        self.marks.wanted += u64::from(!is_fast);
    }

    /// Another copy of the file is in its place.
    pub fn restore(&mut self) {
        self.file = self.backup.clone();
    }

    fn rebind(&mut self) {
        self.bind = Bind::default();
        self.has_failed = false;
        self.compensations.clear();
        self.marks.sent = self.marks.received;
    }

    /// What it sends next, if anything: with at most so many changesets.
    pub fn next(&mut self, most: usize) -> Option<Vec<u8>> {
        let session = self.session;
        if self.bind.sent && (self.is_closing || self.bind.error_received) {
            if self.bind.unbind_sent {
                let resumes = self.is_open && self.bind.error_received && self.bind.may_resume;
                return resumes.then(|| self.rebind()).and_then(|()| self.next(most));
            }
            self.bind.unbind_sent = true;
            return Some(format!("unbind {session}\n").into());
        }
        if !self.is_open {
            return None;
        }
        if !self.bind.sent {
            self.bind.sent = true;
            let needs_ident = u8::from(self.file.ident.is_none());
            let data = if self.n >= 8 { "{\"sessionReason\":0}" } else { "" };
            let size = data.len();
            return Some(format!("bind {session} {size} 0 {needs_ident} 0\n{data}").into());
        }
        let (ident, salt) = self.file.ident?;
        if !self.bind.ident_sent {
            return Some(self.ident(ident, salt));
        }
        if self.has_failed {
            let is_first = !std::mem::replace(&mut self.bind.complaint_sent, true);
            return is_first.then(|| format!("json_error 233 2 {session}\n{{}}").into());
        }
        if self.marks.wanted > self.marks.sent {
            self.marks.sent = self.marks.wanted;
            return Some(format!("mark {session} {}\n", self.marks.sent).into());
        }
        if self.uploads_wait {
            return None;
        }
        self.query().or_else(|| self.upload(most))
    }

    fn ident(&mut self, ident: u64, salt: i64) -> Vec<u8> {
        self.bind.ident_sent = true;
        let progress = self.file.progress;
        self.cursor = (progress.upload_client, progress.upload_server);
        self.last_query = self.file.active.unwrap_or(0);
        if self
            .file
            .sets
            .iter()
            .any(|set| set.state == SetState::AwaitingMark)
        {
            self.marks.wanted = self.marks.wanted.max(self.marks.sent + 1);
        }
        let query = self.last_query;
        let body = if query == 3 && ident == 77 {
            "{\"Top\":\"x\"}"
        } else {
            "{}"
        };
        let Progress {
            latest,
            salt: latest_salt,
            download_server,
            download_client,
            ..
        } = progress;
        let (session, size) = (self.session, body.len());
        format!(
            "ident {session} {ident} {salt} {download_server} {download_client} {latest} {latest_salt} {query} {size}\n{body}"
        )
        .into()
    }

    fn query(&mut self) -> Option<Vec<u8>> {
        let mut pending = self.file.sets.iter().filter(|set| set.state == SetState::Pending);
        let set = *pending.find(|set| set.version > self.last_query)?;
        if self.cursor.0 < set.snapshot {
            return None;
        }
        self.last_query = set.version;
        let body = if set.is_empty { "{}" } else { "{\"Top\":\"x\"}" };
        let (session, version, size) = (self.session, set.version, body.len());
        Some(format!("query {session} {version} {size}\n{body}").into())
    }

    fn upload(&mut self, most: usize) -> Option<Vec<u8>> {
        let (client, server) = self.cursor;
        let waiting = self.file.commits.iter().filter(|one| one.version > client);
        let waiting: Vec<_> = waiting.copied().collect();
        let contents: Vec<_> = waiting.iter().filter(|one| one.content.is_some()).collect();
        let entries: String = contents
            .iter()
            .take(most)
            .map(|one| {
                let content = one.content.unwrap().to_string();
                let (version, server, size) = (one.version, one.server, content.len());
                format!("{version} {server} 375325657408 0 {size} {content}")
            })
            .collect();
        let up_to = contents
            .get(most)
            .map_or(self.file.newest(), |next| next.version - 1);
        let reached = waiting.iter().rfind(|one| one.version <= up_to)?;
        // New clients tell of versions without content once there is something new from the server.
        let is_worth_it = !entries.is_empty() || self.n < 14 || reached.server > server;
        if !is_worth_it {
            self.cursor.0 = up_to;
            return self.query();
        }
        self.cursor = (up_to, reached.server.max(server));
        let (client, server) = self.cursor;
        let (session, size, locked) = (self.session, entries.len(), self.file.progress.download_server);
        Some(format!("upload {session} 0 {size} 0 {client} {server} {locked}\n{entries}").into())
    }
}

//! A local file of a client.

/// What is in a local file. A copy of it is a backup.
#[derive(Debug, Clone)]
pub struct File {
    pub ident: Option<(u64, i64)>,
    pub progress: Progress,
    pub commits: Vec<Commit>,
    /// The set of subscriptions that was bootstrapped last.
    pub active: Option<i64>,
    pub sets: Vec<Set>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    pub latest: u64,
    /// Whatever came with it.
    pub salt: u64,
    pub download_server: u64,
    pub download_client: u64,
    pub upload_client: u64,
    pub upload_server: u64,
}

/// A local version.
#[derive(Debug, Clone, Copy)]
pub struct Commit {
    pub version: u64,
    /// What the application wrote in it.
    pub content: Option<u64>,
    /// The server's version that was integrated by then.
    pub server: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Set {
    pub version: i64,
    pub is_empty: bool,
    /// The local version that has it.
    pub snapshot: u64,
    pub state: SetState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetState {
    Pending,
    AwaitingMark,
    Complete,
    Error,
}

impl File {
    /// One that was never connected.
    pub fn fresh() -> Self {
        Self {
            ident: None,
            progress: Progress::default(),
            commits: vec![Commit {
                version: 1,
                content: None,
                server: 0,
            }],
            active: None,
            sets: vec![Set {
                version: 0,
                is_empty: true,
                snapshot: 1,
                state: SetState::Pending,
            }],
        }
    }

    /// One that App Services has served up to its third subscriptions. It has uploaded more than it can tell.
    pub fn served_before() -> Self {
        let mut file = Self::fresh();
        file.ident = Some((77, -5));
        for _ in 0..9 {
            file.commit(None, 30);
        }
        file.active = Some(3);
        let mut set = file.sets[0];
        set.state = SetState::Complete;
        file.sets = vec![Set { version: 3, ..set }];
        file.progress = Progress {
            latest: 31,
            salt: 0,
            download_server: 30,
            download_client: 8,
            upload_client: 9,
            upload_server: 29,
        };
        file
    }

    /// Whether no gateway has told it anything yet.
    pub const fn is_of_app_services(&self) -> bool {
        self.progress.latest > 0 && self.progress.salt == 0
    }

    pub fn newest(&self) -> u64 {
        self.commits.last().unwrap().version
    }

    pub fn commit(&mut self, content: Option<u64>, server: u64) {
        let version = self.newest() + 1;
        self.commits.push(Commit {
            version,
            content,
            server,
        });
    }

    pub fn write(&mut self, content: Option<u64>) {
        self.commit(content, self.progress.download_server);
    }

    pub fn subscribe(&mut self, is_empty: bool) {
        self.write(None);
        let version = self.sets.last().unwrap().version + 1;
        self.sets.push(Set {
            version,
            is_empty,
            snapshot: self.newest(),
            state: SetState::Pending,
        });
    }

    /// What the application wrote up to a version.
    pub fn written(&self, up_to: u64) -> impl Iterator<Item = u64> {
        let commits = self.commits.iter().filter(move |one| one.version <= up_to);
        commits.filter_map(|one| one.content)
    }
}

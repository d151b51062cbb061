//! An attack, a good client beside it, and the bounds that hold all the time.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::common::http::Client;
use crate::common::server::{Server, lines, post, token};
use crate::common::{batch, note, one_run, outbox, schema};

/// How long a good client may wait for the answer to a small batch, whatever others do. This is a debug build on a
/// machine that does other things as well.
const LATEST: Duration = Duration::from_secs(10);

/// Resident memory at its highest: the memory of batches, three times the largest answer, and the program itself.
const MEMORY_KIB: u64 = 600 * 1024;

/// A server under attack.
pub struct Attacked {
    pub server: Server,
    pub data: TempDir,
    pub token: String,
}

/// Says that something is over, also when it ends by a panic.
pub struct Ended<'a>(pub &'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Attacked {
    pub fn new(more: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::over(Server::start_with(data.path(), more), data)
    }

    /// The same with a server that runs over `data`.
    pub fn over(server: Server, data: TempDir) -> Self {
        let token = server.token();
        Self { server, data, token }
    }

    /// Runs the attack while a good client of another user sends one small batch after the other. All of those are
    /// answered within the bound, none is lost, memory stays within the bound, and the server lives.
    #[track_caller]
    pub fn by<T>(&self, attack: impl FnOnce(&Self) -> T) -> T {
        let done = AtomicBool::new(false);
        // It is there before the attack begins, and has this one connection.
        let mut client = self.server.client();
        let token = token(&mut client);
        let (result, sent) = std::thread::scope(|scope| {
            let good = scope.spawn(|| good_client(client, &token, &done));
            let ended = Ended(&done);
            let result = attack(self);
            drop(ended);
            (result, good.join().unwrap())
        });
        let stored = lines(self.data.path(), &["find", "Note"]);
        let stored = stored.iter().filter(|line| line.contains("\"good ")).count();
        assert_eq!(stored, sent, "what the good client sent is there");
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let highest = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let highest: u64 = highest.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(highest < MEMORY_KIB, "{highest} KiB were resident");
        result
    }
}

/// Sends one small batch after the other until it is done, and says how many.
fn good_client(mut client: Client, token: &str, done: &AtomicBool) -> usize {
    let mut sent = 0;
    // At least one behind the attack as well.
    let mut last = false;
    while !last {
        last = done.load(Ordering::Acquire);
        let seq = i64::try_from(sent + 1).unwrap();
        let documents = [note(&format!("good {seq}"), "x")];
        let body = batch(&outbox(0xC11E47), &schema(), &[one_run(seq, "Note", &documents)]);
        let begun = Instant::now();
        let answer = post(&mut client, token, &body).unwrap();
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        assert!(
            begun.elapsed() < LATEST,
            "{:?} for a small batch",
            begun.elapsed()
        );
        sent += 1;
    }
    sent
}

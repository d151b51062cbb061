//! A temporary outbox, transactions that can be told apart, and processes to kill.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use realm_ingest::outbox::{
    Codec, Options, Outbox, Recovered, Result, Row, Run, SchemaId, SqliteOutbox, WriteTransaction,
};
use tempfile::TempDir;

/// For which test a process plays the other part, and on which outbox.
const PART: &str = "REALM_INGEST_TEST_PART";
const PATH: &str = "REALM_INGEST_TEST_PATH";

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(TempDir::new().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("default.realm")
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub fn bytes(&self) -> u64 {
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum()
    }
}

pub fn open(path: &Path) -> SqliteOutbox {
    open_with(path, Options::default())
}

pub fn open_with(path: &Path, options: Options) -> SqliteOutbox {
    let (outbox, recovered) = SqliteOutbox::open(path, options).unwrap();
    assert_eq!(recovered, None);
    outbox
}

pub fn open_recovered(path: &Path) -> (SqliteOutbox, Recovered) {
    let (outbox, recovered) = SqliteOutbox::open(path, Options::default()).unwrap();
    (outbox, recovered.expect("a file that is moved aside"))
}

pub fn schema(outbox: &dyn Outbox) -> SchemaId {
    outbox
        .register_schema("0123456789abcdef", "{\"classes\":[]}")
        .unwrap()
}

/// Appends `payload` as one document.
pub fn append(outbox: &dyn Outbox, payload: &[u8]) -> Result<i64> {
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    outbox.append(&WriteTransaction {
        schema: schema(outbox),
        runs: &runs,
        payload,
    })
}

/// A payload that tells its number, of sizes that share a page, fill pages, and are compressed.
pub fn numbered(number: u64) -> Vec<u8> {
    let size = [40, 700, 3_000, 9_000, 60_000][number as usize % 5];
    let mut payload = format!("{number}:").into_bytes();
    while payload.len() < size {
        payload.extend_from_slice(&payload.len().wrapping_mul(number as usize + 7).to_le_bytes());
    }
    payload
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed * 2 + 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub fn payload(row: &Row) -> Vec<u8> {
    match row.codec {
        Codec::Identity => row.payload.to_vec(),
        Codec::Zstd => zstd::bulk::decompress(&row.payload, row.bytes as usize).unwrap(),
    }
}

/// Every row left, in order.
pub fn rows_with_gaps(outbox: &dyn Outbox) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut after = 0;
    while let Some(lease) = outbox.lease(after, 1 << 20).unwrap() {
        after = lease.last_seq();
        rows.extend(lease.rows);
    }
    rows
}

/// Every row left, in order; checks that the counters agree with them.
pub fn rows(outbox: &dyn Outbox) -> Vec<Row> {
    let rows = rows_with_gaps(outbox);
    assert!(
        rows.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1),
        "a gap in the numbers"
    );
    let pending = outbox.pending().unwrap();
    assert_eq!(pending.transactions, rows.len() as u64);
    assert_eq!(pending.objects, rows.iter().map(|row| row.objects).sum::<u64>());
    assert_eq!(pending.bytes, rows.iter().map(|row| row.bytes).sum::<u64>());
    rows
}

/// Removes what was sent under the outbox's present identity.
pub fn settle(outbox: &dyn Outbox, through: i64) -> Result<()> {
    let identity = outbox.origin()?.identity;
    assert!(outbox.settle(&identity, through)?, "it is the present one");
    Ok(())
}

pub fn drain(outbox: &dyn Outbox) {
    while let Some(lease) = outbox.lease(0, 1 << 20).unwrap() {
        settle(outbox, lease.last_seq()).unwrap();
    }
}

/// A page in the log.
const FRAME: usize = 24 + 4096;

/// Where the commits in a log end, in file order.
pub fn commit_ends(log: &[u8]) -> Vec<usize> {
    let salt = &log[16..24];
    let frames = log[32..]
        .chunks_exact(FRAME)
        .take_while(|frame| &frame[8..16] == salt);
    let commits = frames.enumerate().filter(|(_, frame)| frame[4..8] != [0; 4]);
    commits.map(|(index, _)| 32 + (index + 1) * FRAME).collect()
}

/// This program again, running `test`, which sees by [`other_part`] that it is the other process.
pub fn other_process(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_other_part(&mut command, test, path);
    command
}

pub fn as_other_part(command: &mut Command, test: &str, path: &Path) {
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, test)
        .env(PATH, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
}

/// The outbox to work on, if this process was started to play the other part in `test`.
pub fn other_part(test: &str) -> Option<PathBuf> {
    (std::env::var(PART).as_deref() == Ok(test)).then(|| std::env::var_os(PATH).unwrap().into())
}

/// What a line that a process wrote for its parent says. The test harness writes to the same
/// output, also on the same line.
pub fn said(line: &str) -> Option<&str> {
    line.split_once("##").map(|(_, said)| said.trim())
}

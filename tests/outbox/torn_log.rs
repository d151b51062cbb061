//! Invariants 1 and 2 when the end of the log is torn, as by power loss in the middle of a commit:
//! every transaction that was complete before the tear is there, whole; the torn one is not.

use std::fs;

use crate::common::{Folder, append, commit_ends, numbered, open, payload, rows, schema};

#[test]
fn a_torn_end_loses_only_what_was_not_complete() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    schema(&outbox);
    let log_path = folder.join("default.realm-wal");
    let before = commit_ends(&fs::read(&log_path).unwrap()).len();
    for number in 1..=12 {
        append(&outbox, &numbered(number)).unwrap();
    }
    // What the disk has while the process is alive is what a crash leaves.
    let database = fs::read(folder.path()).unwrap();
    let log = fs::read(&log_path).unwrap();
    drop(outbox);
    let ends = commit_ends(&log);
    assert_eq!(ends.len(), before + 12, "one commit a transaction");

    let survivors = |damaged: &[u8]| {
        let torn = Folder::new();
        fs::write(torn.path(), &database).unwrap();
        fs::write(torn.join("default.realm-wal"), damaged).unwrap();
        let outbox = open(&torn.path());
        let rows = rows(&outbox);
        for row in &rows {
            assert_eq!(payload(row), numbered(row.seq as u64));
        }
        assert_eq!(
            append(&outbox, b"after").unwrap(),
            rows.len() as i64 + 1,
            "it goes on"
        );
        rows.len()
    };

    for survive in 8..12 {
        let end = ends[before + survive - 1];
        let next = ends[before + survive];
        assert_eq!(survivors(&log[..end]), survive, "cut between two");
        assert_eq!(survivors(&log[..next - 1]), survive, "cut a byte short");
        assert_eq!(survivors(&log[..end + 10]), survive, "cut in a frame's header");
        for at in [end + 3, end + 24, next - 1] {
            let mut garbled = log.clone();
            garbled[at] ^= 0x40;
            assert_eq!(survivors(&garbled), survive, "one bit at {at}");
        }
        let mut zeros = log.clone();
        zeros[end..].fill(0);
        assert_eq!(survivors(&zeros), survive, "blocks that were never written");
    }
}

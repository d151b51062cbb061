//! Invariants 1, 2 and 4 when the process dies at any moment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{Durability, Options, Outbox};

use crate::common::{
    Folder, append, noise, numbered, open, open_with, other_part, other_process, payload, rows, said, settle,
};

const ROUNDS: u64 = 25;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    kill_writers(
        "crash::nothing_acknowledged_is_lost_and_nothing_is_half_there",
        Durability::Full,
    );
}

#[test]
fn relaxed_durability_survives_the_process() {
    kill_writers(
        "crash::relaxed_durability_survives_the_process",
        Durability::Relaxed,
    );
}

fn kill_writers(test: &str, durability: Durability) {
    if let Some(path) = other_part(test) {
        return write_forever(&path, durability);
    }
    let folder = Folder::new();
    let mut next = 1;
    for round in 0..ROUNDS {
        let acknowledged = write_until_killed(test, &folder.path(), round);
        let outbox = open(&folder.path());
        let found = rows(&outbox);
        let newest = outbox.last_seq().unwrap();
        assert!(
            newest >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {newest} is there"
        );
        assert!(newest >= next - 1, "round {round}: numbers went back");
        if let Some(first) = found.first() {
            assert_eq!(first.seq, next, "round {round}");
            assert_eq!(found.last().unwrap().seq, newest);
        }
        for row in &found {
            assert_eq!(
                payload(row),
                numbered(row.seq as u64),
                "round {round}: row {}",
                row.seq
            );
        }
        // Some of it leaves, so that the next round also writes behind a gap at the old end.
        if round % 3 == 2 {
            settle(&outbox, newest).unwrap();
            next = newest + 1;
        }
    }
    assert!(next > 1);
}

/// Kills a writer after some acknowledged rows; returns the last number it acknowledged.
fn write_until_killed(test: &str, path: &Path, round: u64) -> i64 {
    let mut writer = other_process(test, path).spawn().unwrap();
    let random = noise(round + 1, 2);
    let rows = 1 + usize::from(random[0] % 40);
    let mut lines = BufReader::new(writer.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut last = 0;
    let numbers = |line: String| said(&line).and_then(|number| number.parse::<i64>().ok());
    for number in lines.by_ref().filter_map(numbers).take(rows) {
        last = number;
    }
    // Not always right after an acknowledgement.
    for _ in 0..u32::from(random[1]) * 400 {
        std::hint::spin_loop();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    // What it said before it died counts as well.
    lines.filter_map(numbers).last().unwrap_or(last)
}

fn write_forever(path: &Path, durability: Durability) {
    let outbox = open_with(
        path,
        Options {
            durability,
            ..Options::default()
        },
    );
    let mut out = std::io::stdout();
    let mut seq = outbox.last_seq().unwrap();
    loop {
        seq += 1;
        assert_eq!(append(&outbox, &numbered(seq as u64)).unwrap(), seq);
        // The parent may be gone already.
        if writeln!(out, "##{seq}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

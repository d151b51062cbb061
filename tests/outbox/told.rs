//! What a process on a watched disk was told by its outbox, and what must hold of the files afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use realm_ingest::outbox::{Options, Outbox, Recovered, Settlement, SqliteOutbox};

use crate::common::{append, noise, payload, rows_with_gaps, settle};
use crate::disk::{Event, say};

/// What the process has been told so far.
#[derive(Clone, Default)]
pub struct Told {
    /// Attempts by the numbers they were stored under.
    pub stored: BTreeMap<i64, u64>,
    /// What the files held before that, by numbers.
    pub carried: BTreeMap<i64, Vec<u8>>,
    /// Rows up to this number may be gone.
    pub settling: i64,
    /// Rows up to this number were acknowledged under this identity: none of them is given out under it again.
    pub acknowledged: Option<(i64, String)>,
    /// Attempts that failed.
    pub failed: BTreeSet<u64>,
    /// The highest number that was given out for sending.
    pub leased: i64,
}

/// How much of it the files must still know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// All that had returned (invariant 1).
    Everything,
    /// All that had returned but the newest, unless it was given out (relaxed durability).
    WhatWasLeased,
}

impl Told {
    pub fn hear(&mut self, event: &Event) {
        let Some(said) = event.said() else { return };
        let words: Vec<&str> = said.split(' ').collect();
        match words[..] {
            ["stored", seq, attempt] => {
                self.stored.insert(seq.parse().unwrap(), attempt.parse().unwrap());
            }
            ["failed", attempt, ..] => {
                self.failed.insert(attempt.parse().unwrap());
            }
            ["leased", through] => self.leased = self.leased.max(through.parse().unwrap()),
            ["acknowledged", through, identity] => {
                self.acknowledged = Some((through.parse().unwrap(), identity.to_owned()));
            }
            ["settling", through] => self.settling = through.parse().unwrap(),
            _ => {}
        }
    }

    /// Opens the outbox and checks what is in it.
    pub fn check(&self, path: &Path, state: &str) {
        let recovered = self.holds(path, Promise::Everything, state);
        assert_eq!(recovered, None, "{state}");
    }

    /// As [`Told::check`], for files that may have been damaged.
    pub fn holds(&self, path: &Path, promise: Promise, state: &str) -> Option<Recovered> {
        let opened = SqliteOutbox::open(path, Options::default());
        let (outbox, recovered) = opened.unwrap_or_else(|error| panic!("{error}, {state}"));
        let found = self.is_in(&outbox, promise, state);
        let newest = match promise {
            Promise::Everything => self.stored.keys().next_back().copied().unwrap_or(0),
            Promise::WhatWasLeased => found.max(self.leased),
        };
        let next = append(&outbox, b"after").unwrap_or_else(|error| panic!("{error}, {state}"));
        assert!(next > newest, "{state}: number {next} was given out before");
        recovered
    }

    /// Checks the rows of an open outbox; returns the number of the newest.
    pub fn is_in(&self, outbox: &SqliteOutbox, promise: Promise, state: &str) -> i64 {
        let rows = rows_with_gaps(outbox);
        let found: BTreeMap<i64, Vec<u8>> = rows.iter().map(|row| (row.seq, payload(row))).collect();
        let newest = found.keys().next_back().copied().unwrap_or(0);
        let kept = match promise {
            Promise::Everything => i64::MAX,
            Promise::WhatWasLeased => self.leased.max(newest),
        };
        if let Some((through, identity)) = &self.acknowledged
            && *identity == outbox.origin().unwrap().identity
        {
            let again = found.range(..=through).next();
            assert_eq!(again, None, "{state}: it was acknowledged");
        }
        for (seq, row) in self.carried.range(self.settling + 1..) {
            assert_eq!(found.get(seq), Some(row), "row {seq}, {state}");
        }
        for (seq, attempt) in self.stored.range(self.settling + 1..) {
            if *seq <= kept {
                assert_eq!(found.get(seq), Some(&content(*attempt)), "row {seq}, {state}");
            }
        }
        let once: BTreeSet<&Vec<u8>> = found.values().collect();
        assert_eq!(once.len(), found.len(), "a row is there twice, {state}");
        for attempt in &self.failed {
            let failed = content(*attempt);
            assert!(!once.contains(&failed), "attempt {attempt} had failed, {state}");
        }
        newest
    }
}

/// What an attempt stores.
pub fn content(attempt: u64) -> Vec<u8> {
    noise(attempt, [90, 300, 5_000, 20_000][attempt as usize % 4])
}

/// Appends the attempt and says what came of it.
pub fn try_append(outbox: &SqliteOutbox, attempt: u64) -> bool {
    let known = outbox.register_schema("0123456789abcdef", "{\"classes\":[]}");
    let stored = known.and_then(|_| append(outbox, &content(attempt)));
    match &stored {
        Ok(seq) => say(&format!("stored {seq} {attempt}")),
        Err(error) => say(&format!("failed {attempt} {error:?}")),
    }
    stored.is_ok()
}

/// Settles so many of the oldest rows, saying so first; every other time in two steps.
pub fn try_settle(outbox: &SqliteOutbox, count: usize) -> bool {
    let Ok(Some(lease)) = outbox.lease(0, 1 << 20) else {
        return false;
    };
    say(&format!("leased {}", lease.last_seq()));
    let through = lease.rows[count.min(lease.rows.len()) - 1].seq;
    say(&format!("settling {through}"));
    if through % 2 == 0 {
        let Ok(identity) = outbox.origin().map(|origin| origin.identity) else {
            return false;
        };
        let settlement = Settlement {
            first: through + 1,
            through,
            leave: true,
            ..Settlement::default()
        };
        if !outbox.acknowledge(&identity, &settlement).is_ok_and(|done| done) {
            return false;
        }
        say(&format!("acknowledged {through} {identity}"));
    }
    settle(outbox, through).is_ok()
}

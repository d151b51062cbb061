//! What the outbox promises, one file a promise. The numbers are the invariants at the top of
//! `src/outbox/mod.rs`.

// A failed unwrap is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod basics;
mod cap;
mod common;
mod crash;
mod damage;
#[cfg(target_os = "linux")]
#[path = "../faults/disk.rs"]
mod disk;
mod exchange;
mod fork;
mod full_disk;
mod groups;
mod healing;
mod limits;
mod losses;
mod numbers;
mod packing;
mod passing;
mod power_loss;
mod processes;
#[cfg(target_os = "linux")]
mod recording;
mod recovery;
mod space;
mod torn_log;
mod upgrade;

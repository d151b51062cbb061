//! What the outbox promises, one file a promise. The numbers are the invariants at the top of
//! `src/outbox/mod.rs`.

// A failed unwrap is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod basics;
#[cfg(target_os = "linux")]
#[path = "../faults/calls.rs"]
mod calls;
mod cap;
mod common;
mod crash;
mod damage;
#[cfg(target_os = "linux")]
#[path = "../faults/disk.rs"]
mod disk;
mod encryption;
mod exchange;
#[cfg(target_os = "linux")]
mod failing_calls;
#[cfg(target_os = "linux")]
mod failing_rekey;
#[cfg(target_os = "linux")]
mod flipped;
mod fork;
mod full_disk;
mod groups;
mod healing;
mod limits;
mod losses;
mod many;
mod numbers;
mod opening;
mod packing;
mod passing;
mod places;
mod power_loss;
#[cfg(target_os = "linux")]
mod power_states;
mod processes;
mod receipts;
#[cfg(target_os = "linux")]
mod recording;
mod recovery;
mod rekey;
mod settled;
mod space;
mod tampering;
#[cfg(target_os = "linux")]
mod told;
mod torn_log;
mod upgrade;

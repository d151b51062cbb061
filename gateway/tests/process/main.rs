//! The gateway as a process: over real sockets, beside its commands, killed, stopped and short of space.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/mongodb.rs"]
mod database;
#[path = "../../../tests/faults/disk.rs"]
mod disk;

mod apps;
mod backup;
mod clients;
mod clock;
mod commands;
mod config;
mod conflicts;
mod copy;
mod crash;
mod dead_letters;
mod example;
mod full_disk;
mod health;
mod keys;
mod lifetimes;
mod logs;
mod long_batch;
mod mail;
mod metrics;
mod mongodb;
mod old_sessions;
mod overview;
mod place;
mod power_cut;
mod schemas;
mod serve;
mod shared;
mod sockets;
mod state_power_cut;
mod terminal;
mod tls;
mod users;

//! The client against a server that does as it is told: uploads, sessions, users, restarts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod app_errors;
mod certificates;
mod choices;
#[cfg(target_os = "linux")]
mod clones;
mod encrypted;
mod failover;
mod failures;
mod gateway;
mod lanes;
mod left;
mod linked;
mod links;
mod looks;
mod losses;
mod options;
mod owners;
mod policies;
mod processes;
mod proxy;
mod receipts;
mod refusals;
mod rejections;
mod restart;
mod sessions;
mod status;
mod stranded;
mod tls;
mod uploads;
mod users;
mod users_file;
mod waking;

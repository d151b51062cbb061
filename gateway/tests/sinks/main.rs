//! What every sink promises, through the core: one suite, run over each sink there is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/mongodb.rs"]
mod server;

mod faults;
mod memory;
mod mongodb;
mod operator;
mod proxy;
mod stores;
mod suite;

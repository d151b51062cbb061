//! The gateway through its router, without a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod api_keys;
mod apps;
mod auth;
mod bad_input;
mod dead_letters;
mod development;
mod directory;
mod exactly_once;
mod foreign_tokens;
mod golden;
mod lineage;
mod location;
mod long_batches;
mod metrics;
mod mutations;
mod pages;
mod passwords;
mod rules;
mod schemas;
mod sessions;
mod user_data;

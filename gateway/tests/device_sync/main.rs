//! The door for existing Realm SDKs, over real sockets and with a client of our own: what realm-core sends, and what it never would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod adopted;
mod bounds;
mod changesets;
mod device;
mod ending;
mod files;
mod gate;
mod idle;
mod logs;
mod refused;
mod standing;
mod streaming;
mod upgrade;

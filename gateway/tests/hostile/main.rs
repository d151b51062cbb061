//! What clients do who mean harm, or are broken in a way that looks like it, and that others are served meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod beside;
mod connections;
mod documents;
mod http2;
mod memory;
mod pages;
mod requests;
mod schemas;
mod stopping;

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod file;
mod heard;
mod hostile;
mod model;
mod transcript;
mod world;

//! What holds of all inputs, tried on random ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod checker;
mod model;

//! What must hold of tokens, good and hostile, and of where keys come from.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod sets;
mod tokens;

//! The one seam between Rust and its callers, and the only module with `unsafe`: the bridge for C++
//! ([`bridge`]) and the C ABI ([`capi`]). Both are thin: convert, guard, call.
#![allow(unsafe_code, reason = "this module is the seam")]

mod bridge;
mod handles;
mod status;

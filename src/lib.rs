//! placeholder

mod decimal;
mod ejson;
mod ffi;
pub mod outbox;

//! The door for existing Realm SDKs: the websocket over which realm-core uploads what an application writes.
//!
//! ```text
//! upgrade -> connection: websocket -> frames -> session
//!                            |                     |
//!                            +-- file: decode -> Ingest -> acknowledgement
//! ```
//!
//! A device writes into a local file, and this uploads it: changesets become documents, in the one form that every door gives them, and go
//! to the core as any other batch. Nothing of checks, rules, stores and dead letters is repeated here.

pub mod adopted;
mod agent;
mod bound_files;
pub mod builder;
pub mod changeset;
mod client;
mod connection;
pub mod errors;
mod file;
pub mod frames;
pub mod registry;
pub mod session;
mod upgrade;
pub mod upload;
pub mod version;
mod websocket;

#[cfg(test)]
mod vectors;

use std::sync::Arc;

pub(crate) use upgrade::handle as upgrade;

/// What all connections share.
#[derive(Default)]
pub(crate) struct Shared {
    files: bound_files::BoundFiles,
    classes: Arc<file::classes::SharedClasses>,
}

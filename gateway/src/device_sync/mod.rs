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
mod sockets;
mod upgrade;
pub mod upload;
pub mod version;
mod websocket;

#[cfg(test)]
mod vectors;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use upgrade::handle as upgrade;

use crate::memory::Memory;
use crate::turns::Turns;

/// Files that are looked up or named at the same time. Each can take a flush of the state, for which log-ins wait as well.
const NAMED_AT_ONCE: usize = 8;

/// How long a file waits for that.
const NAME_WAIT: Duration = Duration::from_secs(30);

/// Bytes that the classes of all bound files may take. They are held as long as a file is bound, also while nothing comes, so what
/// passes through has memory of its own.
const CLASSES: usize = 64 * 1024 * 1024;

/// What all connections share.
pub(crate) struct Shared {
    files: bound_files::BoundFiles,
    classes: Arc<file::classes::SharedClasses>,
    memory_of_classes: Memory,
    names: Turns,
    sockets: sockets::Sockets,
}

impl Shared {
    /// With so many web sockets of one address.
    pub fn new(of_one_address: usize) -> Self {
        Self {
            files: bound_files::BoundFiles::default(),
            classes: Arc::default(),
            memory_of_classes: Memory::new(CLASSES, CLASSES / 2, CLASSES / 4),
            names: Turns::new(NAMED_AT_ONCE, NAME_WAIT),
            sockets: sockets::Sockets::new(of_one_address),
        }
    }
}

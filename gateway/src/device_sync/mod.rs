//! The door for existing Realm SDKs: the websocket over which realm-core uploads what an application writes.

pub mod builder;
pub mod changeset;
pub mod errors;
pub mod frames;
pub mod registry;
pub mod session;
pub mod upload;
pub mod version;

#[cfg(test)]
mod vectors;

//! The door for existing Realm SDKs: the websocket over which realm-core uploads what an application writes.

pub mod errors;
pub mod frames;
pub mod session;
pub mod version;

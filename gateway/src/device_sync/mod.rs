//! The door for existing Realm SDKs: the websocket over which realm-core uploads what an application writes.

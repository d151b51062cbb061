//! The states that the suite runs over, and what is put into them.

use std::sync::Arc;

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{EmbeddedState, Identity, Provider, Registration, Session, State};
use serde_json::Value;
use tempfile::TempDir;

/// A state that was just made.
pub trait Store {
    fn open(data: &TempDir) -> Arc<dyn State>;
}

/// The state in a file.
pub struct Embedded;

impl Store for Embedded {
    fn open(data: &TempDir) -> Arc<dyn State> {
        Arc::new(EmbeddedState::open(data.path()).unwrap())
    }
}

/// A new state and its directory.
pub fn new<S: Store>() -> (Arc<dyn State>, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (S::open(&data), data)
}

/// An identity about which its provider says a name.
pub fn identity(provider: Provider, id: &str, name: &str) -> Identity {
    Identity {
        provider,
        id: id.to_owned(),
        data: [("name".to_owned(), Value::from(name))].into_iter().collect(),
    }
}

pub fn registration(email: &str) -> Registration {
    Registration {
        email: email.to_owned(),
        identity: format!("identity of {email}"),
        password_hash: "hash".to_owned(),
        confirmed: false,
    }
}

/// A session of a user that lasts an hour.
pub fn session(id: &str, user: &str) -> Session {
    Session {
        id: id.to_owned(),
        user: user.to_owned(),
        device: "device".to_owned(),
        api_key: None,
        expires: clock::unix_millis() + 3_600_000,
    }
}

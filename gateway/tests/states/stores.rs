//! The states that the suite runs over, and what is put into them.

use std::sync::Arc;

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    EmbeddedState, Identity, Managed, MongoState, Provider, Registration, Session, State, UserKind,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Server, fresh_name};

/// What a state is opened over, also several times at once.
pub trait Store {
    /// Where one is that lasts as long as this.
    type Place: Sync;
    async fn place() -> Self::Place;
    async fn open(place: &Self::Place) -> Arc<dyn Managed>;
}

/// The state in a file.
pub struct Embedded;

impl Store for Embedded {
    type Place = TempDir;

    async fn place() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    async fn open(place: &TempDir) -> Arc<dyn Managed> {
        Arc::new(EmbeddedState::open(place.path()).unwrap())
    }
}

/// The state in a database of MongoDB.
pub struct Mongo;

/// A database of its own on a server that all tests share.
pub struct Fresh(String);

impl Fresh {
    /// Over connections of its own, as another process has them.
    pub async fn database(&self) -> mongodb::Database {
        Server::shared().await.cluster().await.database(&self.0)
    }
}

impl Store for Mongo {
    type Place = Fresh;

    async fn place() -> Fresh {
        Fresh(fresh_name())
    }

    async fn open(place: &Fresh) -> Arc<dyn Managed> {
        Arc::new(MongoState::open(place.database().await, None).await.unwrap())
    }
}

/// A new state and where it is.
pub async fn new<S: Store>() -> (Arc<dyn Managed>, S::Place) {
    let place = S::place().await;
    (S::open(&place).await, place)
}

/// A new state as two gateways have it, and where it is.
pub async fn two<S: Store>() -> ([Arc<dyn Managed>; 2], S::Place) {
    let place = S::place().await;
    ([S::open(&place).await, S::open(&place).await], place)
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

/// The id of a new user who has nothing but a name.
pub async fn user(state: &dyn Managed) -> String {
    let id = realm_ingest_gateway::ids::identity_id();
    let user = state.find_or_create(identity(Provider::Anonymous, &id, ""), UserKind::Normal);
    user.await.unwrap().unwrap().id
}

/// The id of the new user of a new registration.
pub async fn registered(state: &dyn Managed, email: &str) -> String {
    let registration = registration(email);
    let identity = identity(Provider::Password, &registration.identity, email);
    assert!(state.register(registration).await.unwrap());
    let user = state.find_or_create(identity, UserKind::Normal);
    user.await.unwrap().unwrap().id
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

/// Whether access tokens of this user or session are revoked by now.
pub async fn is_revoked(state: &dyn State, of: &str) -> bool {
    let revoked = state.revocations(0).await.unwrap();
    revoked.iter().any(|one| one.of == of)
}

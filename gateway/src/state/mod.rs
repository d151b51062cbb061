//! Users, sessions, the signing keys and schemas: everything the gateway keeps besides documents.
//!
//! What every state promises:
//!  1. An answer that something was changed comes when that is durable. Each change may be asked for again, alone or after a
//!     crash.
//!  2. An identity belongs to one user, an e-mail to one registration. Of several who ask at the same time one makes it, and the
//!     others find what he has made.
//!  3. What belongs to one user (identities, whether he is disabled, custom data) changes in one step, and so does what belongs
//!     to one registration (its password, whether it is confirmed, its one-time tokens) and one API key.
//!  4. A one-time token is used once, also by several at the same time.
//!  5. Keys and one-time tokens are kept as SHA-256 alone, so who reads the store cannot use them. They are random and longer than
//!     what can be guessed, so a slow hash would protect nothing more.
//!  6. A session lasts while its user is there and enabled, and the API key that opened it as well: whoever asks for the session is
//!     told of all of it. So it does not matter in which order a user, his keys and his sessions go, nor whether a session is
//!     opened meanwhile.
//!  7. A user is removed in this order: what lets him in (registration, API keys), then his sessions, then himself. Of a removal
//!     that was cut off the user is left, and is removed again. His id is never given to anybody else, as documents, positions
//!     and dead letters name it; that he was there is kept.
//!
//! A store with transactions can do each of these in one ([`EmbeddedState`]); for others a user, a registration and an API key are
//! one record each, and what must be there once is a unique index.

#[doc(hidden)]
pub mod acceptance;
mod api_keys;
mod embedded;
mod registrations;
mod schemas;
mod sessions;
mod users;

pub use acceptance::KnownSchema;
pub use api_keys::{AddedKey, ApiKey, ApiKeys, KeyOwner};
pub use embedded::{
    Conflict, EmbeddedState, ListedKey, ListedSchema, OperatorStore, count_users, find_schema, list_schemas,
};
pub(crate) use embedded::{FILE, FORMAT, check};
pub use registrations::{AddedToken, OneTimeToken, Purpose, Registration, Registrations};
pub use schemas::Schemas;
pub use sessions::{Key, Secrets, Session, Sessions};
pub use users::{Identity, Linked, Provider, Revocation, User, UserKind, Users};

use crate::backend::Answer;

/// SHA-256 of a secret that is random and long.
pub type SecretHash = [u8; 32];

/// Keeps what the gateway must not forget. See the module for what it promises.
pub trait State: Users + Registrations + ApiKeys + Sessions + Schemas + Send + Sync {
    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;
}

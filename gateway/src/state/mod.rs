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
//!  6. A session is opened under what lets the user in: that he and the API key are there and enabled, his password, the key that
//!     signs, and how often his sessions or those of the API key were ended. It lasts while all of that is as it was, and once it
//!     has ended it does not begin again: whoever asks for the session is told of all of it. So what ends sessions (a user is disabled,
//!     removed or logged out, his password replaced, an API key disabled or removed, a signing key retired) ends them in the one step in
//!     which it changes its own record, in whatever order such things come, and whether a session is opened meanwhile. Of each that had
//!     begun `revocations` tells, as its access tokens may be about.
//!  7. A user is removed in this order: his sessions end, what lets him in goes (registration, API keys), then he himself. Of a removal
//!     that was cut off the user is left, and is removed again. His id is never given to anybody else, as documents, positions
//!     and dead letters name it; that he was there is kept.
//!  8. A client file has a name that no other file is given. Of several who adopt one file, or have it write under another outbox, at
//!     the same time one does so; what its classes are is set by whoever has read what another set last.
//!
//! A store with transactions can do each of these in one, and touch the sessions themselves ([`EmbeddedState`]). For others a user, a
//! registration, an API key and a session are one record each, and what must be there once is a unique index ([`MongoState`]): the
//! user counts how often his sessions were ended, the registration how often its password was replaced, and a session says at which
//! count it was opened.
//!
//! The keys that sign tokens are kept as they are: who reads the store can make tokens of any user.

#[doc(hidden)]
pub mod acceptance;
mod api_keys;
mod client_files;
mod embedded;
mod failures;
mod imports;
mod mongodb;
mod operator;
mod registrations;
mod schemas;
mod sessions;
mod users;

pub use acceptance::KnownSchema;
pub use api_keys::{AddedKey, ApiKey, ApiKeys, KeyOwner};
pub use client_files::{ClientFile, ClientFiles, MAX_REGISTRY};
pub use embedded::{EmbeddedState, count_users, find_schema, list_schemas};
pub(crate) use embedded::{FILE, FORMAT, check};
pub use failures::Failures;
pub use imports::{Imported, ImportedUser, Imports};
pub use mongodb::MongoState;
pub(crate) use mongodb::copying;
pub use operator::{Conflict, ListedKey, ListedSchema, Managed, Operator};
pub use registrations::{AddedToken, OneTimeToken, Purpose, Registration, Registrations};
pub use schemas::Schemas;
pub use sessions::{Key, Secrets, Session, Sessions};
pub use users::{Identity, Linked, Provider, Revocation, User, UserKind, Users};

use crate::backend::Answer;

/// SHA-256 of a secret that is random and long.
pub type SecretHash = [u8; 32];

/// Keeps what the gateway must not forget. See the module for what it promises.
pub trait State:
    Users + Registrations + ApiKeys + Sessions + Failures + Schemas + ClientFiles + Send + Sync
{
    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;
}

//! What the application keeps about its users: rules ask for it, and clients get it with their access tokens.
//!
//! It is read where it is needed, once for a request at most, and kept nowhere: a change holds from the next request on,
//! in clients from their next access token on. Without an answer nothing is decided: whoever asks is told to come again.

mod collection;

pub use collection::{InDataSources, UserDocuments};

use serde_json::value::RawValue;

use crate::backend::Answer;
use crate::definition::Definition;
use crate::state::User;

/// Bytes of it, as Extended JSON, that go into an access token: tokens are heads of requests, which have 64 KiB.
pub const MAX_IN_TOKEN: usize = 16 * 1024;

/// Where it is read. Any thread may use it.
pub trait CustomUserData: Send + Sync {
    /// What is kept about the user, as this definition of the app has it: a document in Extended JSON. None where there is none,
    /// which is something else than one that cannot be read at present.
    fn of<'a>(&'a self, definition: &'a Definition, user: &'a User) -> Answer<'a, Option<Box<RawValue>>>;
}

/// In the state: what the operator sets, by command.
#[derive(Clone, Copy, Debug)]
pub struct InState;

impl CustomUserData for InState {
    fn of<'a>(&'a self, _: &'a Definition, user: &'a User) -> Answer<'a, Option<Box<RawValue>>> {
        Box::pin(async { Ok(user.custom_data.clone()) })
    }
}

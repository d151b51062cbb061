//! Who may come in: passwords and tokens, and how often somebody may try.

mod api_keys;
mod error;
pub mod external;
mod hashing;
mod keyring;
mod lifetimes;
mod limits;
mod names;
pub mod old_sessions;
mod passwords;
mod quota;
mod revocations;
mod secrets;
mod tokens;

pub use api_keys::{is_key_name, new_api_key};
pub use error::AuthError;
pub use hashing::Hasher;
pub use keyring::Keyring;
pub use lifetimes::Lifetimes;
pub(crate) use limits::Used;
pub use limits::{Address, Limits, LoginLimits, Site};
pub use names::check_name;
pub use passwords::Passwords;
pub(crate) use quota::Ledger;
pub use quota::Quota;
pub use revocations::Revocations;
pub use secrets::{hash_of_secret, new_secret};
pub use tokens::{Access, Refresh, Tokens, domain_of};

//! Who may come in: passwords and tokens.

mod error;
mod names;
mod passwords;
mod throttle;
mod tokens;

pub use error::AuthError;
pub use names::check_name;
pub use passwords::Passwords;
pub use throttle::Throttle;
pub use tokens::{ACCESS_LIFETIME, Access, Refresh, Tokens};

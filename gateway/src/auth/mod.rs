//! Who may come in: passwords, tokens, and the extractors that ask for them.

mod extract;
mod passwords;
mod throttle;
mod tokens;

pub use extract::{AccessToken, AppId, RefreshToken};
pub use passwords::Passwords;
pub use throttle::Throttle;
pub use tokens::{ACCESS_LIFETIME, Access, Refresh, Tokens};

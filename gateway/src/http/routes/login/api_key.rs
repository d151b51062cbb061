//! Who has an API key.

use std::time::Instant;

use serde_json::Map;

use super::{Credentials, Proven};
use crate::app::App;
use crate::auth::{Address, hash_of_secret};
use crate::gateway::Gateway;
use crate::http::account::AccountError;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::state::{Identity, KeyOwner, Provider, UserKind};

/// Finds the key. Of a server's key the server is a user of its own.
pub(super) async fn prove(
    gateway: &Gateway,
    app: &App,
    from: Address,
    credentials: Credentials,
) -> Result<Proven, Reject> {
    let key = required("key", credentials.key)?;
    gateway.limits.attempt(from, "", Instant::now())?;
    let found = app.state.api_key(hash_of_secret(&key)).await?;
    let key = found
        .filter(|key| !key.disabled)
        .ok_or(AccountError::Unauthorized)?;
    Ok(match key.owner {
        KeyOwner::User(user) => Proven::Owner { key: key.id, user },
        KeyOwner::App => {
            let identity = Identity {
                provider: Provider::ApiKey,
                id: key.id,
                data: Map::from_iter([("name".to_owned(), key.name.into())]),
            };
            Proven::Identity(identity, UserKind::Server)
        }
    })
}

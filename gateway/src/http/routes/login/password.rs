//! Who knows the password of an e-mail.

use std::time::Instant;

use serde_json::Map;

use super::{Credentials, Proven};
use crate::app::App;
use crate::auth::{Address, AuthError};
use crate::definition::{Confirmation, Definition};
use crate::gateway::Gateway;
use crate::http::account::AccountError;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::state::{Identity, Provider};

/// Checks the password. Whether there is such a user is not told, and an e-mail that is not confirmed only to who knows its
/// password. Where registering confirms an e-mail, one that was registered before that was so is confirmed now.
pub(super) async fn prove(
    gateway: &Gateway,
    app: &App,
    definition: &Definition,
    from: Address,
    credentials: Credentials,
) -> Result<Proven, Reject> {
    let email = required("username", credentials.username)?;
    let password = required("password", credentials.password)?;
    // The same name in another app is another user.
    let name = format!("{} {email}", app.domain());
    gateway.limits.attempt(from, &name, Instant::now())?;
    let (key, quota) = gateway.limits.shared_failures(from, &name);
    let debt = app.state.debt(key, quota).await?;
    if let Some(wait) = quota.wait(debt) {
        return Err(AuthError::TooManyFailures(wait).into());
    }
    let turn = gateway.passwords.turn_to_log_in(from).await?;
    // Others may have failed while this one waited.
    gateway.limits.check_failures(from, &name, Instant::now())?;
    let registration = app.state.registration(&email).await?;
    let stored = registration.as_ref().map(|found| found.password_hash.clone());
    let right = gateway.passwords.verify(turn, password, stored).await?;
    gateway.limits.record(from, &name, right, Instant::now());
    if !right {
        app.state.add_failure(key, quota).await?;
    } else if !debt.is_zero() {
        app.state.forget_failures(key).await?;
    }
    let registration = registration.filter(|_| right).ok_or(Reject::BadLogin)?;
    if !registration.confirmed {
        let settings = definition.providers.password.as_ref();
        if settings.is_none_or(|settings| settings.confirmation != Confirmation::Automatic) {
            return Err(AccountError::Unconfirmed.into());
        }
        let confirmed = app.state.confirm_registration(&email, &registration.identity);
        if !confirmed.await? {
            return Err(Reject::BadLogin);
        }
    }
    Ok(Proven::Password {
        hash: registration.password_hash,
        identity: Identity {
            provider: Provider::Password,
            id: registration.identity,
            data: Map::from_iter([("email".to_owned(), email.into())]),
        },
    })
}

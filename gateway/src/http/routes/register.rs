//! `POST app/{app}/auth/providers/local-userpass/register`. Users are confirmed at once.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::debug;

use crate::auth::{Address, Passwords, check_name};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::extract::AppOfPath;
use crate::http::reject::Reject;
use crate::ids;
use crate::state::{self, Provider};

#[derive(Deserialize)]
pub struct Names {
    provider: String,
}

#[derive(Deserialize)]
struct Registration {
    email: Option<String>,
    password: Option<String>,
}

/// Adds a registration; its first log-in makes the user.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AppOfPath(app): AppOfPath,
    ClientAddress(address): ClientAddress,
    Path(Names { provider }): Path<Names>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Reject> {
    if Provider::from_name(&provider) != Some(Provider::Password)
        || app.definition().providers.password.is_none()
    {
        return Err(Reject::UnknownProvider(provider));
    }
    let mut memory = gateway.memory.budget_of_stranger(address);
    let registration: Registration = super::json(&headers, body, &mut memory).await?;
    let missing = |name: &str| Reject::BadRequest(format!("'{name}' is a required string"));
    let email = registration
        .email
        .filter(|text| !text.is_empty())
        .ok_or_else(|| missing("email"))?;
    let password = registration.password.ok_or_else(|| missing("password"))?;
    check_name(&email)?;
    Passwords::check_length(&password)?;
    let from = Address::from(address);
    gateway.limits.new_user(from, Instant::now())?;
    // A name that is taken costs no hash; whoever asks learns that it is taken either way.
    if app.state.registration(&email).await?.is_some() {
        return Err(Reject::NameInUse);
    }
    let turn = gateway.passwords.turn_to_register(from).await?;
    let hash = gateway.passwords.hash(turn, password).await?;
    let registration = state::Registration {
        email,
        identity: ids::identity_id(),
        password_hash: hash,
        confirmed: true,
    };
    let identity = registration.identity.clone();
    if !app.state.register(registration).await? {
        return Err(Reject::NameInUse);
    }
    debug!(identity, "registered");
    Ok((StatusCode::CREATED, Json(json!({}))))
}

//! `POST app/{app}/auth/providers/{provider}/login`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::debug;

use crate::app::App;
use crate::auth::{Address, end_of_session};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::extract::AppOfPath;
use crate::http::reject::Reject;
use crate::state::{Identity, Provider, Session, UserKind};
use crate::{clock, ids};

#[derive(Deserialize)]
pub struct Names {
    provider: String,
}

/// The members that matter; `provider` and `options` say nothing that is not known already.
#[derive(Deserialize)]
struct Credentials {
    username: Option<String>,
    password: Option<String>,
}

/// Lets a user in and opens a session.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AppOfPath(app): AppOfPath,
    ClientAddress(address): ClientAddress,
    Path(Names { provider }): Path<Names>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Reject> {
    let definition = app.definition();
    let known = Provider::from_name(&provider).filter(|known| definition.providers.has(*known));
    let provider = known.ok_or(Reject::UnknownProvider(provider))?;
    if query.get("link").is_some_and(|link| link == "true") {
        return Err(Reject::NotServed(
            "linking one user's credentials to another".to_owned(),
        ));
    }
    let mut memory = gateway.memory.budget_of_stranger(address);
    let credentials: Credentials = super::json(&headers, body, &mut memory).await?;
    let from = Address::from(address);
    let identity = match provider {
        Provider::Anonymous => anonymous(&gateway, from)?,
        Provider::Password => by_password(&gateway, &app, from, credentials).await?,
        _ => return Err(Reject::UnknownProvider(provider.as_str().to_owned())),
    };
    let user = app
        .state
        .find_or_create(identity.clone(), UserKind::Normal)
        .await?;
    let now = clock::unix_seconds();
    let session = Session {
        id: ids::object_id(),
        user: user.id.clone(),
        device: ids::object_id(),
        api_key: None,
        expires: end_of_session(provider, now),
    };
    let key = app.state.open_session(session.clone()).await?;
    debug!(user = user.id, provider = provider.as_str(), "logged in");
    let tokens = app.keyring.tokens_with(key, Instant::now()).await?;
    Ok(Json(json!({
        "access_token": tokens.access(&session, user.custom_data, now)?,
        "refresh_token": tokens.refresh(&session, &identity, key, now)?,
        "user_id": user.id,
        "device_id": session.device,
    })))
}

fn anonymous(gateway: &Gateway, from: Address) -> Result<Identity, Reject> {
    gateway.limits.new_user(from, Instant::now())?;
    Ok(Identity {
        provider: Provider::Anonymous,
        id: ids::identity_id(),
        data: Map::new(),
    })
}

async fn by_password(
    gateway: &Gateway,
    app: &App,
    from: Address,
    credentials: Credentials,
) -> Result<Identity, Reject> {
    let missing = |name: &str| Reject::BadRequest(format!("'{name}' is a required string"));
    let email = credentials.username.ok_or_else(|| missing("username"))?;
    let password = credentials.password.ok_or_else(|| missing("password"))?;
    // The same name in another app is another user.
    let name = format!("{} {email}", app.domain());
    gateway.limits.attempt(from, &name, Instant::now())?;
    let turn = gateway.passwords.turn_to_log_in(from).await?;
    // Others may have failed while this one waited.
    gateway.limits.check_failures(from, &name, Instant::now())?;
    let registration = app.state.registration(&email).await?;
    let stored = registration.as_ref().map(|found| found.password_hash.clone());
    let right = gateway.passwords.verify(turn, password, stored).await?;
    gateway.limits.record(from, &name, right, Instant::now());
    let registration = registration.filter(|_| right).ok_or(Reject::BadLogin)?;
    Ok(Identity {
        provider: Provider::Password,
        id: registration.identity,
        data: Map::from_iter([("email".to_owned(), email.into())]),
    })
}

//! `POST app/{app}/auth/providers/{provider}/login`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::debug;

use crate::app::App;
use crate::auth::{Address, end_of_session};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::extract::AppOfPath;
use crate::http::reject::Reject;
use crate::state::{Provider, Session, User};
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
    let user = match provider {
        Provider::Anonymous => anonymous(&gateway, &app, from).await?,
        Provider::Password => by_password(&gateway, &app, from, credentials).await?,
    };
    let now = clock::unix_seconds();
    let session = Session {
        id: ids::object_id(),
        user: user.id.clone(),
        device: ids::object_id(),
        expires: end_of_session(provider, now),
    };
    let key = app.state.open_session(session.clone()).await?;
    debug!(user = user.id, provider = provider.as_str(), "logged in");
    let tokens = app.keyring.tokens_with(key, Instant::now()).await?;
    Ok(Json(json!({
        "access_token": tokens.access(&session, now)?,
        "refresh_token": tokens.refresh(&session, &user, key, now)?,
        "user_id": user.id,
        "device_id": session.device,
    })))
}

async fn anonymous(gateway: &Gateway, app: &App, from: Address) -> Result<User, Reject> {
    gateway.limits.new_user(from, Instant::now())?;
    let user = User {
        id: ids::object_id(),
        identity: ids::identity_id(),
        provider: Provider::Anonymous,
        email: None,
        password_hash: None,
    };
    if app.state.add_user(user.clone()).await? {
        return Ok(user);
    }
    Err(Reject::Internal("a new anonymous user was not added".to_owned()))
}

async fn by_password(
    gateway: &Gateway,
    app: &App,
    from: Address,
    credentials: Credentials,
) -> Result<User, Reject> {
    let missing = |name: &str| Reject::BadRequest(format!("'{name}' is a required string"));
    let email = credentials.username.ok_or_else(|| missing("username"))?;
    let password = credentials.password.ok_or_else(|| missing("password"))?;
    // The same name in another app is another user.
    let name = format!("{} {email}", app.domain());
    gateway.limits.attempt(from, &name, Instant::now())?;
    let turn = gateway.passwords.turn_to_log_in(from).await?;
    // Others may have failed while this one waited.
    gateway.limits.check_failures(from, &name, Instant::now())?;
    let user = app.state.user_by_email(&email).await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = gateway.passwords.verify(turn, password, stored).await?;
    gateway.limits.record(from, &name, right, Instant::now());
    user.filter(|_| right).ok_or(Reject::BadLogin)
}

//! `POST auth/session`: a new access token for a refresh token, which stays as it is.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::http::extract::RefreshToken;
use crate::http::reject::Reject;

/// Makes the token while the session lasts.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    RefreshToken(claims): RefreshToken,
) -> Result<(StatusCode, Json<Value>), Reject> {
    let session = gateway.state.session(&claims.session).await?;
    let session = session
        .filter(|session| session.user == claims.sub)
        .ok_or(Reject::NoSession)?;
    let tokens = gateway.keyring.tokens(Instant::now()).await?;
    let token = tokens.access(&session, clock::unix_seconds())?;
    Ok((StatusCode::CREATED, Json(json!({ "access_token": token }))))
}

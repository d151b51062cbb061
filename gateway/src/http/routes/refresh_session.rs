//! `POST auth/session`: a new access token for a refresh token, which stays as it is.

use std::time::Instant;

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::clock;
use crate::http::extract::RefreshToken;
use crate::http::reject::Reject;

/// Makes the token while the session lasts.
pub async fn handle(
    RefreshToken { app, user, session }: RefreshToken,
) -> Result<(StatusCode, Json<Value>), Reject> {
    let session = app.state.session(&session).await?;
    let session = session
        .filter(|session| session.user == user)
        .ok_or(Reject::NoSession)?;
    let user = app.state.user(&session.user).await?.ok_or(Reject::NoSession)?;
    let data = app.data_of_token(&user).await?;
    let tokens = app.keyring.tokens(Instant::now()).await?;
    let token = tokens.access(&session, data, clock::unix_millis())?;
    Ok((StatusCode::CREATED, Json(json!({ "access_token": token }))))
}

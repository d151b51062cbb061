//! `GET auth/profile`: what the gateway knows about the user.

use std::time::Instant;

use axum::Json;
use serde_json::{Value, json};

use crate::http::extract::AccessToken;
use crate::http::reject::Reject;

/// Answers with the user's profile.
pub async fn handle(AccessToken { app, claims }: AccessToken) -> Result<Json<Value>, Reject> {
    let user = app
        .state
        .user(&claims.sub)
        .await?
        .ok_or(Reject::BadToken("the user does not exist"))?;
    let tokens = app.keyring.tokens(Instant::now()).await?;
    let data = user
        .email
        .as_ref()
        .map_or_else(|| json!({}), |email| json!({"email": email}));
    Ok(Json(json!({
        "user_id": user.id,
        "domain_id": tokens.domain(),
        "type": "normal",
        "identities": [{
            "id": user.identity,
            "provider_type": user.provider.as_str(),
            "provider_id": tokens.provider_id(user.provider),
            "provider_data": data,
        }],
        "data": data,
        "custom_data": {},
    })))
}

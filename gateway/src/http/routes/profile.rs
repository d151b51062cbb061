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
    let custom_data = app.custom_data(&user).await?;
    let tokens = app.keyring.tokens(Instant::now()).await?;
    let identities = user.identities.iter().map(|identity| {
        json!({
            "id": identity.id,
            "provider_type": identity.provider.as_str(),
            "provider_id": tokens.provider_id(identity.provider),
            "provider_data": identity.data,
        })
    });
    Ok(Json(json!({
        "user_id": user.id,
        "domain_id": tokens.domain(),
        "type": user.kind.as_str(),
        "identities": identities.collect::<Vec<_>>(),
        "data": user.data(),
        "custom_data": custom_data.as_deref().map_or_else(|| json!({}), |data| json!(data)),
    })))
}

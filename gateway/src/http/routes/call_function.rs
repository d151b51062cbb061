//! `POST app/{app}/functions/call`: no app here has functions, and callers are told so in the known words.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;

use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::extract::AccessToken;
use crate::http::reject::Reject;

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    name: String,
}

/// Refuses.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AccessToken { claims, .. }: AccessToken,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Reject> {
    let mut memory = gateway.memory.budget(&claims.sub, from);
    let call: Call = super::json(&headers, body, &mut memory).await?;
    Err(Reject::UnknownFunction(call.name))
}

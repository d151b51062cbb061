//! `POST app/{app}/functions/call`: no app here has functions, and callers are told so in the known words.

use axum::body::Body;
use serde::Deserialize;

use crate::http::extract::{AccessToken, AppId};
use crate::http::reject::Reject;

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    name: String,
}

/// Refuses.
pub async fn handle(_: AppId, _: AccessToken, body: Body) -> Result<(), Reject> {
    let call: Call = super::json(body).await?;
    Err(Reject::UnknownFunction(call.name))
}

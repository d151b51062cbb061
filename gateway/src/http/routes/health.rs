//! `/healthz` and `/readyz`, for whoever watches over the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::http::reject::Reject;

/// The process answers.
pub async fn alive() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// Documents and users of every app can be stored: each was tried by a small write just now.
pub async fn ready(State(gateway): State<Arc<Gateway>>) -> Result<Json<Value>, Reject> {
    gateway.readiness.check(gateway.apps.probe()).await?;
    Ok(Json(json!({"status": "ready"})))
}

//! What the listener for monitoring serves; the public one serves none of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::encoding::prometheus_text;
use serde_json::{Value, json};
use tracing::error;

use super::scraped;
use crate::gateway::Gateway;

/// `/metrics` and `/healthz`.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(alive))
        .with_state(gateway)
}

/// The process answers.
async fn alive() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    match scraped::text(&gateway).await {
        Ok(text) => ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response(),
        Err(failed) => {
            error!(%failed, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

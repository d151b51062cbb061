//! `DELETE auth/session`: ends the session of a refresh token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tracing::debug;

use crate::gateway::Gateway;
use crate::http::extract::RefreshToken;
use crate::http::reject::Reject;

/// Forgets the session.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    RefreshToken(claims): RefreshToken,
) -> Result<StatusCode, Reject> {
    if !gateway.state.close_session(&claims.session).await? {
        return Err(Reject::NoSession);
    }
    debug!(user = claims.sub, "logged out");
    Ok(StatusCode::NO_CONTENT)
}

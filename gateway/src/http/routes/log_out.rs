//! `DELETE auth/session`: ends the session of a refresh token.

use axum::http::StatusCode;
use tracing::debug;

use crate::http::extract::RefreshToken;
use crate::http::reject::Reject;

/// Forgets the session.
pub async fn handle(RefreshToken { app, user, session }: RefreshToken) -> Result<StatusCode, Reject> {
    if !app.state.close_session(&session).await? {
        return Err(Reject::NoSession);
    }
    debug!(user, "logged out");
    Ok(StatusCode::NO_CONTENT)
}

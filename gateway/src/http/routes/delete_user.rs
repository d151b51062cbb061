//! `DELETE auth/delete`: a user who wants to be forgotten. His documents stay.

use axum::http::StatusCode;
use tracing::debug;

use crate::auth::old_sessions;
use crate::http::account::AccountError;
use crate::http::extract::AccessToken;
use crate::http::reject::Reject;

/// Removes the user with everything that lets him in.
pub async fn handle(AccessToken { app, claims }: AccessToken) -> Result<StatusCode, Reject> {
    if old_sessions::is_old(&claims.iss) {
        return Err(AccountError::OldSession.into());
    }
    if !app.state.remove_user(&claims.sub).await? {
        return Err(Reject::BadToken("the user does not exist"));
    }
    debug!(user = claims.sub, "removed");
    Ok(StatusCode::NO_CONTENT)
}

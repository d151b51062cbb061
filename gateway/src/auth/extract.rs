//! What handlers ask for in their signature: the app, a good access token, a good refresh token.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::tokens::{Access, Refresh};
use crate::clock;
use crate::gateway::Gateway;
use crate::reject::Reject;

/// The client app id of the path, which this gateway serves.
pub struct AppId(pub String);

/// Claims of the access token the request came with.
pub struct AccessToken(pub Access);

/// Claims of the refresh token the request came with.
pub struct RefreshToken(pub Refresh);

impl FromRequestParts<Arc<Gateway>> for AppId {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, gateway).await;
        let Path(mut names) = path.map_err(|error| Reject::BadRequest(error.to_string()))?;
        let id = names.remove("app").unwrap_or_default();
        match &gateway.settings.app_id {
            Some(served) if *served != id => Err(Reject::UnknownApp(id)),
            _ => Ok(Self(id)),
        }
    }
}

impl FromRequestParts<Arc<Gateway>> for AccessToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        gateway
            .tokens
            .check_access(bearer(parts)?, clock::unix_seconds())
            .map(Self)
    }
}

impl FromRequestParts<Arc<Gateway>> for RefreshToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        gateway
            .tokens
            .check_refresh(bearer(parts)?, clock::unix_seconds())
            .map(Self)
    }
}

fn bearer(parts: &Parts) -> Result<&str, Reject> {
    let missing = Reject::BadToken("expected Authorization header with JWT (Bearer schema)");
    let value = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        return Ok(token.trim());
    }
    Err(Reject::BadToken(
        "expected Authorization header with JWT (Bearer schema)",
    ))
}

//! What handlers ask for in their signature: the app, a good access token, a good refresh token.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, Path};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use serde::Deserialize;

use super::log::Who;
use super::reject::Reject;
use crate::auth::{Access, AuthError, Refresh};
use crate::clock;
use crate::gateway::Gateway;

/// The client app id of the path, which this gateway serves.
pub struct AppId;

/// Claims of the access token the request came with.
pub struct AccessToken(pub Access);

/// Claims of the refresh token the request came with.
pub struct RefreshToken(pub Refresh);

#[derive(Deserialize)]
struct Names {
    app: String,
}

impl FromRequestParts<Arc<Gateway>> for AppId {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let path = Path::<Names>::from_request_parts(parts, gateway).await;
        let Path(Names { app: id }) = path.map_err(|error| Reject::BadRequest(error.to_string()))?;
        let fixed = gateway.settings.app_id.as_ref();
        if is_app_id(&id) && fixed.is_none_or(|served| *served == id) {
            Ok(Self)
        } else {
            Err(Reject::UnknownApp(id))
        }
    }
}

/// Whether an app can have this client app id: letters and digits of ASCII, `-` and `_`, 1 to 64 of them.
#[must_use]
pub fn is_app_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

impl FromRequestParts<Arc<Gateway>> for AccessToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let token = bearer(parts)?;
        let tokens = gateway.keyring.tokens(Instant::now()).await?;
        let claims = tokens.check_access(token, clock::unix_seconds())?;
        tell_user(parts, &claims.sub);
        Ok(Self(claims))
    }
}

impl FromRequestParts<Arc<Gateway>> for RefreshToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let token = bearer(parts)?;
        let tokens = gateway.keyring.tokens(Instant::now()).await?;
        let claims = tokens.check_refresh(token, clock::unix_seconds())?;
        tell_user(parts, &claims.sub);
        Ok(Self(claims))
    }
}

fn tell_user(parts: &Parts, user: &str) {
    if let Some(who) = parts.extensions.get::<Who>() {
        who.is(user);
    }
}

fn bearer(parts: &Parts) -> Result<&str, AuthError> {
    let missing = AuthError::BadToken("expected Authorization header with JWT (Bearer schema)");
    let value = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        return Ok(token.trim());
    }
    Err(AuthError::BadToken(
        "expected Authorization header with JWT (Bearer schema)",
    ))
}

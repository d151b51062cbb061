//! What handlers ask for in their signature: the app, a good access token, a good refresh token.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::log::Who;
use super::reject::Reject;
use crate::app::App;
use crate::auth::{Access, Refresh, domain_of};
use crate::clock;
use crate::definition::is_app_id;
use crate::gateway::Gateway;

/// The app that the path names.
pub struct AppOfPath(pub Arc<App>);

/// The access token the request came with.
pub struct AccessToken {
    /// The app that it is for: that of the path, where that names one.
    pub app: Arc<App>,
    /// What it says.
    pub claims: Access,
}

/// The refresh token the request came with.
pub struct RefreshToken {
    /// The app that it is for: that of the path, where that names one.
    pub app: Arc<App>,
    /// What it says.
    pub claims: Refresh,
}

impl FromRequestParts<Arc<Gateway>> for AppOfPath {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let app = app_of_path(parts, gateway).await?;
        app.map(Self)
            .ok_or_else(|| Reject::Internal("this path names no app".to_owned()))
    }
}

impl FromRequestParts<Arc<Gateway>> for AccessToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let named = app_of_path(parts, gateway).await?;
        let missing = "expected Authorization header with JWT (Bearer schema)";
        let token = bearer(parts).ok_or(Reject::BadToken(missing))?;
        let app = app_of_token(token, gateway);
        let app = app.ok_or(Reject::BadToken("the access token is not valid"))?;
        let now = Instant::now();
        let tokens = app.keyring.tokens_for(token, now).await?;
        let claims = tokens.check_access(token, clock::unix_seconds())?;
        app.revocations.check(&claims, now).await??;
        if is_another(&app, named.as_ref()) {
            return Err(Reject::BadToken("the access token is for another app"));
        }
        tell_user(parts, &claims.sub);
        Ok(Self { app, claims })
    }
}

impl FromRequestParts<Arc<Gateway>> for RefreshToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let named = app_of_path(parts, gateway).await?;
        let token = bearer(parts).ok_or(Reject::NoToken)?;
        let app = app_of_token(token, gateway).ok_or(Reject::NoSession)?;
        let tokens = app.keyring.tokens_for(token, Instant::now()).await?;
        let claims = tokens.check_refresh(token, clock::unix_seconds())?;
        if is_another(&app, named.as_ref()) {
            return Err(Reject::NoSession);
        }
        tell_user(parts, &claims.sub);
        Ok(Self { app, claims })
    }
}

/// None where the path has no place for an app.
pub(super) async fn app_of_path(
    parts: &mut Parts,
    gateway: &Arc<Gateway>,
) -> Result<Option<Arc<App>>, Reject> {
    let names = RawPathParams::from_request_parts(parts, gateway).await;
    let names = names.map_err(|error| Reject::BadRequest(error.to_string()))?;
    let Some((_, id)) = names.iter().find(|(name, _)| *name == "app") else {
        return Ok(None);
    };
    let app = Some(id).filter(|id| is_app_id(id));
    let app = app.and_then(|id| gateway.apps.called(id));
    app.map(Some).ok_or_else(|| Reject::UnknownApp(id.to_owned()))
}

/// The app whose keys tell whether the token is good.
pub(super) fn app_of_token(token: &str, gateway: &Gateway) -> Option<Arc<App>> {
    gateway.apps.of_domain(&domain_of(token)?)
}

fn is_another(app: &Arc<App>, named: Option<&Arc<App>>) -> bool {
    named.is_some_and(|named| !Arc::ptr_eq(named, app))
}

fn tell_user(parts: &Parts, user: &str) {
    if let Some(who) = parts.extensions.get::<Who>() {
        who.is(user);
    }
}

pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

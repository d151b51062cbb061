//! What handlers ask for in their signature: the app, a good access token, a good refresh token.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Extensions;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tracing::warn;

use super::log::Who;
use super::origin::ClientAddress;
use super::reject::Reject;
use crate::app::App;
use crate::auth::{Access, Address, Refresh, domain_of, old_sessions};
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

/// The refresh token the request came with. Whether its session goes on is the state's affair.
pub struct RefreshToken {
    /// The app that it is for: that of the path, where that names one.
    pub app: Arc<App>,
    /// Whose it is.
    pub user: String,
    /// The id of its session.
    pub session: String,
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
        let access = access(token, named.as_ref(), gateway).await?;
        tell_user(&parts.extensions, &access.claims.sub);
        Ok(access)
    }
}

/// What a token lets its bearer do, wherever it stood in the request; the app that the path names, if one, has to be its own.
pub(crate) async fn access(
    token: &str,
    named: Option<&Arc<App>>,
    gateway: &Gateway,
) -> Result<AccessToken, Reject> {
    let app = app_of_token(token, gateway);
    let app = app.ok_or(Reject::BadToken("the access token is not valid"))?;
    let now = Instant::now();
    let tokens = app.keyring.tokens_for(token, now).await?;
    let claims = tokens.check_access(token, clock::unix_seconds())?;
    app.revocations.check(&claims, now).await??;
    if is_another(&app, named) {
        return Err(Reject::BadToken("the access token is for another app"));
    }
    Ok(AccessToken { app, claims })
}

impl FromRequestParts<Arc<Gateway>> for RefreshToken {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let named = app_of_path(parts, gateway).await?;
        let token = bearer(parts).ok_or(Reject::NoToken)?;
        let refresh = match app_of_token(token, gateway) {
            Some(app) => {
                let tokens = app.keyring.tokens_for(token, Instant::now()).await?;
                let Refresh { sub, session, .. } = tokens.check_refresh(token, clock::unix_seconds())?;
                Self {
                    app,
                    user: sub,
                    session,
                }
            }
            None => Self::of_app_services(token, parts, gateway).await?,
        };
        if is_another(&refresh.app, named.as_ref()) {
            return Err(Reject::NoSession);
        }
        tell_user(&parts.extensions, &refresh.user);
        Ok(refresh)
    }
}

impl RefreshToken {
    /// One of a session that App Services opened, if its user goes on with it here, or may begin to.
    async fn of_app_services(token: &str, parts: &Parts, gateway: &Gateway) -> Result<Self, Reject> {
        let session = old_sessions::session_of(token, clock::unix_seconds()).ok_or(Reject::NoSession)?;
        let of = |app: &Arc<App>| Self {
            app: Arc::clone(app),
            user: session.user.clone(),
            session: session.id.clone(),
        };
        for app in gateway.apps.iter() {
            if app.state.session(&session.id).await?.is_some() {
                return Ok(of(app));
            }
        }
        let until = gateway.settings.old_sessions_until;
        if until.is_none_or(|until| clock::unix_millis() >= until) {
            return Err(Reject::NoSession);
        }
        // Before anybody is looked up: it may be a guess.
        let from = parts.extensions.get::<ClientAddress>();
        let from = Address::from(from.map_or(Ipv4Addr::LOCALHOST.into(), |from| from.0));
        let now = Instant::now();
        gateway.limits.attempt(from, &session.user, now)?;
        for app in gateway.apps.iter() {
            let user = app.state.user(&session.user).await?;
            if user.is_none_or(|user| !old_sessions::was_user(user.created)) {
                continue;
            }
            let opened = app.state.open_session(session.clone(), None).await?.is_some();
            // Another request may have opened it just now.
            if opened || app.state.session(&session.id).await?.is_some() {
                let user = &session.user;
                warn!(
                    user,
                    "goes on with a session of App Services, whose token nobody can check"
                );
                return Ok(of(app));
            }
        }
        gateway.limits.record(from, &session.user, false, now);
        Err(Reject::NoSession)
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

/// Whose request it is, for its line in the log.
pub(crate) fn tell_user(extensions: &Extensions, user: &str) {
    if let Some(who) = extensions.get::<Who>() {
        who.is(user);
    }
}

pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

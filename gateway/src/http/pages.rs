//! Pages in browsers: those of the origins that an app allows may call it (CORS), others are refused. What is no page sends
//! no `Origin` and is not asked.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::reject::Reject;
use super::{REQUEST_ID, extract, guard};
use crate::app::App;
use crate::definition::Origin;
use crate::gateway::Gateway;

/// How long a browser may remember that it may ask.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

static ALLOWED: LazyLock<CorsLayer> = LazyLock::new(|| {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .max_age(REMEMBERED)
});

/// The middleware.
pub(super) async fn only_allowed(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Result<Response, Reject> {
    let Some(origin) = request.headers().get(ORIGIN) else {
        return Ok(next.run(request).await);
    };
    let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
    let (mut parts, body) = request.into_parts();
    let allowed = match app(&mut parts, &gateway).await {
        Some(app) => allows(&gateway, &app, &origin),
        // A browser that asks beforehand does not tell the token.
        None if asks_beforehand(&parts) => gateway.apps.iter().any(|app| allows(&gateway, app, &origin)),
        // It is refused for want of an app, whoever asks.
        None => true,
    };
    if !allowed {
        return Err(Reject::ForeignOrigin(origin));
    }
    let Ok(response) = ALLOWED
        .layer(next)
        .oneshot(Request::from_parts(parts, body))
        .await;
    Ok(response)
}

/// The app of the path, or of the token where the path has no place for one.
async fn app(parts: &mut Parts, gateway: &Arc<Gateway>) -> Option<Arc<App>> {
    match extract::app_of_path(parts, gateway).await {
        Ok(None) => extract::app_of_token(extract::bearer(parts)?, gateway),
        named => named.ok().flatten(),
    }
}

fn asks_beforehand(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn allows(gateway: &Gateway, app: &App, origin: &str) -> bool {
    match &app.definition().allowed_origins {
        Some(listed) => Origin::parse(origin).is_some_and(|origin| listed.contains(&origin)),
        // Whoever can run a program on this machine may also serve a page from it.
        None if gateway.settings.own_names_only => {
            let origin = origin.parse::<Uri>();
            origin.is_ok_and(|origin| {
                origin
                    .host()
                    .is_some_and(|host| guard::is_own(&gateway.settings, host))
            })
        }
        None => true,
    }
}

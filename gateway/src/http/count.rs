//! Counts each request with its answer.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::gateway::Gateway;
use crate::state::Provider;

/// The route of log-ins, as the routing table has it.
const LOGIN: &str = "/api/client/v2.0/app/{app}/auth/providers/{provider}/login";

/// The middleware.
pub(super) async fn count(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let logs_in = route == Some(LOGIN) && request.method() == Method::POST;
    let provider = logs_in.then(|| provider(request.uri().path()));
    let metrics = &gateway.metrics;
    let running = metrics.requests.begin(route);
    let response = next.run(request).await;
    let status = response.status().as_u16();
    running.answered(status);
    if let Some(provider) = provider {
        metrics.logins.answered(provider, status);
    }
    response
}

/// The last but one part of the path of a log-in.
fn provider(path: &str) -> Option<Provider> {
    Provider::from_name(path.rsplit('/').nth(1)?)
}

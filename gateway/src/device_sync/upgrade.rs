//! `GET app/{app}/realm-sync`: a connection leaves HTTP for the protocol of realm-core 14.
//!
//! The token stands in the address, as a browser's web socket has no headers to put it in. A client that is not let in comes back at
//! once, as often as it is told so, for as long as it can get another token; so it is told after a while. From version 8 on it reads that
//! from the code with which the web socket closes, before from the status of the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use axum::response::Response;
use serde::Deserialize;
use tower_http::request_id::RequestId;
use tracing::{Instrument, error_span};
use tungstenite::handshake::server::create_response_with_body;

use super::agent::Agent;
use super::client::Client;
use super::connection;
use super::version::{self, Chosen};
use crate::gateway::Gateway;
use crate::http::{AppOfPath, ClientAddress, Reject, access, tell_user};
use crate::metrics::Upgrade;
use crate::server::Successor;

/// How long a client waits for being told that its token is not good.
const DENIAL: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    baas_at: String,
}

/// Answers that the connection leaves HTTP, or why it does not.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    app: Result<AppOfPath, Reject>,
    ClientAddress(from): ClientAddress,
    request: Request,
) -> Result<Response, Reject> {
    let asked = match app {
        Ok(AppOfPath(app)) => leave(&gateway, app, from, request).await,
        Err(reject) => Err(reject),
    };
    let became = match &asked {
        Ok((_, became)) => *became,
        Err(Reject::BadToken(_)) => Upgrade::Denied,
        Err(Reject::Paused) => Upgrade::Paused,
        Err(Reject::BadRequest(_) | Reject::UnknownApp(_)) => Upgrade::Unsupported,
        Err(_) => Upgrade::Failed,
    };
    gateway.metrics.device_sync.asked(became);
    Ok(asked?.0)
}

async fn leave(
    gateway: &Arc<Gateway>,
    app: Arc<crate::App>,
    from: std::net::IpAddr,
    request: Request,
) -> Result<(Response, Upgrade), Reject> {
    let response = create_response_with_body(&request, Body::empty);
    let mut response = response.map_err(|error| Reject::BadRequest(error.to_string()))?;
    let (mut parts, _) = request.into_parts();
    let offers = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let Chosen {
        version,
        sub_protocol,
    } = version::choose(offers.filter_map(|line| line.to_str().ok()))
        .map_err(|unsupported| Reject::BadRequest(unsupported.to_string()))?;
    let spoken = HeaderValue::from_str(sub_protocol);
    let spoken = spoken.map_err(|error| Reject::BadRequest(error.to_string()))?;
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, spoken);
    app.taking_documents().ok_or(Reject::Paused)?;
    let too_many = |_| Reject::Busy("too many web sockets of one user or address are open");
    let mut place = gateway.device_sync.sockets.enter(from).map_err(too_many)?;
    let token = Query::<Token>::from_request_parts(&mut parts, gateway).await;
    let token = token.map_or_else(|_| String::new(), |Query(token)| token.baas_at);
    let claims = match access(&token, Some(&app), gateway).await {
        Ok(token) => token.claims,
        Err(Reject::BadToken(_)) if version.reads_close_codes() => {
            let denied = Successor::new(|upgraded| connection::deny(upgraded, DENIAL, place));
            response.extensions_mut().insert(denied);
            return Ok((response, Upgrade::Denied));
        }
        Err(bad @ Reject::BadToken(_)) => {
            tokio::time::sleep(DENIAL).await;
            return Err(bad);
        }
        Err(reject) => return Err(reject),
    };
    tell_user(&parts.extensions, &claims.sub);
    place.of_user(&claims.sub).map_err(too_many)?;
    let agent = parts
        .headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let agent = Agent::parse(agent.unwrap_or_default());
    let id = parts.extensions.get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    // All that is said of the connection has the id that the client has got, too.
    let span = error_span!(parent: None, "device_sync", id, client = %from, user = claims.sub);
    let client = Client::new(Arc::clone(gateway), app, claims, from, (version, agent));
    let served = Successor::new(|upgraded| connection::serve(client, upgraded, place).instrument(span));
    response.extensions_mut().insert(served);
    Ok((response, Upgrade::Connected))
}

//! `GET app/{app}/location`: where the client should go from here on.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::http::extract::AppOfPath;
use crate::http::origin::Asked;

/// Answers with the public address, or with the one the client used: it may have come through a tunnel or a mapped port.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AppOfPath(app): AppOfPath,
    Extension(asked): Extension<Asked>,
) -> Json<Value> {
    let deployment = &app.definition().deployment;
    let (hostname, ws_hostname) = if let Some(url) = &gateway.settings.public_url {
        (url.to_string(), url.web_socket())
    } else {
        let host = host_of(&asked, gateway.settings.address);
        let secure = if asked.encrypted { "s" } else { "" };
        (format!("http{secure}://{host}"), format!("ws{secure}://{host}"))
    };
    Json(json!({
        "deployment_model": deployment.model,
        "location": deployment.location,
        "hostname": hostname,
        "ws_hostname": ws_hostname,
    }))
}

/// Without a port, the one that is listened on: realm-cpp's transport leaves it out. What a proxy says is complete.
fn host_of(asked: &Asked, listening: Option<SocketAddr>) -> String {
    let Some(name) = &asked.host else {
        return listening.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
    };
    let listening = listening
        .filter(|_| !asked.by_proxy)
        .map(|address| address.port());
    let port = name.port_u16().or(listening);
    port.map_or_else(
        || name.host().to_owned(),
        |port| format!("{}:{port}", name.host()),
    )
}

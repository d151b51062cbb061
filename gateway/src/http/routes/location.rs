//! `GET app/{app}/location`: where the client should go from here on.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::http::extract::AppId;

/// Answers with the address the client used: it may have come through a tunnel or a mapped port.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    _: AppId,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Value> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let host = host_of(uri.authority(), host, gateway.settings.address);
    Json(json!({
        "deployment_model": "LOCAL",
        "location": "LOCAL",
        "hostname": format!("http://{host}"),
        "ws_hostname": format!("ws://{host}"),
    }))
}

/// realm-cpp's own transport sends a `Host` without the port, but the whole address in the request line.
fn host_of(line: Option<&Authority>, header: Option<&str>, listening: Option<SocketAddr>) -> String {
    let header = header.and_then(|text| text.parse::<Authority>().ok());
    let named = line.cloned().or(header).filter(|name| !name.host().is_empty());
    match (named, listening) {
        (Some(name), Some(address)) if name.port().is_none() => format!("{}:{}", name.host(), address.port()),
        (Some(name), _) => name.port().map_or_else(
            || name.host().to_owned(),
            |port| format!("{}:{}", name.host(), port.as_str()),
        ),
        (None, Some(address)) => address.to_string(),
        (None, None) => "127.0.0.1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn clients_are_sent_where_they_came_from() {
        let listening = Some("127.0.0.1:9090".parse().unwrap());
        let line: Authority = "10.0.0.1:80".parse().unwrap();
        for (line, header, expected) in [
            (None, Some("gateway.example:8443"), "gateway.example:8443"),
            (None, Some("localhost"), "localhost:9090"),
            (Some(&line), Some("10.0.0.1"), "10.0.0.1:80"),
            (None, Some("[::1]:5000"), "[::1]:5000"),
            (None, Some("user:secret@evil host"), "127.0.0.1:9090"),
            (None, Some("name:pass@host:1"), "host:1"),
            (None, None, "127.0.0.1:9090"),
        ] {
            assert_eq!(host_of(line, header, listening), expected);
        }
    }
}

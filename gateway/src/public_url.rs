//! The address that clients are told to go to.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// An `http` or `https` URL without a trailing slash; it may have a path, behind a proxy that adds one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl {
    url: String,
    host: String,
}

impl PublicUrl {
    /// The same for WebSockets.
    #[must_use]
    pub fn web_socket(&self) -> String {
        // http becomes ws, https becomes wss.
        self.url.replacen("http", "ws", 1)
    }

    /// Its host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("'{text}' is no URL to send clients to: {why}");
        let url: Uri = text
            .parse()
            .map_err(|_| wrong("it has to look like https://gateway.example"))?;
        let scheme = url
            .scheme_str()
            .filter(|scheme| matches!(*scheme, "http" | "https"));
        let scheme = scheme.ok_or_else(|| wrong("it has to begin with http:// or https://"))?;
        let authority = url.authority().filter(|name| !name.host().is_empty());
        let authority = authority.ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') || url.query().is_some() {
            return Err(wrong("a user or a query has no place in it"));
        }
        Ok(Self {
            url: format!("{scheme}://{authority}{}", url.path().trim_end_matches('/')),
            host: authority.host().to_owned(),
        })
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.url
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_scheme_for_web_sockets_follows() {
        for (text, url, web_socket) in [
            (
                "https://gateway.example/",
                "https://gateway.example",
                "wss://gateway.example",
            ),
            ("HTTP://[::1]:9090", "http://[::1]:9090", "ws://[::1]:9090"),
            (
                "https://example/realm/",
                "https://example/realm",
                "wss://example/realm",
            ),
        ] {
            let read: PublicUrl = text.parse().unwrap();
            assert_eq!(
                (read.to_string(), read.web_socket()),
                (url.into(), web_socket.into())
            );
        }
    }

    #[test]
    fn what_clients_cannot_go_to_is_refused() {
        for text in [
            "gateway.example",
            "ftp://gateway.example",
            "https://a:b@c",
            "https://a/?b",
            "/path",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}

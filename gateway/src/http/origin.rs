//! Where a request comes from, and by which name its sender knows this server. A proxy tells both in headers, which are
//! believed from proxies that the operator named and from nobody else.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use crate::gateway::Gateway;
use crate::proxies::TrustedProxies;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";

/// Address of the client that sent the request: of the peer, or of whom a trusted proxy speaks for. An IPv4 address is one
/// also where the socket is an IPv6 one. Any handler may ask for it; a request without a socket comes from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.extensions.get().copied();
        Ok(told.unwrap_or(Self(Ipv4Addr::LOCALHOST.into())))
    }
}

/// With a request that came by TLS.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted;

/// The scheme and the host that the client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Whether it came by TLS.
    pub encrypted: bool,
    /// None when nothing readable was named.
    pub host: Option<Authority>,
    /// The same as the request itself has it, without what a proxy says of it.
    pub named: Option<Authority>,
    /// Whether a trusted proxy passed the request on.
    pub by_proxy: bool,
}

/// The middleware: leaves a [`ClientAddress`] and an [`Asked`] with the request.
pub(super) async fn tell(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from(Ipv4Addr::LOCALHOST), |peer| {
        peer.0.ip().to_canonical()
    });
    let proxies = &gateway.settings.trusted_proxies;
    let client = client(request.headers(), peer, proxies);
    let asked = asked(&request, proxies.contains(peer));
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(asked);
    next.run(request).await
}

/// From the nearest on, the first that is no trusted proxy. What stands before it anybody could have written.
fn client(headers: &HeaderMap, peer: IpAddr, proxies: &TrustedProxies) -> ClientAddress {
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
    for hop in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        if !proxies.contains(client) {
            break;
        }
        let Some(address) = address(hop.trim()) else { break };
        client = address;
    }
    ClientAddress(client)
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// realm-cpp's own transport sends a `Host` without the port, but the whole address in the request line.
fn asked(request: &Request, by_proxy: bool) -> Asked {
    let headers = request.headers();
    let forwarded = |name: &str| last(headers, name).filter(|_| by_proxy);
    let host = |text: &str| text.parse::<Authority>().ok();
    let in_header = || headers.get(HOST).and_then(|value| host(value.to_str().ok()?));
    let named = request.uri().authority().cloned().or_else(in_header);
    let named = named.filter(|name| !name.host().is_empty());
    Asked {
        encrypted: forwarded(FORWARDED_PROTO).map_or_else(
            || request.extensions().get::<Encrypted>().is_some(),
            |scheme| scheme.eq_ignore_ascii_case("https"),
        ),
        host: forwarded(FORWARDED_HOST)
            .and_then(host)
            .filter(|name| !name.host().is_empty())
            .or_else(|| named.clone()),
        named,
        by_proxy,
    }
}

/// What the nearest proxy says, where several stand in a row.
fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let line = headers.get_all(name).into_iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn client_of(peer: &str, lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let proxies = TrustedProxies::from_iter(proxies);
        client(&headers, peer.parse().unwrap(), &proxies).0.to_string()
    }

    #[test]
    fn the_client_is_the_nearest_that_is_no_trusted_proxy() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.9"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.5, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9, 10.2.0.1"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.5", "198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9:4711"], "198.51.100.9"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::1", &["::ffff:198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9, nonsense"], "10.0.0.1"),
        ] {
            assert_eq!(client_of(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}

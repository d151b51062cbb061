//! What keeps the pages of other sites from writing here through the browsers of those who look at them.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;

use super::origin::Asked;
use super::reject::Reject;
use crate::gateway::{Gateway, Settings};

/// The middleware for what takes JSON: it has to be called that, which no page can do without being allowed to. A request
/// without a body changes nothing that a token does not protect, but for an anonymous log-in, whose answer a page cannot read.
pub(super) async fn only_json(request: Request, next: Next) -> Result<Response, Reject> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("none");
    if request.body().is_end_stream() || is_json(kind) {
        return Ok(next.run(request).await);
    }
    Err(Reject::UnsupportedMedia(format!(
        "content type '{kind}' is not served; send 'application/json'"
    )))
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// The middleware for a server of this machine alone: a page can let its own name lead here, and then reads everything as if
/// it came from there. So only names that mean this machine are served.
pub(super) async fn own_names(
    State(gateway): State<Arc<Gateway>>,
    Extension(asked): Extension<Asked>,
    request: Request,
    next: Next,
) -> Result<Response, Reject> {
    let settings = &gateway.settings;
    // A page that is led to a trusted proxy's machine may write what a proxy says, but not the name that its browser asked.
    let names =
        [asked.named, asked.host].map(|name| name.map_or_else(String::new, |name| name.host().to_owned()));
    match names.into_iter().find(|name| !is_own(settings, name)) {
        Some(foreign) if settings.own_names_only => Err(Reject::ForeignName(foreign)),
        _ => Ok(next.run(request).await),
    }
}

/// Whether the name means this machine, or is the one that the operator gave it.
pub(super) fn is_own(settings: &Settings, name: &str) -> bool {
    let public = settings.public_url.as_ref();
    is_local(name) || public.is_some_and(|url| url.host().eq_ignore_ascii_case(name))
}

fn is_local(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_several_names() {
        for name in ["localhost", "LocalHost", "127.0.0.1", "127.8.9.1", "[::1]"] {
            assert!(is_local(name), "{name}");
        }
        for name in ["", "localhost.example", "127.0.0.1.example", "10.0.2.2", "[::2]"] {
            assert!(!is_local(name), "{name}");
        }
    }

    #[test]
    fn json_may_say_its_charset() {
        assert!(is_json("application/json;charset=utf-8") && is_json("Application/JSON"));
        assert!(!is_json("text/plain") && !is_json("application/json-patch+json") && !is_json("none"));
    }
}

//! Where the server sends a request instead: what counts as such an answer, and which addresses are not followed.

use super::base_url::normalised;
use super::remote::BASE_PATH;
use crate::error::{Code, Error, Result};
use crate::transport::Response;

/// As Realm's clients: more is a loop.
pub(super) const MAX_REDIRECTS: u32 = 20;

pub(super) fn is_redirect(response: &Response) -> bool {
    matches!(response.status, 301 | 308)
}

/// The host to ask next. Servers send it bare or with the path of the request; the path is ours to add.
pub(super) fn redirect_target(from: &str, response: &Response) -> Result<String> {
    let target = response.header("location").unwrap_or_default();
    let target = target.split(BASE_PATH).next().unwrap_or_default();
    let target = normalised(target).map_err(|_| {
        Error::app(
            Code::ClientRedirectError,
            "Redirect response missing location header",
        )
    })?;
    if gives_up_tls(from, &target) {
        return Err(Error::app(
            Code::ClientRedirectError,
            format!(
                "the server at {from} redirects to {target}, which has no TLS: tokens and documents do not go there, \
                 so let the server redirect to an https address"
            ),
        ));
    }
    Ok(target)
}

/// Whether a request would leave TLS on the way from one address to the other.
pub(super) fn gives_up_tls(from: &str, to: &str) -> bool {
    let is_tls = |url: &str| {
        url.split_once("://")
            .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
    };
    is_tls(from) && !is_tls(to)
}

pub(super) fn too_many_redirects() -> Error {
    Error::app(
        Code::ClientTooManyRedirects,
        format!("number of redirections exceeded {MAX_REDIRECTS}"),
    )
}

//! The address that an application means by what it sets or leaves out.

use super::redirect::gives_up_tls;
use crate::error::{Error, Result};

/// Realm's cloud, closed since; what `base_url()` shows where nothing was set.
pub(crate) const DEFAULT_BASE_URL: &str = "https://services.cloud.mongodb.com";
/// Stands in for the closed default, so that a program which sets no address needs no edit.
pub(crate) const URL_VARIABLE: &str = "REALM_INGEST_URL";

#[derive(Clone)]
pub(crate) struct BaseUrl {
    pub(crate) url: String,
    /// Neither the application nor the environment named an address.
    pub(crate) unset: bool,
}

/// The addresses an application meant: its own, else the environment's, else the closed default. Either may be several
/// with spaces between them; those behind the first, and `further` ones, stand in for it.
///
/// # Errors
/// One has no scheme, or one that stands in for another has none of the TLS that the other has: tokens and documents would
/// go there in the open.
pub(super) fn resolve(configured: Option<&str>, further: &[String]) -> Result<(BaseUrl, Vec<BaseUrl>)> {
    let environment = || std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty());
    let named = configured.map(str::to_owned).or_else(environment);
    let mut urls = named.iter().flat_map(|urls| urls.split_whitespace());
    let base = match (&named, urls.next()) {
        (None, _) => BaseUrl {
            url: DEFAULT_BASE_URL.to_owned(),
            unset: true,
        },
        (Some(_), first) => BaseUrl {
            url: normalised(first.unwrap_or_default())?,
            unset: false,
        },
    };
    let others = urls.chain(further.iter().map(String::as_str));
    let fallbacks = others.map(|url| fallback(&base, url)).collect::<Result<_>>()?;
    Ok((base, fallbacks))
}

/// The first address of what an application named, as [`BaseUrl::url`] has it.
pub(super) fn first(urls: &str) -> &str {
    let first = urls.split_whitespace().next().unwrap_or_default();
    first.strip_suffix('/').unwrap_or(first)
}

fn fallback(base: &BaseUrl, url: &str) -> Result<BaseUrl> {
    let url = normalised(url)?;
    if gives_up_tls(&base.url, &url) {
        return Err(Error::InvalidArgument(format!(
            "the fall-back address {url} has no TLS, which {} has: name an https address",
            base.url
        )));
    }
    Ok(BaseUrl { url, unset: false })
}

/// The address without a slash behind it.
///
/// # Errors
/// It has no scheme.
pub(super) fn normalised(url: &str) -> Result<String> {
    let trimmed = url.strip_suffix('/').unwrap_or(url);
    match trimmed.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(trimmed.to_owned()),
        _ => Err(Error::InvalidArgument(format!("URL missing scheme: {url}"))),
    }
}

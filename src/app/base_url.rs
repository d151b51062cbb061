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

impl BaseUrl {
    /// The address an application meant: its own, else the environment's, else the closed default.
    pub(crate) fn resolve(configured: Option<&str>) -> Result<BaseUrl> {
        let environment = || std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty());
        match configured.map(str::to_owned).or_else(environment) {
            Some(url) => Ok(BaseUrl {
                url: normalised(&url)?,
                unset: false,
            }),
            None => Ok(BaseUrl {
                url: DEFAULT_BASE_URL.to_owned(),
                unset: true,
            }),
        }
    }
}

/// The addresses that stand in for `base`.
///
/// # Errors
/// One has no scheme, or none of the TLS that `base` has: tokens and documents would go there in the open.
pub(super) fn fallbacks(base: &BaseUrl, urls: &[String]) -> Result<Vec<BaseUrl>> {
    let fallback = |url: &String| {
        let url = normalised(url)?;
        if gives_up_tls(&base.url, &url) {
            return Err(Error::InvalidArgument(format!(
                "the fall-back address {url} has no TLS, which {} has: name an https address",
                base.url
            )));
        }
        Ok(BaseUrl { url, unset: false })
    };
    urls.iter().map(fallback).collect()
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

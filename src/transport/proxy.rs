//! The proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, and NO_PROXY for hosts that are asked
//! directly, each also in lower case. reqwest reads them too, but takes NO_PROXY's `*` for names alone and knows no
//! address in brackets.

use reqwest::{NoProxy, Proxy};

/// What the variables say; `read` gives the value of one. Values that are no addresses are left out with a warning.
pub(super) fn of_environment(read: impl Fn(&str) -> Option<String>) -> Vec<Proxy> {
    let read = |name: &str| {
        let set = |name: &str| read(name).filter(|value| !value.is_empty());
        set(name).or_else(|| set(&name.to_lowercase()))
    };
    let direct = read("NO_PROXY").and_then(|list| NoProxy::from_string(&addresses_too(&list)));
    let proxy = |name: &str, make: fn(String) -> reqwest::Result<Proxy>| {
        let proxy = make(read(name)?);
        // The value may hold a password.
        let usable = proxy.inspect_err(|_| {
            log::warn!(target: "ingest::transport", "the variable {name} names no proxy and is not used");
        });
        Some(usable.ok()?.no_proxy(direct.clone()))
    };
    // To a CGI program HTTP_PROXY is a header that a client sent.
    let http = if read("REQUEST_METHOD").is_none() {
        proxy("HTTP_PROXY", Proxy::http)
    } else {
        None
    };
    let others = [proxy("HTTPS_PROXY", Proxy::https), proxy("ALL_PROXY", Proxy::all)];
    http.into_iter().chain(others.into_iter().flatten()).collect()
}

/// The list with what reqwest does not understand put in words that it does.
fn addresses_too(list: &str) -> String {
    let entries = list.split(',').map(str::trim).map(|entry| match entry {
        "*" => "*,0.0.0.0/0,::/0",
        _ => entry
            .strip_prefix('[')
            .and_then(|entry| entry.strip_suffix(']'))
            .unwrap_or(entry),
    });
    entries.collect::<Vec<_>>().join(",")
}

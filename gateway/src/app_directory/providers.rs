//! `auth/providers.json`: how users may log in.

use super::functions::{self, Functions};
use super::json::Object;
use super::reading::Reading;
use super::{external, password};
use crate::definition::Providers;

const FILE: &str = "auth/providers.json";

pub(super) fn read(reading: &Reading<'_>, functions: &Functions) -> Providers {
    let mut providers = Providers::default();
    let Some(document) = reading.document(FILE) else {
        if !reading.files.has(FILE) {
            reading.refuse(FILE, "is missing, so nobody can log in");
        }
        return providers;
    };
    let Some(all) = document.root().object() else {
        return providers;
    };
    let mut on = Vec::new();
    for (name, node) in all.all() {
        let Some(provider) = node.object() else { continue };
        if is_on(name, &provider) {
            on.push(name);
            read_one(reading, name, &provider, functions, &mut providers);
        }
    }
    if providers.any() {
        reading.honoured(FILE, format!("log-in by {}", on.join(", ")));
    } else if on.is_empty() {
        reading.refuse(FILE, "no provider is enabled, so nobody can log in");
    }
    providers
}

/// Checks what all providers have, and whether this one is to be served.
fn is_on(name: &str, provider: &Object<'_>) -> bool {
    for key in ["name", "type"] {
        if let Some(node) = provider.get(key)
            && node.string().is_some_and(|text| text != name)
        {
            node.expected(&format!("\"{name}\""));
        }
    }
    provider.ignore(&["id", "_id", "redirect_uris"]);
    !provider.flag("disabled")
}

fn read_one(
    reading: &Reading<'_>,
    name: &str,
    provider: &Object<'_>,
    functions: &Functions,
    providers: &mut Providers,
) {
    match name {
        "anon-user" => {
            providers.anonymous = true;
            needs_nothing(provider);
        }
        "api-key" => {
            providers.api_key = true;
            needs_nothing(provider);
        }
        "local-userpass" => providers.password = Some(password::read(provider, functions)),
        "custom-token" => providers.custom_token = external::custom_token(reading, provider),
        "custom-function" => providers.custom_function = custom_function(provider, functions),
        "oauth2-google" => providers.google = external::open_id(reading, provider, &external::GOOGLE),
        "oauth2-apple" => providers.apple = external::open_id(reading, provider, &external::APPLE),
        "oauth2-facebook" => providers.facebook = external::open_id(reading, provider, &external::FACEBOOK),
        _ => {
            return provider
                .node
                .refuse("is no provider; remove it, or write its name right");
        }
    }
    provider.finish();
}

fn needs_nothing(provider: &Object<'_>) {
    for key in ["config", "secret_config", "metadata_fields"] {
        provider.unserved(key, "has no meaning for this provider");
    }
}

fn custom_function(provider: &Object<'_>, functions: &Functions) -> Option<String> {
    let config = provider.required("config")?.object()?;
    let node = config.required("authFunctionName")?;
    config.ignore(&["authFunctionId"]);
    config.finish();
    node.warn("functions are not run by this version, so nobody can log in by one");
    functions::named(&node, functions)
}

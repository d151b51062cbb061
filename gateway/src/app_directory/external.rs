//! `custom-token` and the OAuth providers: tokens that others sign.

use super::json::{Node, Object};
use super::reading::Reading;
use crate::definition::{Algorithm, CustomToken, JwkSource, MetadataField, OpenId, TokenKeys};

/// Keys that a provider may have.
const MAX_KEYS: usize = 3;
/// Characters of the name of a field of the user's data.
const MAX_FIELD_NAME: usize = 63;

/// A vendor's own names and keys, which hold where the configuration has none.
pub(super) struct Vendor {
    issuers: &'static [&'static str],
    keys: &'static str,
}

pub(super) const GOOGLE: Vendor = Vendor {
    issuers: &["https://accounts.google.com", "accounts.google.com"],
    keys: "https://www.googleapis.com/oauth2/v3/certs",
};
pub(super) const APPLE: Vendor = Vendor {
    issuers: &["https://appleid.apple.com"],
    keys: "https://appleid.apple.com/auth/keys",
};
pub(super) const FACEBOOK: Vendor = Vendor {
    issuers: &[
        "https://www.facebook.com",
        "https://facebook.com",
        "https://limited.facebook.com",
    ],
    keys: "https://limited.facebook.com/.well-known/oauth/openid/jwks/",
};

pub(super) fn custom_token(reading: &Reading<'_>, provider: &Object<'_>) -> Option<CustomToken> {
    let config = provider.required("config")?.object()?;
    let audience = config.get("audience").map(|node| one_or_more(&node));
    let any_audience = config
        .get("requireAnyAudience")
        .is_some_and(|node| flag_or_text(&node));
    let keys = token_keys(reading, provider, &config);
    config.finish();
    let metadata = provider.get("metadata_fields").and_then(|node| node.list());
    let metadata = metadata.unwrap_or_default();
    Some(CustomToken {
        audience: audience.unwrap_or_default(),
        any_audience,
        metadata: metadata.iter().filter_map(metadata_field).collect(),
        keys: keys?,
    })
}

fn token_keys(reading: &Reading<'_>, provider: &Object<'_>, config: &Object<'_>) -> Option<TokenKeys> {
    let by_set = config.flag("useJWKURI");
    let algorithm = config.get("signingAlgorithm");
    let (in_clear, set) = (config.get("signingKey"), config.get("jwkURI"));
    let secrets = provider
        .get("secret_config")
        .and_then(|node| node.hidden().object());
    if by_set {
        if set.is_none() {
            config.node.refuse("'jwkURI' is missing");
        }
        return Some(TokenKeys::Set(jwk_source(reading, &set?)?));
    }
    let algorithm = algorithm.map_or(Some(Algorithm::Hs256), |node| {
        let found = match node.string()? {
            "HS256" | "" => Algorithm::Hs256,
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => {
                node.expected("one of \"HS256\", \"RS256\", \"ES256\"");
                return None;
            }
        };
        Some(found)
    });
    let mut keys = Vec::new();
    if let Some(key) = in_clear.and_then(|node| node.hidden().string().filter(|key| !key.is_empty())) {
        keys.push(crate::definition::Secret::new(key));
    }
    if let Some(secrets) = secrets {
        let names = secrets.get("signingKeys").and_then(|node| node.list());
        for node in names.unwrap_or_default() {
            let name = node.string()?;
            match reading.secret(name, "custom-token", "signingKeys") {
                Some(secret) => keys.push(secret),
                // What stands here may be the key itself, put in the wrong place.
                None => node.refuse(
                    "names a secret that is not there; put it into the file of --secrets or the environment",
                ),
            }
        }
        secrets.finish();
    }
    if keys.len() > MAX_KEYS {
        provider
            .node
            .refuse(format!("has {} keys, expected up to {MAX_KEYS}", keys.len()));
    }
    if keys.is_empty() {
        provider
            .node
            .refuse("no key to verify tokens with; expected 'signingKeys' in 'secret_config', or 'jwkURI'");
    }
    Some(TokenKeys::Fixed(algorithm?, keys))
}

pub(super) fn open_id(reading: &Reading<'_>, provider: &Object<'_>, vendor: &Vendor) -> Option<OpenId> {
    let config = provider.required("config")?.object()?;
    let audience = config.text("clientId");
    let issuers = config.get("issuer").map(|node| one_or_more(&node));
    let keys = config.get("jwkURI").map(|node| jwk_source(reading, &node));
    // An authorisation code would have to be exchanged with the vendor.
    if config
        .get("openId")
        .is_some_and(|node| node.flag() == Some(false))
    {
        config
            .node
            .warn("'openId' is off, but id tokens are what is served");
    }
    config.finish();
    provider.ignore(&["secret_config"]);
    provider.unserved("domain_restrictions", "is not checked");
    provider.unserved("metadata_fields", "names are those of the id token's claims");
    let issuers = issuers.unwrap_or_else(|| vendor.issuers.iter().map(|&name| name.to_owned()).collect());
    Some(OpenId {
        audience: audience?.to_owned(),
        issuers,
        keys: keys.unwrap_or_else(|| Some(JwkSource::Url(vendor.keys.to_owned())))?,
    })
}

/// A file of the directory, or an address.
fn jwk_source(reading: &Reading<'_>, node: &Node<'_>) -> Option<JwkSource> {
    let text = node.string()?;
    if text.contains("://") {
        return Some(JwkSource::Url(text.to_owned()));
    }
    if !reading.files.has(text) {
        node.expected("an https URL, or a file of the directory");
        return None;
    }
    reading.files.ask(text);
    Some(JwkSource::File(reading.files.root().join(text)))
}

fn one_or_more(node: &Node<'_>) -> Vec<String> {
    let list = match node.value.as_str() {
        Some("") => Vec::new(),
        Some(one) => vec![one],
        None => node.strings().unwrap_or_default(),
    };
    list.into_iter().map(str::to_owned).collect()
}

/// Some exports have it as text.
fn flag_or_text(node: &Node<'_>) -> bool {
    match node.value.as_str() {
        Some("true") => true,
        Some("false" | "") => false,
        _ => node.flag().unwrap_or_default(),
    }
}

fn metadata_field(node: &Node<'_>) -> Option<MetadataField> {
    let object = node.object()?;
    let path = path(object.text("name")?);
    let required = object.flag("required");
    let name = object.get("field_name");
    object.finish();
    if let Some(node) = &name
        && node.string()?.chars().count() > MAX_FIELD_NAME
    {
        node.expected(&format!("up to {MAX_FIELD_NAME} characters"));
    }
    let name = name
        .and_then(|node| node.string())
        .filter(|name| !name.is_empty());
    Some(MetadataField {
        name: name.map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned),
        path,
        required,
    })
}

/// The names parted by dots; `\.` is a dot in a name.
fn path(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped = char == '\\' && chars.peek() == Some(&'.');
        if char == '.' {
            names.push(String::new());
        } else if let Some(last) = names.last_mut() {
            last.push(if escaped {
                chars.next().unwrap_or('.')
            } else {
                char
            });
        }
    }
    names
}

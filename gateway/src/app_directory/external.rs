//! `custom-token` and the OAuth providers: tokens that others sign.

use super::json::{Node, Object};
use super::reading::Reading;
use crate::auth::external::{
    Algorithm, Domain, FieldError, KeySource, Location, MetadataField, Rules, TokenConfig, VerificationKey,
    parse_key_set,
};
use crate::definition::Secret;

/// Keys that a provider may have.
const MAX_KEYS: usize = 3;

/// A vendor's own names and keys, which hold where the configuration has none.
pub(super) struct Vendor {
    issuers: &'static [&'static str],
    keys: &'static str,
    /// Whether its tokens say of an e-mail that it is the user's.
    verifies: bool,
}

pub(super) const GOOGLE: Vendor = Vendor {
    issuers: &["https://accounts.google.com", "accounts.google.com"],
    keys: "https://www.googleapis.com/oauth2/v3/certs",
    verifies: true,
};
pub(super) const APPLE: Vendor = Vendor {
    issuers: &["https://appleid.apple.com"],
    keys: "https://appleid.apple.com/auth/keys",
    verifies: true,
};
pub(super) const FACEBOOK: Vendor = Vendor {
    issuers: &[
        "https://www.facebook.com",
        "https://facebook.com",
        "https://limited.facebook.com",
    ],
    keys: "https://limited.facebook.com/.well-known/oauth/openid/jwks/",
    verifies: false,
};

pub(super) fn custom_token(reading: &Reading<'_>, provider: &Object<'_>) -> Option<TokenConfig> {
    let config = provider.required("config")?.object()?;
    let audience = config.get("audience").map(|node| one_or_more(&node));
    let any_audience = config
        .get("requireAnyAudience")
        .is_some_and(|node| flag_or_text(&node));
    let keys = token_keys(reading, provider, &config);
    config.finish();
    let rules = Rules {
        audience: audience.unwrap_or_default(),
        any_audience,
        issuers: Vec::new(),
        domains: Vec::new(),
    };
    provider.unserved("domain_restrictions", "has no meaning for this provider");
    Some(TokenConfig {
        rules,
        metadata: metadata(provider, |path, name, required| {
            MetadataField::new(path, name, required)
        }),
        keys: keys?,
    })
}

fn token_keys(reading: &Reading<'_>, provider: &Object<'_>, config: &Object<'_>) -> Option<KeySource> {
    if config.flag("useJWKURI") {
        config.ignore(&["signingAlgorithm", "signingKey"]);
        provider.ignore(&["secret_config"]);
        if config.get("jwkURI").is_none() {
            config.node.refuse("'jwkURI' is missing");
        }
        return location(reading, config).map(KeySource::Set);
    }
    config.ignore(&["jwkURI", "jwkAllowPrivateNetwork"]);
    let (algorithm, in_clear) = (algorithm(config), config.get("signingKey"));
    let secrets = provider
        .get("secret_config")
        .and_then(|node| node.hidden().object());
    let algorithm = algorithm?;
    let mut texts = Vec::new();
    if let Some(node) = in_clear.map(Node::hidden)
        && let Some(key) = node.string().filter(|key| !key.is_empty())
    {
        texts.push((node, Secret::new(key)));
    }
    if let Some(secrets) = secrets {
        let names = secrets.get("signingKeys").and_then(|node| node.list());
        for node in names.unwrap_or_default() {
            let name = node.string()?;
            match reading.secret(name, "custom-token", "signingKeys") {
                Some(secret) => texts.push((node, secret)),
                // What stands here may be the key itself, put in the wrong place.
                None => node.refuse(
                    "names a secret that is not there; put it into the file of --secrets or the environment",
                ),
            }
        }
        secrets.finish();
    }
    if texts.len() > MAX_KEYS {
        provider
            .node
            .refuse(format!("has {} keys, expected up to {MAX_KEYS}", texts.len()));
    }
    if texts.is_empty() {
        provider
            .node
            .refuse("no key to verify tokens with; expected 'signingKeys' in 'secret_config', or 'jwkURI'");
    }
    let keys = texts.into_iter().filter_map(|(node, text)| {
        let key = VerificationKey::from_text(algorithm, text.expose());
        key.map_err(|error| node.refuse(format!("is no key to verify tokens with: {error}")))
            .ok()
    });
    Some(KeySource::Keys(keys.collect()))
}

fn algorithm(config: &Object<'_>) -> Option<Algorithm> {
    let Some(node) = config.get("signingAlgorithm") else {
        return Some(Algorithm::Hs256);
    };
    match node.string()? {
        "" => Some(Algorithm::Hs256),
        name => {
            let found = Algorithm::from_name(name);
            if found.is_none() {
                node.expected("one of \"HS256\", \"RS256\", \"ES256\"");
            }
            found
        }
    }
}

pub(super) fn open_id(reading: &Reading<'_>, provider: &Object<'_>, vendor: &Vendor) -> Option<TokenConfig> {
    let config = provider.required("config")?.object()?;
    let audience = config.text("clientId");
    let issuers = config.get("issuer").map(|node| one_or_more(&node));
    let keys = match config.get("jwkURI") {
        Some(_) => location(reading, &config),
        None => Location::parse(vendor.keys, reading.files.root(), false).ok(),
    };
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
    let domains = domains(provider, vendor);
    let issuers = issuers.unwrap_or_else(|| vendor.issuers.iter().map(|&name| name.to_owned()).collect());
    Some(TokenConfig {
        metadata: metadata(provider, |name, alias, required| {
            MetadataField::new(claim(name), alias.or(Some(name)), required)
        }),
        rules: Rules {
            audience: vec![audience?.to_owned()],
            any_audience: false,
            issuers,
            domains,
        },
        keys: KeySource::Set(keys?),
    })
}

/// The domains whose users are let in; none stands for all.
fn domains(provider: &Object<'_>, vendor: &Vendor) -> Vec<Domain> {
    let Some(node) = provider.saying("domain_restrictions") else {
        return Vec::new();
    };
    if !vendor.verifies {
        node.warn(
            "lets nobody in, as tokens of this provider do not say of any e-mail that it is the user's",
        );
    }
    let read = |node: &Node<'_>| {
        let domain = Domain::parse(node.string()?);
        if domain.is_none() {
            node.expected("a domain such as \"example.com\"");
        }
        domain
    };
    node.list().unwrap_or_default().iter().filter_map(read).collect()
}

/// The claim of OpenID Connect that App Services called by this name.
fn claim(name: &str) -> &str {
    match name {
        "first_name" => "given_name",
        "last_name" => "family_name",
        "birthday" => "birthdate",
        "picture_url" => "picture",
        same => same,
    }
}

/// Where `jwkURI` says: a file of the directory, or an address.
fn location(reading: &Reading<'_>, config: &Object<'_>) -> Option<Location> {
    let private = config.flag("jwkAllowPrivateNetwork");
    let node = config.get("jwkURI")?;
    let text = node.string().filter(|text| !text.is_empty())?;
    let location = Location::parse(text, reading.files.root(), private);
    let location = location.map_err(|error| node.refuse(error.to_string())).ok()?;
    if let Location::File(_) = location {
        if !reading.files.has(text) {
            node.expected("an https URL, or a file of the directory");
            return None;
        }
        if let Err(error) = parse_key_set(reading.text(text)?.as_bytes()) {
            node.refuse(format!("names a file that cannot be used: {error}"));
        }
    }
    Some(location)
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

/// The fields that become data of the user, each made of its claim, its name if it has one, and whether it is required.
fn metadata(
    provider: &Object<'_>,
    make: impl Fn(&str, Option<&str>, bool) -> Result<MetadataField, FieldError>,
) -> Vec<MetadataField> {
    let nodes = provider.get("metadata_fields").and_then(|node| node.list());
    let read = |node: &Node<'_>| {
        let object = node.object()?;
        let (path, required) = (object.text("name"), object.flag("required"));
        let name = object.string("field_name").filter(|name| !name.is_empty());
        object.finish();
        let field = make(path?, name, required);
        field.map_err(|error| node.refuse(error.to_string())).ok()
    };
    nodes.unwrap_or_default().iter().filter_map(read).collect()
}

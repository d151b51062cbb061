//! A token is taken if the app's key has signed it, it is of the right kind and app, and its time has not come.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest_gateway::auth::{Lifetimes, Tokens};
use realm_ingest_gateway::state::{Key, Secrets};
use serde_json::Value;
use sha2::{Digest, Sha256};

const DOMAIN: &str = "65a000000000000000000001";
const KEY: [u8; 32] = [7; 32];

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

pub(crate) fn run(data: &[u8]) {
    let secrets = Secrets {
        domain: DOMAIN.to_owned(),
        keys: vec![Key {
            id: 1,
            secret: KEY.to_vec(),
        }],
    };
    let tokens = Tokens::new(&secrets, Lifetimes::default());
    // As it comes, nobody has signed it.
    if let Ok(token) = str::from_utf8(data) {
        assert!(tokens.check_access(token, NOW).is_err() && tokens.check_refresh(token, NOW).is_err());
    }
    let signed = |header: &str, key| {
        let parts = [header.as_bytes(), data]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        format!("{parts}.{}", URL_SAFE_NO_PAD.encode(hmac(key, parts.as_bytes())))
    };
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    // What is not UTF-8 may stand in members that nobody reads.
    let claims: Value = serde_json::from_str(&String::from_utf8_lossy(data)).unwrap_or_default();
    let good = |kind: &str| {
        claims["typ"] == kind
            && claims["baas_domain_id"] == DOMAIN
            && claims["exp"].as_i64().is_some_and(|end| end > NOW)
    };
    let token = signed(header, KEY);
    if let Ok(access) = tokens.check_access(&token, NOW) {
        assert!(good("access") && claims["sub"] == access.sub && claims["iss"] == access.iss);
    }
    if let Ok(refresh) = tokens.check_refresh(&token, NOW) {
        assert!(good("refresh") && claims["sub"] == refresh.sub && claims["baas_id"] == refresh.session);
    }
    for other in [
        signed(header, [8; 32]),
        signed(r#"{"alg":"none"}"#, KEY),
        signed(r#"{"alg":"HS256","kid":"2"}"#, KEY),
        signed(r#"{"alg":"HS512"}"#, KEY),
        token.split_inclusive('.').take(2).collect(),
    ] {
        assert!(tokens.check_access(&other, NOW).is_err() && tokens.check_refresh(&other, NOW).is_err());
    }
}

/// HMAC-SHA-256 with a key of 32 bytes.
pub(crate) fn hmac(key: [u8; 32], message: &[u8]) -> [u8; 32] {
    let block = |fill: u8| {
        let mut block = [fill; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new()
        .chain_update(block(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(block(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

//! A token that somebody else signed is taken if a configured key has signed it, and for what every reader finds in it.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest_gateway::auth::external::{
    Algorithm, KeySets, KeySource, MetadataField, Person, Rules, Token, TokenConfig, VerificationKey,
};
use serde_json::Value;

use crate::token::hmac;

const APP: &str = "weather-abcde";
const KEY: &str = "a-secret-that-has-32-characters!";

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

pub(crate) fn run(data: &[u8]) {
    let config = TokenConfig {
        keys: KeySource::Keys([VerificationKey::from_text(Algorithm::Hs256, KEY).unwrap()].into()),
        rules: Rules::default(),
        metadata: vec![MetadataField::new("address.city", None, false).unwrap()],
    };
    if let Ok(token) = str::from_utf8(data) {
        assert_eq!(check(&config, token), None, "nobody has signed it");
    }
    let parts = [br#"{"alg":"HS256"}"#, data]
        .map(|part: &[u8]| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let key = KEY.as_bytes().try_into().unwrap();
    let token = format!("{parts}.{}", URL_SAFE_NO_PAD.encode(hmac(key, parts.as_bytes())));
    let Some(person) = check(&config, &token) else {
        return;
    };
    let claims: Value = serde_json::from_slice(data).unwrap();
    assert_eq!(claims["sub"], *person.subject);
    assert!(claims["exp"].as_f64().unwrap() > NOW as f64);
    let audience = claims["aud"].as_array();
    assert!(claims["aud"] == APP || audience.unwrap().iter().any(|name| name == APP));
    assert_eq!(
        person.data.get("city").unwrap_or(&Value::Null),
        &claims["address"]["city"]
    );
}

fn check(config: &TokenConfig, token: &str) -> Option<Person> {
    let token = Token::parse(token.to_owned()).ok()?;
    let sets = KeySets::default();
    let candidates = now_or_never(config.candidates(&token, &sets, Instant::now()))?.ok()?;
    config.check(&token, &candidates, Some(APP), NOW).ok()
}

/// Keys that are configured are there at once.
fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

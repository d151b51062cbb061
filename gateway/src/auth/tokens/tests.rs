//! Tokens of several keys, moments and apps.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use base64::Engine as _;
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000;

/// With these keys, each of which is made of its number.
fn ring(domain: &str, keys: &[u8]) -> Tokens {
    let keys = keys.iter().map(|number| Key {
        id: (*number).into(),
        secret: vec![*number; 32],
    });
    let secrets = Secrets {
        domain: domain.repeat(24),
        keys: keys.collect(),
    };
    Tokens::new(&secrets, Lifetimes::default())
}

fn tokens() -> Tokens {
    ring("d", &[1])
}

fn session(provider: Provider) -> Session {
    Session {
        expires: Lifetimes::default().end_of_session(provider, NOW),
        id: "s".repeat(24),
        user: "u".repeat(24),
        device: "e".repeat(24),
        api_key: None,
    }
}

fn identity(provider: Provider) -> state::Identity {
    state::Identity {
        provider,
        id: "i".repeat(24),
        data: serde_json::Map::new(),
    }
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(part)
            .unwrap(),
    )
    .unwrap()
}

#[test]
fn a_token_of_a_clock_that_was_ahead_is_not_good_before_its_time() {
    let tokens = tokens();
    let made = |ahead: i64| {
        let made = tokens.access(&session(Provider::Password), None, (NOW + ahead) * 1000);
        made.unwrap()
    };
    assert!(tokens.check_access(&made(60), NOW).is_ok(), "clocks differ");
    let hour = 60 * 60;
    assert!(tokens.check_access(&made(hour), NOW).is_err());
    assert!(tokens.check_access(&made(hour), NOW + hour).is_ok());
}

#[test]
fn access_tokens_carry_the_documented_claims() {
    let token = tokens()
        .access(&session(Provider::Password), None, NOW * 1000)
        .unwrap();
    assert_eq!(part(&token, 0), json!({"typ": "JWT", "alg": "HS256", "kid": "1"}));
    let (device, domain) = ("e".repeat(24), "d".repeat(24));
    assert_eq!(
        part(&token, 1),
        json!({
            "sub": "u".repeat(24), "iss": "s".repeat(24), "iat": NOW, "iat_ms": NOW * 1000, "exp": NOW + 1800, "typ": "access",
            "baas_device_id": device, "stitch_devId": device, "baas_domain_id": domain, "stitch_domainId": domain,
        })
    );
    assert!(part(&token, 1)["exp"].is_i64() || part(&token, 1)["exp"].is_u64());
}

#[test]
fn refresh_tokens_carry_the_documented_claims() {
    let token = tokens()
        .refresh(
            &session(Provider::Password),
            &identity(Provider::Password),
            1,
            NOW,
        )
        .unwrap();
    let claims = part(&token, 1);
    assert_eq!(claims["exp"], NOW + 60 * 24 * 3600);
    assert_eq!(claims["typ"], "refresh");
    assert_eq!(
        (&claims["baas_id"], &claims["stitch_id"]),
        (&json!("s".repeat(24)), &json!("s".repeat(24)))
    );
    assert_eq!(claims["baas_identity"]["provider_type"], "local-userpass");
    assert_eq!(claims["stitch_ident"]["id"], "i".repeat(24));
    assert!(claims["baas_data"].is_null() && claims["stitch_data"].is_null());
    let anonymous = tokens()
        .refresh(
            &session(Provider::Anonymous),
            &identity(Provider::Anonymous),
            1,
            NOW,
        )
        .unwrap();
    assert!(part(&anonymous, 1)["exp"].as_i64().unwrap() > NOW + 49 * 365 * 24 * 3600);
}

#[test]
fn a_token_is_good_until_it_expires() {
    let tokens = tokens();
    let access = tokens
        .access(&session(Provider::Password), None, NOW * 1000)
        .unwrap();
    assert_eq!(
        tokens.check_access(&access, NOW + 1799).unwrap().sub,
        "u".repeat(24)
    );
    let expired = tokens.check_access(&access, NOW + 1800);
    assert!(matches!(
        expired,
        Err(AuthError::BadToken("the access token has expired"))
    ));
    let refresh = tokens
        .refresh(
            &session(Provider::Password),
            &identity(Provider::Password),
            1,
            NOW,
        )
        .unwrap();
    assert_eq!(
        tokens.check_refresh(&refresh, NOW).unwrap().session,
        "s".repeat(24)
    );
    assert!(matches!(
        tokens.check_refresh(&refresh, NOW + 61 * 24 * 3600),
        Err(AuthError::NoSession)
    ));
}

#[test]
fn other_tokens_are_refused() {
    let tokens = tokens();
    let access = tokens
        .access(&session(Provider::Password), None, NOW * 1000)
        .unwrap();
    let refresh = tokens
        .refresh(
            &session(Provider::Password),
            &identity(Provider::Password),
            1,
            NOW,
        )
        .unwrap();
    assert!(matches!(
        tokens.check_refresh(&access, NOW),
        Err(AuthError::NotARefreshToken)
    ));
    assert!(tokens.check_access(&refresh, NOW).is_err());
    let key = ring("d", &[2]);
    assert!(
        tokens
            .check_access(
                &key.access(&session(Provider::Password), None, NOW * 1000)
                    .unwrap(),
                NOW
            )
            .is_err()
    );
    let domain = ring("f", &[1]);
    let foreign = tokens.check_access(
        &domain
            .access(&session(Provider::Password), None, NOW * 1000)
            .unwrap(),
        NOW,
    );
    assert!(matches!(
        foreign,
        Err(AuthError::BadToken("the access token is for another app"))
    ));
    let unsigned = format!(
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.",
        access.split('.').nth(1).unwrap()
    );
    for bad in ["", "a.b.c", &access[..access.len() - 2], &unsigned] {
        assert!(tokens.check_access(bad, NOW).is_err());
        assert!(tokens.check_refresh(bad, NOW).is_err());
    }
}

#[test]
fn the_newest_key_signs_and_each_token_is_checked_with_its_own() {
    let (session, identity) = (session(Provider::Password), identity(Provider::Password));
    let (before, after) = (ring("d", &[1]), ring("d", &[1, 2]));
    let (old, new) = (
        before.access(&session, None, NOW * 1000).unwrap(),
        after.access(&session, None, NOW * 1000).unwrap(),
    );
    assert_eq!(part(&new, 0)["kid"], "2");
    let refresh = after.refresh(&session, &identity, 1, NOW).unwrap();
    assert_eq!(
        part(&refresh, 0)["kid"],
        "1",
        "the key that the session was recorded with"
    );
    after.check_refresh(&refresh, NOW).unwrap();
    for token in [&old, &new] {
        after.check_access(token, NOW).unwrap();
    }
    let retired = ring("d", &[2]);
    retired.check_access(&new, NOW).unwrap();
    assert!(retired.check_access(&old, NOW).is_err());
    assert!(retired.refresh(&session, &identity, 1, NOW).is_err());
    // A token does not choose the key it is checked with.
    let named = ring("d", &[3]).access(&session, None, NOW * 1000).unwrap();
    assert!(after.check_access(&named, NOW).is_err());
}

#[test]
fn a_token_that_names_no_key_is_one_of_the_first() {
    let (session, key) = (session(Provider::Password), EncodingKey::from_secret(&[1; 32]));
    let access = tokens().access(&session, None, NOW * 1000).unwrap();
    let header = Header::new(Algorithm::HS256);
    let token = jsonwebtoken::encode(&header, &part(&access, 1), &key).unwrap();
    ring("d", &[1, 2]).check_access(&token, NOW).unwrap();
    assert!(ring("d", &[2, 3]).check_access(&token, NOW).is_err());
}

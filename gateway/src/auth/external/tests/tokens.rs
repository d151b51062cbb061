//! Tokens of every kind, against keys that are configured.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::testing::{EC, OTHER_RSA, RSA, SECRET, Signer, with};
use super::super::*;

const NOW: i64 = 1_700_000_000;
const APP: &str = "weather-abcde";

fn key(algorithm: Algorithm, text: &str) -> VerificationKey {
    VerificationKey::from_text(algorithm, text).unwrap()
}

fn verifier(keys: &[(Algorithm, &str)], rules: Rules) -> TokenConfig {
    let keys = keys.iter().map(|(algorithm, text)| key(*algorithm, text));
    TokenConfig {
        keys: KeySource::Keys(keys.collect()),
        rules,
        metadata: vec![MetadataField::new("email", None, false).unwrap()],
    }
}

async fn check(verifier: &TokenConfig, token: String) -> Result<Person, ExternalError> {
    let token = Token::parse(token)?;
    let sets = KeySets::default();
    let candidates = verifier.candidates(&token, &sets, Instant::now()).await?;
    Ok(verifier.check(&token, &candidates, Some(APP), NOW)?)
}

fn claims() -> Value {
    json!({"sub": "ada", "aud": APP, "exp": NOW + 60, "email": "ada@example.com", "role": "admin"})
}

async fn refused(verifier: &TokenConfig, token: String) -> TokenError {
    match check(verifier, token).await {
        Err(ExternalError::Token(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_says_who_somebody_is() {
    for (signer, algorithm, text) in [
        (Signer::Secret(SECRET), Algorithm::Hs256, SECRET),
        (Signer::Rsa, Algorithm::Rs256, RSA),
        (Signer::Ec, Algorithm::Es256, EC),
    ] {
        let verifier = verifier(&[(algorithm, text)], Rules::default());
        let identity = check(&verifier, signer.token(None, &claims())).await.unwrap();
        assert_eq!(identity.subject, "ada");
        assert_eq!(Value::Object(identity.data), json!({"email": "ada@example.com"}));
    }
}

#[tokio::test]
async fn any_of_several_keys_will_do() {
    let verifier = verifier(
        &[(Algorithm::Rs256, OTHER_RSA), (Algorithm::Rs256, RSA)],
        Rules::default(),
    );
    for signer in [Signer::Rsa, Signer::OtherRsa] {
        check(&verifier, signer.token(Some("any name"), &claims()))
            .await
            .unwrap();
    }
    let other = refused(&verifier, Signer::Ec.token(None, &claims())).await;
    assert_eq!(other, TokenError::Algorithm);
}

#[tokio::test]
async fn the_algorithm_is_the_configured_one_whatever_the_token_says() {
    let rsa = verifier(&[(Algorithm::Rs256, RSA)], Rules::default());
    // Everybody knows the public key.
    let confused = Signer::Secret(RSA).token(None, &claims());
    assert_eq!(refused(&rsa, confused).await, TokenError::Algorithm);
    let claims = claims().to_string();
    let relabelled = Signer::Secret(RSA).signed(r#"{"alg":"RS256"}"#, &claims);
    assert_eq!(refused(&rsa, relabelled).await, TokenError::Signature);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","typ":"JWT"}"#,
        r#"{"typ":"JWT"}"#,
        "{}",
        "[]",
        "",
    ] {
        let [header, claims] = [header, claims.as_str()].map(|part| URL_SAFE_NO_PAD.encode(part));
        for unsigned in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
            assert_eq!(refused(&rsa, unsigned).await, TokenError::Header);
        }
    }
    let twice = Signer::Rsa.signed(r#"{"alg":"none","alg":"RS256"}"#, &claims);
    assert_eq!(refused(&rsa, twice).await, TokenError::Header);
    let extended = Signer::Rsa.signed(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, &claims);
    assert_eq!(refused(&rsa, extended).await, TokenError::Header);
}

#[tokio::test]
async fn a_token_that_was_changed_is_refused() {
    let verifier = verifier(&[(Algorithm::Rs256, RSA)], Rules::default());
    let token = Signer::Rsa.token(None, &claims());
    let parts: Vec<_> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(with(claims(), "sub", json!("eve")).to_string());
    let changed = [parts[0], &other, parts[2]].join(".");
    assert_eq!(refused(&verifier, changed).await, TokenError::Signature);
    assert_eq!(
        refused(&verifier, Signer::OtherRsa.token(None, &claims())).await,
        TokenError::Signature
    );
    for cut in [
        format!("{}.{}.", parts[0], parts[1]),
        token[..token.len() - 4].to_owned(),
    ] {
        assert_eq!(refused(&verifier, cut).await, TokenError::Signature);
    }
    for text in ["", "a", "a.b.c", "..", "a.b.c.d", "ä.ö.ü"] {
        assert_eq!(
            refused(&verifier, text.to_owned()).await,
            TokenError::Header,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_token_is_good_from_its_beginning_to_its_end() {
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    for (name, value, expected) in [
        ("exp", json!(NOW), Some(TokenError::Expired)),
        ("exp", json!(-1), Some(TokenError::Expired)),
        ("exp", json!(NOW + 1), None),
        ("exp", json!(NOW as f64 + 0.5), None),
        ("exp", json!(1e300), None),
        ("exp", Value::Null, Some(TokenError::Claim("exp", "a time"))),
        (
            "exp",
            json!("1800000000"),
            Some(TokenError::Claim("exp", "a time")),
        ),
        ("nbf", json!(NOW + 60), None),
        ("nbf", json!(NOW + 61), Some(TokenError::NotYet("nbf"))),
        ("nbf", json!(true), Some(TokenError::Claim("nbf", "a time"))),
        ("iat", json!(NOW + 60), None),
        ("iat", json!(NOW + 61), Some(TokenError::NotYet("iat"))),
        ("iat", json!([]), Some(TokenError::Claim("iat", "a time"))),
    ] {
        let token = Signer::Secret(SECRET).token(None, &with(claims(), name, value.clone()));
        let error = check(&verifier, token).await.err();
        assert_eq!(error, expected.map(ExternalError::Token), "{name}: {value}");
    }
}

#[tokio::test]
async fn the_audience_has_all_that_are_configured_or_with_any_one_of_them() {
    let all = Rules {
        audience: vec!["web".to_owned(), "field".to_owned()],
        ..Rules::default()
    };
    let any = Rules {
        any_audience: true,
        ..all.clone()
    };
    for (rules, audience, good) in [
        (Rules::default(), json!(APP), true),
        (Rules::default(), json!([APP, "other"]), true),
        (Rules::default(), json!("other"), false),
        (Rules::default(), json!([]), false),
        (all.clone(), json!(["field", "web", "other"]), true),
        (all.clone(), json!("web"), false),
        (all, json!(APP), false),
        (any.clone(), json!("web"), true),
        (any.clone(), json!(["other", "field"]), true),
        (any, json!(["other", APP]), false),
    ] {
        let verifier = verifier(&[(Algorithm::Hs256, SECRET)], rules);
        let token = Signer::Secret(SECRET).token(None, &with(claims(), "aud", audience.clone()));
        let error = check(&verifier, token).await.err();
        assert_eq!(
            error,
            (!good).then_some(TokenError::Audience.into()),
            "{audience}"
        );
    }
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    for audience in [Value::Null, json!(7), json!([APP, 7]), json!({APP: APP})] {
        let token = Signer::Secret(SECRET).token(None, &with(claims(), "aud", audience));
        let error = refused(&verifier, token).await;
        assert_eq!(error, TokenError::Claim("aud", "a text or a list of texts"));
    }
}

#[tokio::test]
async fn the_issuer_is_the_configured_one() {
    let rules = Rules {
        issuers: vec![
            "https://accounts.google.com".to_owned(),
            "accounts.google.com".to_owned(),
        ],
        ..Rules::default()
    };
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], rules);
    for (issuer, good) in [
        (json!("https://accounts.google.com"), true),
        (json!("https://accounts.google.com.example"), false),
        (json!(["https://accounts.google.com"]), false),
        (Value::Null, false),
    ] {
        let token = Signer::Secret(SECRET).token(None, &with(claims(), "iss", issuer.clone()));
        let error = check(&verifier, token).await.err();
        assert_eq!(error, (!good).then_some(TokenError::Issuer.into()), "{issuer}");
    }
}

#[tokio::test]
async fn the_subject_is_a_text_that_can_be_a_name() {
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    for subject in [
        Value::Null,
        json!(""),
        json!(7),
        json!({"$ne": ""}),
        json!(["ada"]),
        json!("s".repeat(1_025)),
    ] {
        let token = Signer::Secret(SECRET).token(None, &with(claims(), "sub", subject));
        assert!(matches!(
            refused(&verifier, token).await,
            TokenError::Claim("sub", _) | TokenError::Claims
        ));
    }
}

#[tokio::test]
async fn claims_that_two_readers_could_read_differently_are_refused() {
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    for claims in [
        format!(r#"{{"sub":"ada","sub":"eve","aud":"{APP}","exp":9999999999}}"#),
        format!(r#"{{"sub":"ada","aud":"{APP}","exp":1,"exp":9999999999}}"#),
        format!(r#"{{"sub":"ada","aud":"{APP}","exp":9999999999,"email":"a","email":"b"}}"#),
        format!(r#"{{"sub":"ada","aud":"{APP}","exp":9999999999}} {{}}"#),
        "[]".to_owned(),
        "null".to_owned(),
        "[".repeat(100_000),
        format!(r#"{{"sub":{}"#, r#"{"a":"#.repeat(100_000)),
    ] {
        let token = Signer::Secret(SECRET).raw(None, &claims);
        assert_eq!(
            refused(&verifier, token).await,
            TokenError::Claims,
            "{claims:.80}"
        );
    }
}

#[tokio::test]
async fn a_token_has_a_million_characters_at_most_and_its_header_16384() {
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    let large = with(claims(), "more", json!("m".repeat(740_000)));
    let token = Signer::Secret(SECRET).token(None, &large);
    assert!((980_000..MAX_TOKEN).contains(&token.len()));
    check(&verifier, token).await.unwrap();
    let larger = with(claims(), "more", json!("m".repeat(750_000)));
    let token = Signer::Secret(SECRET).token(None, &larger);
    assert_eq!(refused(&verifier, token).await, TokenError::TooLong);
    for length in [16_384, 700_000] {
        let token = Signer::Secret(SECRET).token(Some(&"k".repeat(length)), &claims());
        assert_eq!(refused(&verifier, token).await, TokenError::Header);
    }
}

#[tokio::test]
async fn no_error_shows_what_is_in_a_token() {
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], Rules::default());
    for (name, value) in [
        ("sub", json!(["s3cret"])),
        ("aud", json!("s3cret")),
        ("exp", json!("s3cret")),
    ] {
        let token = Signer::Secret(SECRET).token(Some("s3cret"), &with(claims(), name, value));
        assert!(!format!("{:?}", Token::parse(token.clone()).unwrap()).contains("s3cret"));
        let error = refused(&verifier, token).await;
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn who_is_of_no_allowed_domain_by_a_verified_e_mail_or_by_hd_is_refused() {
    let domains = ["example.com", "b\u{fc}cher.example"].map(|name| Domain::parse(name).unwrap());
    let rules = Rules {
        domains: domains.to_vec(),
        ..Rules::default()
    };
    let verifier = verifier(&[(Algorithm::Hs256, SECRET)], rules);
    let token = |email: Value, verified: Value, hd: Value| {
        let all = [("email", email), ("email_verified", verified), ("hd", hd)];
        let claims = all
            .into_iter()
            .fold(claims(), |claims, (name, value)| with(claims, name, value));
        Signer::Secret(SECRET).token(None, &claims)
    };
    for (email, verified, hd) in [
        (json!("ada@example.com"), json!(true), Value::Null),
        (json!("ada@Example.COM"), json!("true"), Value::Null),
        (json!("ada@xn--bcher-kva.example"), json!(true), Value::Null),
        (json!("ada@example.com"), json!(true), json!("other.example")),
        (json!("ada@other.example"), json!(false), json!("Example.com")),
        (Value::Null, Value::Null, json!("example.com")),
    ] {
        check(&verifier, token(email, verified, hd)).await.unwrap();
    }
    for (email, verified, hd) in [
        (json!("ada@example.com"), json!(false), Value::Null),
        (json!("ada@example.com"), Value::Null, Value::Null),
        (json!("ada@example.com"), json!("yes"), Value::Null),
        (json!("ada@sub.example.com"), json!(true), Value::Null),
        (json!("ada@example.com.evil.example"), json!(true), Value::Null),
        (json!("example.com"), json!(true), Value::Null),
        (Value::Null, json!(true), json!("other.example")),
        (Value::Null, Value::Null, json!(["example.com"])),
        (Value::Null, Value::Null, Value::Null),
    ] {
        let token = token(email, verified, hd);
        assert_eq!(refused(&verifier, token).await, TokenError::Domain);
    }
}

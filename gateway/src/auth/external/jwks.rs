//! Reads a JSON Web Key Set (RFC 7517), or one JSON Web Key alone.

use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use super::key::{KeyError, VerificationKey};

/// Keys of one set. App Services took 3; the public providers have up to 5, and as many again while they change them.
pub const MAX_KEYS: usize = 20;

/// Why a text is no set of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// It is something else.
    #[error("it is no JSON Web Key Set: an object with the list 'keys' was expected")]
    NotASet,
    /// There are too many keys.
    #[error("it has {0} keys; at most {MAX_KEYS} are used")]
    TooMany(usize),
    /// No key in it can be used.
    #[error("it has no key that can be used: {0}")]
    NoKey(String),
}

/// The keys that can be used; others, such as those for encryption, are passed over.
///
/// # Errors
/// When there is none, or the text is no set.
pub fn parse(text: &[u8]) -> Result<Vec<VerificationKey>, SetError> {
    let set: Value = serde_json::from_slice(text).map_err(|_| SetError::NotASet)?;
    let all = match set.get("keys") {
        Some(Value::Array(all)) => all.as_slice(),
        None if set.get("kty").is_some() => std::slice::from_ref(&set),
        _ => return Err(SetError::NotASet),
    };
    if all.len() > MAX_KEYS {
        return Err(SetError::TooMany(all.len()));
    }
    let mut reason = "it is empty".to_owned();
    let keys: Vec<_> = all
        .iter()
        .filter_map(|key| read(key).map_err(|error| reason = error.to_string()).ok())
        .collect();
    if keys.is_empty() {
        return Err(SetError::NoKey(reason));
    }
    Ok(keys)
}

fn read(key: &Value) -> Result<VerificationKey, KeyError> {
    let jwk: Jwk = serde_json::from_value(key.clone()).map_err(|_| KeyError::OtherUse)?;
    VerificationKey::from_jwk(&jwk)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::super::testing::{ec_jwk, rsa_jwk, with};
    use super::*;

    fn names(set: &Value) -> Result<Vec<String>, SetError> {
        let keys = parse(set.to_string().as_bytes())?;
        Ok(keys
            .into_iter()
            .filter_map(|key| key.name().map(str::to_owned))
            .collect())
    }

    #[test]
    fn a_set_or_a_key_alone_is_read() {
        let set = json!({"keys": [rsa_jwk("a"), ec_jwk("b")]});
        assert_eq!(names(&set).unwrap(), ["a", "b"]);
        assert_eq!(names(&rsa_jwk("a")).unwrap(), ["a"]);
    }

    #[test]
    fn what_is_not_for_tokens_is_passed_over() {
        let odd = [
            with(rsa_jwk("x"), "use", json!("enc")),
            with(rsa_jwk("x"), "key_ops", json!(["encrypt"])),
            with(rsa_jwk("x"), "alg", json!("PS256")),
            with(rsa_jwk("x"), "alg", json!("HS256")),
            with(rsa_jwk("x"), "n", json!("AQAB")),
            with(rsa_jwk("x"), "n", json!("not base64!")),
            with(rsa_jwk("x"), "n", json!(7)),
            with(rsa_jwk("x"), "kid", Value::Null),
            with(rsa_jwk("x"), "kty", json!("unheard of")),
            with(ec_jwk("x"), "crv", json!("P-384")),
            with(ec_jwk("x"), "x", json!("AQAB")),
            with(ec_jwk("x"), "y", ec_jwk("x")["x"].clone()),
            json!({"kty": "oct", "kid": "x", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}),
            json!("a key"),
        ];
        for key in odd {
            assert_eq!(
                names(&json!({"keys": [key, rsa_jwk("good")]})).unwrap(),
                ["good"],
                "{key}"
            );
            assert!(
                matches!(names(&json!({"keys": [key]})), Err(SetError::NoKey(_))),
                "{key}"
            );
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            "null",
            "{\"keys\":{}}",
            "<html>",
            &"[".repeat(10_000),
        ] {
            assert_eq!(
                parse(text.as_bytes()).unwrap_err(),
                SetError::NotASet,
                "{text:.20}"
            );
        }
        let many: Vec<_> = (0..21).map(|number| rsa_jwk(&number.to_string())).collect();
        assert_eq!(names(&json!({"keys": many})).unwrap_err(), SetError::TooMany(21));
        let none = names(&json!({"keys": []})).unwrap_err();
        assert_eq!(none, SetError::NoKey("it is empty".to_owned()));
    }
}

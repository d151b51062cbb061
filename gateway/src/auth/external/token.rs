//! A token as it came, and the claims in it once a key has verified it.

use std::fmt;

use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::error::TokenError;
use super::key::VerificationKey;

/// Characters of a token, as with App Services.
pub const MAX_TOKEN: usize = 1_000_000;

/// Characters of its header. Those of real tokens have a few hundred.
const MAX_HEADER: usize = 16 * 1024;

/// A token whose header has been read and nothing been verified of.
pub struct Token {
    text: String,
    algorithm: jsonwebtoken::Algorithm,
    /// The key it says it is signed with.
    key: Option<String>,
}

/// Without what is in it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

impl Token {
    /// Reads the header.
    ///
    /// # Errors
    /// When the text is no token, or one of a kind that nobody here can verify.
    pub fn parse(text: String) -> Result<Self, TokenError> {
        if text.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        if text
            .split('.')
            .next()
            .is_none_or(|header| header.len() > MAX_HEADER)
        {
            return Err(TokenError::Header);
        }
        let header = jsonwebtoken::decode_header(&text).map_err(|_| TokenError::Header)?;
        // RFC 7515: who does not understand an extension must not accept the token.
        if header.crit.is_some() {
            return Err(TokenError::Header);
        }
        Ok(Self {
            text,
            algorithm: header.alg,
            key: header.kid,
        })
    }

    /// Name of the key it says it is signed with.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The claims, if one of these keys has signed them.
    ///
    /// # Errors
    /// When none has, or the claims are none.
    pub fn claims<'a>(&self, keys: impl Iterator<Item = &'a VerificationKey>) -> Result<Claims, TokenError> {
        let mut result = Err(TokenError::UnknownKey);
        for key in keys {
            result = self.claims_by(key);
            if !matches!(result, Err(TokenError::Signature | TokenError::Algorithm)) {
                break;
            }
        }
        result
    }

    fn claims_by(&self, key: &VerificationKey) -> Result<Claims, TokenError> {
        if self.algorithm != key.algorithm().for_tokens() {
            return Err(TokenError::Algorithm);
        }
        let mut validation = Validation::new(key.algorithm().for_tokens());
        // What the claims say is compared by `Rules`, with the time given to it.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        match jsonwebtoken::decode(&self.text, &key.key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature | ErrorKind::Base64(_)) => {
                Err(TokenError::Signature)
            }
            // The text of the error may show a claim.
            Err(_) => Err(TokenError::Claims),
        }
    }
}

/// What a token says, each claim once: two readers of a claim that is there twice may see different ones.
#[derive(Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// A claim that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(de::Error::custom("a claim is there twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

//! Keys that verify tokens, each for one algorithm. Which one that is says who configured the key, never a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use p256::pkcs8::DecodePublicKey as _;
use rsa::BigUint;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;

/// Bits of an RSA key that RFC 7518 asks for.
const MIN_RSA_BITS: usize = 2_048;

/// Bytes of a secret that App Services asked for: as many as a signature has, up to a length that nobody needs.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=512;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: who verifies can sign, too.
    Hs256,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// By its name in a token's header.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    pub(super) const fn for_tokens(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

/// Why something is no key to verify tokens with. Says nothing of the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A secret is too short or too long.
    #[error("a key for HS256 has 32 to 512 bytes")]
    SecretLength,
    /// The key is the half that signs.
    #[error("it is a private key; tokens are verified with the public one (`openssl pkey -pubout`)")]
    Private,
    /// The text is no key of the algorithm.
    #[error("it is no public RSA key in PEM of up to 4,096 bits")]
    NotRsa,
    /// The text is no key of the algorithm.
    #[error("it is no public key on the curve P-256 in PEM")]
    NotP256,
    /// The key can be broken.
    #[error("an RSA key has 2,048 bits or more")]
    Weak,
    /// A JSON Web Key is of a kind that is not used.
    #[error("a key of a set is for RS256 (kty RSA) or ES256 (kty EC, crv P-256), public, and for signatures")]
    OtherUse,
    /// A JSON Web Key has no name, so no token can mean it.
    #[error("a key of a set has a name (kid)")]
    Nameless,
    /// The parameters of a JSON Web Key are not good.
    #[error("the parameters of the key are not those of a key of up to 4,096 bits")]
    Parameters,
}

/// A key and what it is for.
#[derive(Clone)]
pub struct VerificationKey {
    /// As tokens name it, in `kid`.
    name: Option<String>,
    algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Without the key.
impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl VerificationKey {
    /// As tokens name it, in `kid`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Of the text of a secret: the shared key itself for HS256, a public key in PEM otherwise.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn from_text(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::Hs256 if !SECRET_BYTES.contains(&text.len()) => return Err(KeyError::SecretLength),
            Algorithm::Hs256 => DecodingKey::from_secret(text.as_bytes()),
            Algorithm::Rs256 | Algorithm::Es256 if text.contains("PRIVATE KEY") => {
                return Err(KeyError::Private);
            }
            Algorithm::Rs256 => {
                let key = rsa::RsaPublicKey::from_public_key_pem(text)
                    .or_else(|_| rsa::RsaPublicKey::from_pkcs1_pem(text).map_err(|_| KeyError::NotRsa))?;
                of_rsa(&key)?
            }
            Algorithm::Es256 => {
                let key = p256::PublicKey::from_public_key_pem(text).map_err(|_| KeyError::NotP256)?;
                DecodingKey::from_ec_der(&key.to_sec1_bytes())
            }
        };
        Ok(Self {
            name: None,
            algorithm,
            key,
        })
    }

    /// Of a JSON Web Key. Its type says what it is for.
    ///
    /// # Errors
    /// When it is not one to verify tokens with.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let common = &jwk.common;
        let other_use = common
            .public_key_use
            .as_ref()
            .is_some_and(|it| *it != PublicKeyUse::Signature)
            || common
                .key_operations
                .as_ref()
                .is_some_and(|all| !all.contains(&KeyOperations::Verify));
        let name = common.key_id.clone().filter(|name| !name.is_empty());
        let (algorithm, own_name, key) = match &jwk.algorithm {
            _ if other_use => return Err(KeyError::OtherUse),
            AlgorithmParameters::RSA(rsa) => {
                let key = rsa::RsaPublicKey::new(number(&rsa.n)?, number(&rsa.e)?);
                let key = of_rsa(&key.map_err(|_| KeyError::Parameters)?)?;
                (Algorithm::Rs256, KeyAlgorithm::RS256, key)
            }
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => (
                Algorithm::Es256,
                KeyAlgorithm::ES256,
                of_point(&point.x, &point.y)?,
            ),
            _ => return Err(KeyError::OtherUse),
        };
        if common.key_algorithm.is_some_and(|named| named != own_name) {
            return Err(KeyError::OtherUse);
        }
        Ok(Self {
            name: Some(name.ok_or(KeyError::Nameless)?),
            algorithm,
            key,
        })
    }
}

fn of_rsa(key: &rsa::RsaPublicKey) -> Result<DecodingKey, KeyError> {
    if key.n().bits() < MIN_RSA_BITS {
        return Err(KeyError::Weak);
    }
    let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

fn of_point(x: &str, y: &str) -> Result<DecodingKey, KeyError> {
    // Uncompressed, as SEC 1 writes it; a point that is not on the curve is none.
    let bytes = [&[4], decoded(x)?.as_slice(), decoded(y)?.as_slice()].concat();
    let key = p256::PublicKey::from_sec1_bytes(&bytes).map_err(|_| KeyError::Parameters)?;
    Ok(DecodingKey::from_ec_der(&key.to_sec1_bytes()))
}

fn number(text: &str) -> Result<BigUint, KeyError> {
    Ok(BigUint::from_bytes_be(&decoded(text)?))
}

fn decoded(text: &str) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Parameters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const RSA: &str = include_str!("../../../tests/data/jwt/rsa.pem");
    const EC: &str = include_str!("../../../tests/data/jwt/ec.pem");

    fn refused(algorithm: Algorithm, text: &str) -> KeyError {
        VerificationKey::from_text(algorithm, text).unwrap_err()
    }

    #[test]
    fn a_text_is_a_key_of_the_algorithm_it_is_configured_for_or_none() {
        for (algorithm, text) in [
            (Algorithm::Hs256, "s".repeat(32).as_str()),
            (Algorithm::Rs256, RSA),
            (Algorithm::Es256, EC),
        ] {
            assert_eq!(
                VerificationKey::from_text(algorithm, text).unwrap().algorithm,
                algorithm
            );
        }
        assert_eq!(refused(Algorithm::Hs256, "too short"), KeyError::SecretLength);
        assert_eq!(
            refused(Algorithm::Hs256, &"s".repeat(513)),
            KeyError::SecretLength
        );
        assert_eq!(refused(Algorithm::Rs256, EC), KeyError::NotRsa);
        assert_eq!(refused(Algorithm::Rs256, &"s".repeat(32)), KeyError::NotRsa);
        assert_eq!(refused(Algorithm::Es256, RSA), KeyError::NotP256);
        let weak = include_str!("../../../tests/data/jwt/rsa-weak.pem");
        assert_eq!(refused(Algorithm::Rs256, weak), KeyError::Weak);
        let private = include_str!("../../../tests/data/jwt/rsa.key");
        assert_eq!(refused(Algorithm::Rs256, private), KeyError::Private);
        let private = include_str!("../../../tests/data/jwt/ec.key");
        assert_eq!(refused(Algorithm::Es256, private), KeyError::Private);
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = VerificationKey::from_text(Algorithm::Hs256, &"s".repeat(32)).unwrap();
        assert!(!format!("{key:?}").contains("sss"));
    }
}

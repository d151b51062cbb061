//! Keys and tokens of tests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

pub const RSA: &str = include_str!("../../../tests/data/jwt/rsa.pem");
pub const OTHER_RSA: &str = include_str!("../../../tests/data/jwt/rsa-other.pem");
pub const EC: &str = include_str!("../../../tests/data/jwt/ec.pem");
const RSA_KEY: &str = include_str!("../../../tests/data/jwt/rsa.key");
const OTHER_RSA_KEY: &str = include_str!("../../../tests/data/jwt/rsa-other.key");
const EC_KEY: &str = include_str!("../../../tests/data/jwt/ec.key");
pub const SECRET: &str = "a-secret-of-at-least-32-characters";

/// The key as it stands in a set.
pub fn rsa_jwk(name: &str) -> Value {
    jwk_of(RSA, name)
}

pub fn other_rsa_jwk(name: &str) -> Value {
    jwk_of(OTHER_RSA, name)
}

fn jwk_of(pem: &str, name: &str) -> Value {
    let key = rsa::RsaPublicKey::from_public_key_pem(pem).unwrap();
    let text = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    json!({"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "n": text(key.n()), "e": text(key.e())})
}

pub fn ec_jwk(name: &str) -> Value {
    let point = p256::PublicKey::from_public_key_pem(EC)
        .unwrap()
        .to_encoded_point(false);
    let text = |part: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(part.unwrap());
    json!({"kty": "EC", "crv": "P-256", "kid": name, "x": text(point.x()), "y": text(point.y())})
}

pub fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// Who signs.
#[derive(Clone, Copy)]
pub enum Signer {
    Secret(&'static str),
    Rsa,
    OtherRsa,
    Ec,
}

impl Signer {
    fn key(self) -> (jsonwebtoken::Algorithm, EncodingKey) {
        let private = |pem: &str| {
            PrivateKeyDer::from_pem_slice(pem.as_bytes())
                .unwrap()
                .secret_der()
                .to_vec()
        };
        match self {
            Self::Secret(secret) => (
                jsonwebtoken::Algorithm::HS256,
                EncodingKey::from_secret(secret.as_bytes()),
            ),
            Self::Rsa => (
                jsonwebtoken::Algorithm::RS256,
                EncodingKey::from_rsa_der(&private(RSA_KEY)),
            ),
            Self::OtherRsa => (
                jsonwebtoken::Algorithm::RS256,
                EncodingKey::from_rsa_der(&private(OTHER_RSA_KEY)),
            ),
            Self::Ec => (
                jsonwebtoken::Algorithm::ES256,
                EncodingKey::from_ec_der(&private(EC_KEY)),
            ),
        }
    }

    /// A token with these claims, under a key of this name.
    pub fn token(self, name: Option<&str>, claims: &Value) -> String {
        self.raw(name, &claims.to_string())
    }

    /// The same with a text for the claims.
    pub fn raw(self, name: Option<&str>, claims: &str) -> String {
        let (algorithm, _) = self.key();
        let header = Header {
            kid: name.map(str::to_owned),
            ..Header::new(algorithm)
        };
        self.signed(&serde_json::to_string(&header).unwrap(), claims)
    }

    /// The same with a text for the header, too.
    pub fn signed(self, header: &str, claims: &str) -> String {
        let (algorithm, key) = self.key();
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

//! HS256 tokens with the claims App Services used. The time is given, never read.

mod claims;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use claims::{Access, Refresh};

use super::{AuthError, Lifetimes};
use crate::state::{self, Key, Provider, Secrets, Session};
use claims::Identity;

/// A device a token was not made for.
const NO_DEVICE: &str = "000000000000000000000000";

/// The key of tokens that name none, as release 0.1.0 made them.
const FIRST_KEY: &str = "1";

/// Makes and checks tokens of one app, with the keys there were at one moment.
pub struct Tokens {
    domain: String,
    lifetimes: Lifetimes,
    /// From the oldest on; the newest signs.
    keys: Vec<ReadyKey>,
    validation: Validation,
}

struct ReadyKey {
    /// As tokens name it, in `kid`.
    name: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl From<&Key> for ReadyKey {
    fn from(key: &Key) -> Self {
        Self {
            name: key.id.to_string(),
            encoding: EncodingKey::from_secret(&key.secret),
            decoding: DecodingKey::from_secret(&key.secret),
        }
    }
}

impl Tokens {
    /// With the app's id and keys; makes tokens that are good for so long.
    #[must_use]
    pub fn new(secrets: &Secrets, lifetimes: Lifetimes) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is compared with the time given to us.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        Self {
            domain: secrets.domain.clone(),
            lifetimes,
            keys: secrets.keys.iter().map(ReadyKey::from).collect(),
            validation,
        }
    }

    /// Whether tokens of this key are good.
    #[must_use]
    pub fn has(&self, key: i64) -> bool {
        self.key(&key.to_string()).is_some()
    }

    /// Whether the token names a key that is newer than those there are: one that another gateway knows already, or nobody.
    #[must_use]
    pub fn are_older_than(&self, token: &str) -> bool {
        let named = jsonwebtoken::decode_header(token)
            .ok()
            .and_then(|header| header.kid);
        let number = |name: &str| name.parse::<i64>().ok();
        let newest = self.keys.last().and_then(|key| number(&key.name));
        named.as_deref().and_then(number) > newest
    }

    /// Internal id of the app.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// An access token for the session, made at `now` in milliseconds since 1970, with what the application keeps about the
    /// user.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn access(
        &self,
        session: &Session,
        user_data: Option<Box<RawValue>>,
        now: i64,
    ) -> Result<String, AuthError> {
        let device = device(session);
        Self::encode(
            self.keys.last(),
            &Access {
                sub: session.user.clone(),
                iss: session.id.clone(),
                iat: now / 1000,
                iat_ms: now,
                exp: now / 1000 + self.lifetimes.access,
                typ: "access".to_owned(),
                baas_device_id: device.clone(),
                stitch_device_id: device,
                baas_domain_id: self.domain.clone(),
                stitch_domain_id: self.domain.clone(),
                user_data,
            },
        )
    }

    /// The refresh token of a new session that this identity has opened, signed by the key of this number.
    ///
    /// # Errors
    /// When there is no such key or the token cannot be encoded.
    pub fn refresh(
        &self,
        session: &Session,
        identity: &state::Identity,
        key: i64,
        now: i64,
    ) -> Result<String, AuthError> {
        let device = device(session);
        let identity = Identity {
            id: identity.id.clone(),
            provider_type: identity.provider.as_str().to_owned(),
            provider_id: self.provider_id(identity.provider),
        };
        Self::encode(
            self.key(&key.to_string()),
            &Refresh {
                sub: session.user.clone(),
                iat: now,
                exp: session.expires / 1000,
                typ: "refresh".to_owned(),
                session: session.id.clone(),
                stitch_id: session.id.clone(),
                baas_device_id: device.clone(),
                stitch_device_id: device,
                baas_domain_id: self.domain.clone(),
                stitch_domain_id: self.domain.clone(),
                baas_identity: identity.clone(),
                stitch_identity: identity,
                baas_data: (),
                stitch_data: (),
            },
        )
    }

    /// Internal id of a provider: the app's own with a last digit for each.
    #[must_use]
    pub fn provider_id(&self, provider: Provider) -> String {
        let digit = match provider {
            Provider::Anonymous => 'a',
            Provider::Password => 'b',
            Provider::ApiKey => 'c',
            Provider::CustomToken => 'd',
            Provider::CustomFunction => 'e',
            Provider::Google => 'f',
            Provider::Facebook => '1',
            Provider::Apple => '2',
        };
        self.domain.chars().take(23).chain([digit]).collect()
    }

    /// The claims of an access token that is good at `now`.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_access(&self, token: &str, now: i64) -> Result<Access, AuthError> {
        let claims: Access = self
            .decode(token)
            .ok_or(AuthError::BadToken("the access token is not valid"))?;
        if claims.typ != "access" {
            return Err(AuthError::BadToken("the access token is not valid"));
        }
        if claims.exp <= now {
            return Err(AuthError::BadToken("the access token has expired"));
        }
        if claims.baas_domain_id != self.domain {
            return Err(AuthError::BadToken("the access token is for another app"));
        }
        // It would last for longer than revocations are remembered.
        if claims.issued() > (now + Lifetimes::AHEAD) * 1000 {
            return Err(AuthError::BadToken(
                "the access token is of a time that has not come",
            ));
        }
        Ok(claims)
    }

    /// The claims of a refresh token that is good at `now`. Whether its session goes on is the store's affair.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_refresh(&self, token: &str, now: i64) -> Result<Refresh, AuthError> {
        let Some(claims) = self.decode::<Refresh>(token) else {
            let other = self.decode::<Access>(token);
            return Err(if other.is_some() {
                AuthError::NotARefreshToken
            } else {
                AuthError::NoSession
            });
        };
        if claims.typ != "refresh" || claims.exp <= now || claims.baas_domain_id != self.domain {
            return Err(AuthError::NoSession);
        }
        Ok(claims)
    }

    fn key(&self, name: &str) -> Option<&ReadyKey> {
        self.keys.iter().find(|key| key.name == name)
    }

    fn encode(key: Option<&ReadyKey>, claims: &impl Serialize) -> Result<String, AuthError> {
        let key = key.ok_or_else(|| AuthError::Internal("the key of a token is gone".to_owned()))?;
        let header = Header {
            kid: Some(key.name.clone()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, &key.encoding)
            .map_err(|error| AuthError::Internal(format!("a token cannot be made: {error}")))
    }

    fn decode<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let named = jsonwebtoken::decode_header(token).ok()?.kid;
        let key = self.key(named.as_deref().unwrap_or(FIRST_KEY))?;
        jsonwebtoken::decode(token, &key.decoding, &self.validation)
            .ok()
            .map(|data| data.claims)
    }
}

/// The app that a token says it is for. Whether that is true is what the app's keys tell.
#[must_use]
pub fn domain_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        baas_domain_id: String,
    }
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token);
    Some(claims.ok()?.baas_domain_id)
}

fn device(session: &Session) -> String {
    if session.device.is_empty() {
        NO_DEVICE.to_owned()
    } else {
        session.device.clone()
    }
}

#[cfg(test)]
mod tests;

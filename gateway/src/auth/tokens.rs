//! HS256 tokens with the claims App Services used. The time is given, never read.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{AuthError, Lifetimes};
use crate::state::{self, Key, Provider, Secrets, Session};

/// A device a token was not made for.
const NO_DEVICE: &str = "000000000000000000000000";

/// Claims of an access token. Each fact has the name it had before and after the product was renamed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Access {
    /// The user.
    pub sub: String,
    /// The session.
    pub iss: String,
    iat: i64,
    /// Our own: to the millisecond, so that a log-in right after a revocation is told from one before.
    #[serde(default)]
    iat_ms: i64,
    exp: i64,
    typ: String,
    baas_device_id: String,
    #[serde(rename = "stitch_devId")]
    stitch_device_id: String,
    baas_domain_id: String,
    #[serde(rename = "stitch_domainId")]
    stitch_domain_id: String,
    /// What the application keeps about the user, for the client alone.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    user_data: Option<Box<RawValue>>,
}

impl Access {
    /// Milliseconds since 1970 when it was made; of a token of release 0.1.0, the second.
    #[must_use]
    pub fn issued(&self) -> i64 {
        self.iat_ms.max(self.iat.saturating_mul(1000))
    }
}

/// Claims of a refresh token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// The user.
    pub sub: String,
    iat: i64,
    exp: i64,
    typ: String,
    /// The session.
    #[serde(rename = "baas_id")]
    pub session: String,
    stitch_id: String,
    baas_device_id: String,
    #[serde(rename = "stitch_devId")]
    stitch_device_id: String,
    baas_domain_id: String,
    #[serde(rename = "stitch_domainId")]
    stitch_domain_id: String,
    baas_identity: Identity,
    #[serde(rename = "stitch_ident")]
    stitch_identity: Identity,
    baas_data: (),
    stitch_data: (),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Identity {
    id: String,
    provider_type: String,
    provider_id: String,
}

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
mod tests {
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
}

//! Sessions that App Services opened before it was shut down. Devices hold their refresh tokens for up to fifty years, and nobody
//! can check the signatures any more: only the service had the key. An operator who has brought the users here may let them go on
//! all the same, until a day that he names. The first who comes with such a token for a user keeps it: the session that is opened is
//! named by the digest of the whole token, so from then on the token is a secret like any other.
//!
//! Whoever knows the id of an imported user can make up such a token while that is allowed.

use bson::oid::ObjectId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::state::Session;

/// Seconds since 1970 when the service ended, 2025-10-01: whose id is younger was never its user.
const END_OF_SERVICE: u32 = 1_759_276_800;

/// The session of such a token at `now`, in seconds since 1970; none where it is something else, or has expired by what it says.
#[must_use]
pub fn session_of(token: &str, now: i64) -> Option<Session> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        exp: i64,
        typ: String,
        #[serde(default)]
        baas_device_id: String,
    }
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
    let user = ObjectId::parse_str(&claims.sub).ok()?;
    let created = user.bytes().first_chunk().copied().map(u32::from_be_bytes)?;
    if claims.typ != "refresh" || claims.exp <= now || created >= END_OF_SERVICE {
        return None;
    }
    let digest = ObjectId::from_bytes(Sha256::digest(token).first_chunk().copied()?);
    Some(Session {
        id: digest.to_hex(),
        user: user.to_hex(),
        device: claims.baas_device_id,
        api_key: None,
        expires: claims.exp.saturating_mul(1000),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const USER: &str = "65535f00a1b2c3d4e5f60718";

    fn token(user: &str, kind: &str, expires: i64, secret: &[u8]) -> String {
        let claims =
            json!({"sub": user, "exp": expires, "typ": kind, "baas_id": "old", "baas_device_id": "device"});
        encode(&Header::default(), &claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_refresh_token_of_a_user_of_the_service_names_a_session_by_itself() {
        let one = token(USER, "refresh", 2_000, b"the key that nobody has");
        let session = session_of(&one, 1_000).unwrap();
        assert_eq!((&*session.user, &*session.device), (USER, "device"));
        assert_eq!(session.expires, 2_000_000);
        assert_eq!(
            session_of(&one, 1_500),
            Some(session.clone()),
            "it stays the same"
        );
        let other = session_of(&token(USER, "refresh", 2_000, b"another key"), 1_000).unwrap();
        assert_ne!(session.id, other.id, "one that is made up is another");
    }

    #[test]
    fn what_the_service_cannot_have_made_names_none() {
        let younger = "68dc6f00a1b2c3d4e5f60718";
        for (user, kind, expires) in [
            (USER, "refresh", 1_000),
            (USER, "access", 2_000),
            ("nobody", "refresh", 2_000),
            (younger, "refresh", 2_000),
        ] {
            assert_eq!(session_of(&token(user, kind, expires, b"key"), 1_000), None);
        }
        assert_eq!(session_of("no token", 1_000), None);
    }
}

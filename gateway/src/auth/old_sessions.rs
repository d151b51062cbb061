//! Sessions that App Services opened before it was shut down. Devices hold their refresh tokens for up to fifty years, and nobody
//! can check the signatures any more: only the service had the key. An operator who has brought the users here may let them go on
//! all the same, until a day that he names. The first who comes with such a token for a user keeps it: the session that is opened is
//! named by the digest of the whole token, so from then on the token is a secret like any other.
//!
//! Whoever knows the id of an imported user can make up such a token while that is allowed. So such a session lets documents in, and
//! changes nothing about its user.

use bson::oid::ObjectId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::state::Session;

/// Milliseconds since 1970 when the service ended, 2025-10-01: who came later was never its user.
const END_OF_SERVICE: i64 = 1_759_276_800_000;

/// What the ids of such sessions begin with, and no others: those are random.
const PREFIX: [u8; 4] = [0; 4];

/// Whether a user may have been one of App Services, by when he came.
#[must_use]
pub const fn was_user(created: i64) -> bool {
    created < END_OF_SERVICE
}

/// Whether the session of this id was opened by App Services.
#[must_use]
pub fn is_old(session: &str) -> bool {
    ObjectId::parse_str(session).is_ok_and(|id| id.bytes().starts_with(&PREFIX))
}

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
    if claims.typ != "refresh" || claims.exp <= now {
        return None;
    }
    let digest: [u8; 8] = Sha256::digest(token).first_chunk().copied()?;
    let id = [&PREFIX[..], &digest].concat();
    Some(Session {
        id: ObjectId::from_bytes(id.try_into().ok()?).to_hex(),
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
        assert!(is_old(&session.id) && !is_old(USER));
        let other = session_of(&token(USER, "refresh", 2_000, b"another key"), 1_000).unwrap();
        assert_ne!(session.id, other.id, "one that is made up is another");
    }

    #[test]
    fn what_the_service_cannot_have_made_names_none() {
        for (user, kind, expires) in [
            (USER, "refresh", 1_000),
            (USER, "access", 2_000),
            ("nobody", "refresh", 2_000),
        ] {
            assert_eq!(session_of(&token(user, kind, expires, b"key"), 1_000), None);
        }
        assert_eq!(session_of("no token", 1_000), None);
        assert!(was_user(END_OF_SERVICE - 1) && !was_user(END_OF_SERVICE));
    }
}

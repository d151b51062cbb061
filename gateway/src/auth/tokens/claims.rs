//! The claims of tokens. Each fact has the name it had before and after the product was renamed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Access {
    /// The user.
    pub sub: String,
    /// The session.
    pub iss: String,
    pub(super) iat: i64,
    /// Our own: to the millisecond, so that a log-in right after a revocation is told from one before.
    #[serde(default)]
    pub(super) iat_ms: i64,
    pub(super) exp: i64,
    pub(super) typ: String,
    pub(super) baas_device_id: String,
    #[serde(rename = "stitch_devId")]
    pub(super) stitch_device_id: String,
    pub(super) baas_domain_id: String,
    #[serde(rename = "stitch_domainId")]
    pub(super) stitch_domain_id: String,
    /// What the application keeps about the user, for the client alone.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(super) user_data: Option<Box<RawValue>>,
}

impl Access {
    /// Milliseconds since 1970 when it was made; of a token of release 0.1.0, the second.
    #[must_use]
    pub fn issued(&self) -> i64 {
        self.iat_ms.max(self.iat.saturating_mul(1000))
    }

    /// Seconds since 1970 when it expires.
    #[must_use]
    pub const fn expires(&self) -> i64 {
        self.exp
    }
}

/// Claims of a refresh token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// The user.
    pub sub: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) typ: String,
    /// The session.
    #[serde(rename = "baas_id")]
    pub session: String,
    pub(super) stitch_id: String,
    pub(super) baas_device_id: String,
    #[serde(rename = "stitch_devId")]
    pub(super) stitch_device_id: String,
    pub(super) baas_domain_id: String,
    #[serde(rename = "stitch_domainId")]
    pub(super) stitch_domain_id: String,
    pub(super) baas_identity: Identity,
    #[serde(rename = "stitch_ident")]
    pub(super) stitch_identity: Identity,
    pub(super) baas_data: (),
    pub(super) stitch_data: (),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) provider_type: String,
    pub(super) provider_id: String,
}

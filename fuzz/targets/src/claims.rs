//! What a client reads out of a token it was given, whoever made it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest::fuzzing;
use serde_json::Value;

pub(crate) fn run(data: &[u8]) {
    // As a payload, and as a whole token.
    check(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(data)));
    if let Ok(token) = str::from_utf8(data) {
        check(token);
    }
}

fn check(token: &str) {
    fuzzing::subject(token);
    if let Some((_, Some(data))) = fuzzing::claims(token) {
        assert!(serde_json::from_str::<Value>(&data).unwrap().is_object());
    }
}

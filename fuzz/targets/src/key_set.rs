//! What is read of a set of keys are keys to verify signatures with, under names that are in it.

use realm_ingest_gateway::auth::external::{Algorithm, parse_key_set};
use serde_json::Value;

pub(crate) fn run(data: &[u8]) {
    let Ok(keys) = parse_key_set(data) else { return };
    let set: Value = serde_json::from_slice(data).unwrap();
    let alone = [set.clone()];
    let all = set["keys"].as_array().map_or(alone.as_slice(), Vec::as_slice);
    assert!((1..=all.len()).contains(&keys.len()));
    for key in keys {
        let kind = match key.algorithm() {
            Algorithm::Rs256 => "RSA",
            Algorithm::Es256 => "EC",
            Algorithm::Hs256 => panic!("a secret that everybody can read"),
        };
        let name = key.name().unwrap();
        assert!(
            all.iter()
                .any(|one| one["kty"] == kind && one["kid"] == name && one["use"] != "enc")
        );
    }
}

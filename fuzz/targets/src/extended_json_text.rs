//! Text that is taken as Extended JSON becomes a document that is well-formed, can be shown, and is read back as the same.

use realm_ingest::fuzzing;
use realm_ingest_protocol::{Document, Limits};

/// JSON itself ends at a depth of 128.
const LIMITS: Limits = Limits {
    max_bytes: usize::MAX,
    max_depth: 130,
};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(bytes) = fuzzing::to_bson(text) else { return };
    Document::validate(&bytes, &LIMITS).unwrap();
    if Document::validate(&bytes, &Limits::default()).is_err() {
        return;
    }
    let shown = fuzzing::from_bson(&bytes).unwrap();
    let value = shown
        .strip_prefix("{\"v\":")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap();
    let again = fuzzing::to_bson(value).unwrap_or_else(|error| panic!("{value}: {error}"));
    assert_eq!(fuzzing::from_bson(&again), Ok(shown));
}

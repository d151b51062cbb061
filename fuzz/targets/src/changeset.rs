//! A changeset is read within bounds, and what it says of classes is kept and read again as the same.

use realm_ingest_gateway::device_sync::changeset::Reader;
use realm_ingest_gateway::device_sync::registry::Registry;

/// What reading holds beside the bytes it borrows: numbered strings, each of which three bytes make, in a list that doubles.
const HELD_PER_BYTE: u64 = 24;

/// What is held for a path and other small things.
const SMALL: u64 = 8 * 1024;

pub(crate) fn run(data: &[u8]) {
    let held = crate::most_held(|| {
        let mut reader = Reader::new(data);
        while let Ok(Some(_)) = reader.next_instruction() {}
        assert_eq!(reader.next_instruction(), Ok(None), "an error is the end");
    });
    assert!(
        held <= SMALL + data.len() as u64 * HELD_PER_BYTE,
        "{held} bytes held"
    );
    let mut registry = Registry::default();
    let mut reader = Reader::new(data);
    while let Ok(Some(instruction)) = reader.next_instruction() {
        let before = registry.clone();
        match registry.apply(&instruction) {
            Ok(changed) => assert_eq!(changed, registry != before),
            Err(_) => assert_eq!(registry, before),
        }
        let changed = registry.clone();
        assert_ne!(registry.apply(&instruction), Ok(true), "it is new twice");
        assert_eq!(registry, changed);
    }
    if let Ok(json) = registry.to_json() {
        assert_eq!(Registry::parse(&json), Ok(registry));
    }
}

//! A message of a client is read, its changesets within the memory they were given.

use std::sync::Arc;

use realm_ingest_gateway::device_sync::changeset::Reader;
use realm_ingest_gateway::device_sync::frames::{ClientMessage, UploadHeader};
use realm_ingest_gateway::device_sync::upload::{entries, inflate};
use realm_ingest_gateway::memory::Budget;
use tokio::sync::Semaphore;

/// Memory of one message here: enough for some steps of inflating, so that running out is met as well.
const POOL: usize = 2 * 1024 * 1024;

/// Bytes that an upload may inflate to here.
const LIMIT: usize = 4 * 1024 * 1024;

/// What inflating holds of its own, and other small things.
const SMALL: u64 = 128 * 1024;

pub(crate) fn run(data: &[u8]) {
    let Ok(ClientMessage::Upload(header, body)) = ClientMessage::parse(data) else {
        return;
    };
    if !header.compressed {
        changesets(&header, body);
        return;
    }
    let all = Arc::new(Semaphore::new(POOL));
    let mut budget = Budget::new(Arc::clone(&all));
    let mut inflated = None;
    let held = crate::most_held(|| inflated = inflate(body, header.uncompressed, LIMIT, &mut budget).ok());
    assert!(held <= POOL as u64 + SMALL, "{held} bytes held");
    if let Some(body) = inflated {
        assert_eq!(body.len(), header.uncompressed);
        assert!(body.capacity() <= budget.held(), "what is held is accounted for");
        changesets(&header, &body);
    }
    drop(budget);
    assert_eq!(all.available_permits(), POOL);
}

fn changesets(header: &UploadHeader, body: &[u8]) {
    assert_eq!(body.len(), header.uncompressed);
    let mut last = 0;
    let mut bytes = 0;
    for entry in entries(body) {
        let Ok(entry) = entry else { return };
        assert!(entry.client_version > last, "versions rise");
        last = entry.client_version;
        bytes += entry.changeset.len();
        let mut reader = Reader::new(entry.changeset);
        while let Ok(Some(_)) = reader.next_instruction() {}
    }
    assert!(bytes <= body.len());
}

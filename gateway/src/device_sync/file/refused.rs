//! Documents that were refused, as a device is told of them.

use bson::Bson;
use realm_ingest_protocol::{Ack, Refusal, RefusalCode};
use serde_json::value::RawValue;

use crate::device_sync::errors::{MAX_REJECTED, PrimaryKey, RejectedUpdate};
use crate::device_sync::registry::{Registry, TableKind};
use crate::device_sync::session::Stored;

/// Bytes of a key that a device is told. It is not told a longer one, as all of it is held until the client has read it.
const MAX_KEY: usize = 1024;

/// Adds what an acknowledgement says to what a device is told, besides so many others.
pub(super) fn add(ack: &Ack<Box<RawValue>>, registry: &Registry, others: usize, stored: &mut Stored) {
    let room = MAX_REJECTED.saturating_sub(others.saturating_add(stored.refused.len()));
    let told = ack.refused.iter().take(room);
    let told = told.filter_map(|refusal| serde_json::from_str::<Refusal>(refusal.get()).ok());
    let before = stored.refused.len();
    stored
        .refused
        .extend(told.map(|refusal| rejected(refusal, registry)));
    let listed = ack.refused.len() - (stored.refused.len() - before);
    let unlisted = ack.unlisted.iter().map(|kind| kind.count).sum::<u64>();
    stored.unnamed += listed as u64 + unlisted;
}

fn rejected(refusal: Refusal, registry: &Registry) -> RejectedUpdate {
    let Refusal {
        seq,
        class,
        id,
        code,
        reason,
        ..
    } = refusal;
    let is_regular =
        code == RefusalCode::UnknownClass.as_str() && registry.kind(&class) == Some(TableKind::Regular);
    let reason = if is_regular {
        format!(
            "class '{class}' is a regular class; this gateway serves Data Ingest (asymmetric classes) alone, and stores nothing of it"
        )
    } else {
        reason
    };
    RejectedUpdate {
        client_version: u64::try_from(seq).unwrap_or_default(),
        table: class,
        key: Bson::try_from(id).map_or(PrimaryKey::Null, |id| key(&id)),
        reason,
    }
}

fn key(id: &Bson) -> PrimaryKey {
    match id {
        Bson::String(text) if text.len() > MAX_KEY => PrimaryKey::Null,
        id => PrimaryKey::of(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_not_told_a_key_of_any_length() {
        let text = |length| Bson::String("x".repeat(length));
        assert_eq!(key(&text(MAX_KEY)), PrimaryKey::of(&text(MAX_KEY)));
        assert_eq!(key(&text(MAX_KEY + 1)), PrimaryKey::Null);
        assert_eq!(key(&Bson::Int64(5)), PrimaryKey::Int(5));
    }
}

//! What an application chooses for a realm, as numbers that both doors have.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::outbox::{Cap, Durability, Policy};

/// In place of a number of bytes, objects or milliseconds: no limit.
pub(super) const NO_LIMIT: u64 = u64::MAX;

/// A number, or none.
pub(super) fn given(limit: u64) -> Option<u64> {
    (limit != NO_LIMIT).then_some(limit)
}

pub(super) fn durability(number: u8) -> Result<Durability> {
    match number {
        0 => Ok(Durability::Full),
        1 => Ok(Durability::Relaxed),
        other => Err(Error::InvalidArgument(format!("{other} is no durability"))),
    }
}

pub(super) fn cap(max_bytes: u64, max_objects: u64, max_age_ms: u64, policy: u8) -> Result<Cap> {
    Ok(Cap {
        max_bytes: given(max_bytes),
        max_objects: given(max_objects),
        max_age: given(max_age_ms).map(Duration::from_millis),
        policy: match policy {
            0 => Policy::Fail,
            1 => Policy::DropOldest,
            2 => Policy::DropNewest,
            other => return Err(Error::InvalidArgument(format!("{other} is no policy of a cap"))),
        },
    })
}

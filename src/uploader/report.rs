//! What the device says of itself with each batch, for the operator.

use std::time::{SystemTime, UNIX_EPOCH};

use realm_ingest_protocol::DeviceReport;

use crate::outbox::{Outbox, Result};

/// How the outbox is now. Reads it.
pub(super) fn of(outbox: &dyn Outbox) -> Result<DeviceReport> {
    let pending = outbox.pending()?;
    let since = outbox.waiting_since()?;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let clock = i64::try_from(clock.as_millis()).unwrap_or(i64::MAX);
    Ok(DeviceReport {
        clock,
        transactions: pending.transactions,
        objects: pending.objects,
        bytes: pending.bytes,
        // A clock that was set back makes nothing older than it is.
        oldest_age: since.map_or(0, |since| clock.saturating_sub(since).max(0)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

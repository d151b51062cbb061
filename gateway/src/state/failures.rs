//! Wrong passwords, where several gateways have to count them together: who guesses would else have as many tries at each.

use std::time::Duration;

use super::SecretHash;
use crate::auth::Quota;
use crate::backend::Answer;

/// Keeps them as a debt that is paid off as time passes, see [`Quota`]; by a hash of who has failed at what. A state that one gateway
/// has for itself keeps nothing, as it counts in memory.
pub trait Failures {
    /// How long it takes until everything is paid off. More than the quota lets anybody owe was noted by a clock that was ahead, and
    /// is no debt.
    fn debt(&self, _: SecretHash, _: Quota) -> Answer<'_, Duration> {
        Box::pin(async { Ok(Duration::ZERO) })
    }

    /// Counts one more, up to the quota.
    fn add_failure(&self, _: SecretHash, _: Quota) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Remits the debt.
    fn forget_failures(&self, _: SecretHash) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

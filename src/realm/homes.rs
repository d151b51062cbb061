//! Under which user what waits in an outbox is sent.

use std::sync::Arc;

use crate::app::User;
use crate::uploader::core::Core;

/// The session's user has a successor: what waits goes on under it.
pub(crate) fn move_to(core: &Arc<Core>, successor: &User) {
    core.rehome(successor.clone());
}

//! What a session is seen to be doing, and whether its server answers.

use std::sync::MutexGuard;

use super::core::Core;
use super::session::{ConnectionState, SessionState, StopPolicy};
use super::status::Status;

impl Core {
    /// What the loop that runs since `stops` sees. One that was told to stop may still be on its way here, and one that
    /// failed shows when it works again.
    pub(super) fn show_connection(&self, stops: u64, new: ConnectionState) {
        let status = self.status();
        if status.stops == stops && status.is_active() {
            self.set_connection(status, new);
        }
    }

    pub(super) fn disconnected(&self) {
        self.set_connection(self.status(), ConnectionState::Disconnected);
    }

    fn set_connection(&self, mut status: MutexGuard<'_, Status>, new: ConnectionState) {
        let old = std::mem::replace(&mut status.connection, new);
        if old == new {
            return;
        }
        let observers: Vec<_> = status
            .observers
            .iter()
            .map(|(_, observer)| observer.clone())
            .collect();
        if !observers.is_empty() {
            // Queued under the lock, so that changes are told in their order.
            self.app
                .runtime
                .callback(move || observers.iter().for_each(|observer| observer.tell((old, new))));
        }
    }

    pub(super) fn state(&self) -> SessionState {
        let status = self.status();
        match () {
            () if status.ended => SessionState::Inactive,
            () if status.paused => SessionState::Paused,
            () if status.awaits_user() => SessionState::WaitingForAccessToken,
            () if !status.is_active() => SessionState::Inactive,
            () if status.opens == 0 && status.stop == StopPolicy::AfterChangesUploaded => SessionState::Dying,
            () if status.refreshing => SessionState::WaitingForAccessToken,
            () => SessionState::Active,
        }
    }

    pub(super) fn connection(&self) -> ConnectionState {
        self.status().connection
    }
}

//! What the session knows beside its file: what is on its way, what was answered for and has not left, and what went
//! wrong last. Lost with the process.

use std::time::{SystemTime, UNIX_EPOCH};

use super::answered::Answered;
use super::core::Core;
use crate::error::{Code, SyncError};
use crate::outbox::Settlement;

#[derive(Default)]
pub(super) struct Live {
    /// Rows up to here were given to the network, once at least.
    sent: i64,
    /// Rows that were answered for before they could leave: those that are still there leave with others.
    acknowledged: Answered,
    /// The objects of what was answered for since rows left last.
    acknowledged_objects: u64,
    /// Of them, those that were refused.
    refused_objects: u64,
    /// Given to the network since rows left last.
    sent_bytes: u64,
    /// When the server last answered for rows, in milliseconds since 1970.
    answered: Option<i64>,
    error: Option<LastError>,
    /// Objects that the cap took and the error handler has not been told of.
    dropped_objects: Option<u64>,
}

/// The error that a session met last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// The code by its name.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The session has not worked since.
    pub is_current: bool,
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Core {
    /// A batch with rows up to `last` is given to the network, in so many bytes.
    pub(super) fn sends(&self, last: i64, bytes: usize) {
        let mut live = self.live();
        live.sent = live.sent.max(last);
        live.sent_bytes = live.sent_bytes.saturating_add(bytes as u64);
    }

    /// Whether the row, if it is there, was given to the network.
    pub(super) fn was_sent(&self, seq: i64) -> bool {
        seq <= self.live().sent
    }

    /// Whether the server has answered for the row and the file may not say so.
    pub(super) fn is_acknowledged(&self, seq: i64) -> bool {
        self.live().acknowledged.contains(seq)
    }

    /// The newest of those rows, 0 if there is none.
    pub(super) fn acknowledged_through(&self) -> i64 {
        self.live().acknowledged.newest()
    }

    /// The server has answered for rows. Adds what was counted since rows left last.
    pub(super) fn counted(&self, mut settlement: Settlement) -> Settlement {
        // Before anybody hears of the answer.
        self.note_success();
        let mut live = self.live();
        live.answered = Some(now());
        settlement.refused_objects = settlement.refused_objects.saturating_add(live.refused_objects);
        settlement.sent_bytes = live.sent_bytes;
        settlement
    }

    /// The settlement is in the file. Of its rows these stay, each with the number of its objects.
    pub(super) fn concluded(&self, settlement: &Settlement, stay: &[(i64, u64)]) {
        let mut live = self.live();
        if settlement.leave {
            live.acknowledged_objects = 0;
            live.refused_objects = 0;
            live.sent_bytes = live.sent_bytes.saturating_sub(settlement.sent_bytes);
        } else {
            for (seq, objects) in stay {
                live.acknowledged.add(*seq, *seq);
                live.acknowledged_objects = live.acknowledged_objects.saturating_add(*objects);
            }
            live.refused_objects = settlement.refused_objects;
        }
    }

    /// All rows that are there are sent again, and what is answered for them counts then.
    pub(super) fn counts_anew(&self) {
        let mut live = self.live();
        live.acknowledged_objects = 0;
        live.refused_objects = 0;
    }

    /// The server knows rows up to `position` alone: what it had answered for behind that it will be sent again.
    pub(super) fn is_behind(&self, position: i64) {
        self.counts_anew();
        self.live().acknowledged.forget_behind(position);
    }

    /// What was sent and answered for may not be what has those numbers now.
    pub(super) fn begins_anew(&self) {
        self.live().sent = 0;
        self.is_behind(0);
    }

    pub(super) fn acknowledged_objects(&self) -> u64 {
        self.live().acknowledged_objects
    }

    pub(super) fn answered_at(&self) -> Option<i64> {
        self.live().answered
    }

    pub(super) fn note_error(&self, error: &SyncError) {
        self.live().error = Some(LastError {
            code: error.code,
            message: error.message.clone(),
            at: now(),
            is_current: true,
        });
    }

    /// The cap took so many objects. False where others are about to be told of, and these with them.
    pub(super) fn note_dropped(&self, objects: u64) -> bool {
        let mut live = self.live();
        let before = live.dropped_objects;
        live.dropped_objects = Some(before.unwrap_or_default().saturating_add(objects));
        before.is_none()
    }

    /// How many there are to tell of.
    pub(super) fn take_dropped(&self) -> u64 {
        self.live().dropped_objects.take().unwrap_or_default()
    }

    pub(super) fn note_success(&self) {
        if let Some(error) = &mut self.live().error {
            error.is_current = false;
        }
    }

    pub(super) fn last_error(&self) -> Option<LastError> {
        self.live().error.clone()
    }
}

//! A session that is bound: its file, uploads that wait, and acknowledgements that do.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::limits;
use crate::device_sync::bound_files::Claim;
use crate::device_sync::file::File;
use crate::device_sync::file::decode::Upload;
use crate::device_sync::session::Stored;
use crate::metrics::Held;

/// See the module.
pub(super) struct Bound {
    /// None while something is done for it, and before it is identified.
    pub file: Option<Box<File>>,
    pub claim: Option<Claim>,
    queue: VecDeque<(Upload, Held)>,
    /// What is stored and not acknowledged yet.
    stored: Option<Stored>,
    /// When the next acknowledgement may be sent.
    due: Instant,
    _counted: Held,
}

impl Bound {
    pub fn new(counted: Held) -> Self {
        Self {
            file: None,
            claim: None,
            queue: VecDeque::new(),
            stored: None,
            due: Instant::now(),
            _counted: counted,
        }
    }

    /// Bytes of it that count in the queue.
    pub fn weight(upload: &Upload) -> usize {
        upload.body.len() + limits::BESIDE
    }

    /// One more waits.
    pub fn push(&mut self, upload: Upload, counted: Held) {
        self.queue.push_back((upload, counted));
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.queue.iter().map(|(upload, _)| Self::weight(upload)).sum()
    }

    /// The file with the next uploads, if there are some and nothing is done for it.
    pub fn next(&mut self) -> Option<(Box<File>, VecDeque<Upload>)> {
        if self.queue.is_empty() {
            return None;
        }
        let file = self.file.take()?;
        let (mut next, mut bytes) = (VecDeque::new(), 0);
        while let Some((upload, _)) = self.queue.front() {
            bytes += upload.header.uncompressed;
            if bytes > limits::AT_ONCE && !next.is_empty() {
                break;
            }
            next.extend(self.queue.pop_front().map(|(upload, _)| upload));
        }
        Some((file, next))
    }

    /// More is stored.
    pub fn add(&mut self, more: Stored) {
        let stored = self.stored.get_or_insert_default();
        stored.progress_client = stored.progress_client.max(more.progress_client);
        stored.refused.extend(more.refused);
        stored.unnamed += more.unnamed;
    }

    /// When something is to be acknowledged.
    pub fn due(&self) -> Option<Instant> {
        self.stored.as_ref().map(|_| self.due)
    }

    /// What is to be acknowledged at `now`.
    pub fn acknowledged(&mut self, now: Instant) -> Option<Stored> {
        if self.due > now {
            return None;
        }
        let stored = self.stored.take()?;
        self.due = now + limits::BETWEEN_ACKNOWLEDGEMENTS;
        Some(stored)
    }

    /// The same without regard to the time.
    pub fn acknowledged_at_last(&mut self) -> Option<Stored> {
        self.stored.take()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::metrics::Metrics;

    fn stored(progress_client: u64, unnamed: u64) -> Stored {
        Stored {
            progress_client,
            unnamed,
            ..Stored::default()
        }
    }

    #[test]
    fn the_first_acknowledgement_is_sent_at_once_and_the_next_ones_are_merged() {
        let mut bound = Bound::new(Metrics::default().device_sync.session());
        let now = Instant::now();
        assert_eq!((bound.due(), bound.acknowledged(now)), (None, None));
        bound.add(stored(5, 0));
        assert_eq!(bound.acknowledged(now), Some(stored(5, 0)));
        bound.add(stored(6, 1));
        bound.add(stored(8, 2));
        let due = bound.due().unwrap();
        assert_eq!(due, now + limits::BETWEEN_ACKNOWLEDGEMENTS);
        assert_eq!(bound.acknowledged(now), None);
        assert_eq!(bound.acknowledged(due), Some(stored(8, 3)));
        assert_eq!(bound.due(), None);
        bound.add(stored(9, 0));
        assert_eq!(bound.acknowledged_at_last(), Some(stored(9, 0)));
    }
}

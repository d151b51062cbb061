//! How far the upload is, for who asked to be told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::Core;
use super::live::{LastError, now};
use super::observer::{Observer, Token};
use crate::outbox::{self, Tally};

/// How far the upload of a realm is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// From 0 to 1: what the server has answered for, of that and of what waits, since nothing waited last. 1 where nothing
    /// waits.
    pub fraction: f64,
    /// Objects that the server has answered for since nothing waited last.
    pub uploaded_objects: u64,
    /// Objects that wait.
    pub waiting_objects: u64,
}

/// How far the upload of one outbox is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upload {
    /// Objects that the server has answered for, ever.
    sent: u64,
    /// Those of them since nothing waited last.
    of_round: u64,
    waiting: u64,
}

/// The outboxes of a realm as one: which of them have had anything to send since nothing waited in any.
pub(crate) struct Rounds {
    outboxes: Vec<Round>,
    /// Nothing waits in any: what waits or is sent next begins another round.
    over: bool,
    told: Option<Progress>,
}

struct Round {
    /// As it was seen last.
    sent: u64,
    takes_part: bool,
}

impl Rounds {
    /// From how they are now.
    pub(crate) fn begin(uploads: &[Upload]) -> Rounds {
        let round = |upload: &Upload| Round {
            sent: upload.sent,
            takes_part: false,
        };
        Rounds {
            outboxes: uploads.iter().map(round).collect(),
            over: true,
            told: None,
        }
    }

    /// What there is to tell, if that is another thing than before, with the outboxes in the same order.
    pub(crate) fn progress(&mut self, uploads: &[Upload]) -> Option<Progress> {
        let rounds = || self.outboxes.iter().zip(uploads);
        let goes_on = rounds().any(|(round, upload)| upload.waiting > 0 || round.sent != upload.sent);
        if self.over && goes_on {
            self.outboxes
                .iter_mut()
                .for_each(|round| round.takes_part = false);
        }
        let (mut uploaded, mut waiting) = (0_u64, 0_u64);
        for (round, upload) in self.outboxes.iter_mut().zip(uploads) {
            round.takes_part |= upload.waiting > 0 || round.sent != upload.sent;
            round.sent = upload.sent;
            if round.takes_part {
                uploaded = uploaded.saturating_add(upload.of_round);
                waiting = waiting.saturating_add(upload.waiting);
            }
        }
        self.over = waiting == 0;
        let all = uploaded.saturating_add(waiting);
        let progress = Progress {
            fraction: if waiting == 0 {
                1.0
            } else {
                uploaded as f64 / all as f64
            },
            uploaded_objects: uploaded,
            waiting_objects: waiting,
        };
        let is_news = self.told.replace(progress) != Some(progress);
        is_news.then_some(progress)
    }
}

/// What a realm holds and how its upload goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadStatus {
    /// What the files say.
    pub tally: Tally,
    /// For how long the oldest transaction that waits has done so, in milliseconds.
    pub oldest_age: Option<i64>,
    /// When the server last answered for transactions, in milliseconds since 1970.
    pub last_acknowledged: Option<i64>,
    /// What went wrong last, in this process.
    pub last_error: Option<LastError>,
}

impl UploadStatus {
    /// Of two outboxes as one.
    pub(crate) fn with(self, other: UploadStatus) -> UploadStatus {
        let errors = self.last_error.into_iter().chain(other.last_error);
        UploadStatus {
            tally: self.tally.with(&other.tally),
            oldest_age: self.oldest_age.max(other.oldest_age),
            last_acknowledged: self.last_acknowledged.max(other.last_acknowledged),
            last_error: errors.max_by_key(|error| (error.is_current, error.at)),
        }
    }
}

pub(super) type ProgressObserver = Observer<()>;

impl Core {
    /// # Errors
    /// The outbox could not be read.
    pub(crate) fn upload_status(&self) -> outbox::Result<UploadStatus> {
        let tally = self.outbox.tally()?;
        Ok(UploadStatus {
            tally,
            // A clock that was set back makes nothing older than it is.
            oldest_age: tally
                .waiting_since
                .map(|since| now().saturating_sub(since).max(0)),
            last_acknowledged: self.answered_at().max(tally.acknowledged),
            last_error: self.last_error(),
        })
    }

    /// # Errors
    /// The outbox could not be read.
    pub(crate) fn upload(&self) -> outbox::Result<Upload> {
        let acknowledged = self.acknowledged_objects();
        let tally = self.outbox.tally()?;
        // They are there still.
        let acknowledged = acknowledged.min(tally.waiting.objects);
        Ok(Upload {
            sent: tally.sent_objects.saturating_add(acknowledged),
            of_round: tally.round_objects.saturating_add(acknowledged),
            waiting: tally.waiting.objects - acknowledged,
        })
    }

    /// The number of one more observer, and what it is known by.
    pub(crate) fn next_token(&self) -> u64 {
        self.tokens.next()
    }

    pub(crate) fn token(&self, number: u64) -> Token {
        self.tokens.token(number)
    }

    /// Calls back whenever the upload may have come farther or have farther to go, until [`Core::unobserve_progress`].
    pub(crate) fn observe_progress(&self, token: Token, observer: impl Fn() + Send + Sync + 'static) {
        let observer = Arc::new(Observer::new(Box::new(move |()| observer())));
        self.status().progress_observers.push((token, observer));
        self.progress_observed.store(true, Ordering::Release);
    }

    pub(crate) fn unobserve_progress(&self, token: Token) {
        let gone: Vec<_> = {
            let mut status = self.status();
            let observers = &mut status.progress_observers;
            let gone = observers.extract_if(.., |(known, _)| *known == token).collect();
            self.progress_observed
                .store(!observers.is_empty(), Ordering::Release);
            gone
        };
        self.end_observers(gone);
    }

    /// Tells the observers some time soon, once for all changes until then.
    pub(crate) fn tell_progress(self: &Arc<Self>) {
        let is_wanted = self.progress_observed.load(Ordering::Acquire);
        if !is_wanted || self.progress_queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let core = self.clone();
        self.app.runtime.callback(move || {
            // First: what changes from here on is told by another call.
            core.progress_queued.store(false, Ordering::Release);
            let observers: Vec<_> = core
                .status()
                .progress_observers
                .iter()
                .map(|(_, observer)| observer.clone())
                .collect();
            observers.iter().for_each(|observer| observer.tell(()));
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn upload(sent: u64, of_round: u64, waiting: u64) -> Upload {
        Upload {
            sent,
            of_round,
            waiting,
        }
    }

    #[test]
    fn outboxes_that_send_at_the_same_time_are_one_round() {
        let mut rounds = Rounds::begin(&[upload(100, 100, 0), upload(0, 0, 0)]);
        let mut at = |uploads: [Upload; 2]| {
            let progress = rounds.progress(&uploads)?;
            Some((
                progress.uploaded_objects,
                progress.waiting_objects,
                progress.fraction,
            ))
        };
        assert_eq!(
            at([upload(100, 100, 0), upload(0, 0, 0)]),
            Some((0, 0, 1.0)),
            "it is over"
        );
        assert_eq!(at([upload(100, 0, 4), upload(0, 0, 0)]), Some((0, 4, 0.0)));
        assert_eq!(
            at([upload(104, 4, 0), upload(0, 0, 4)]),
            Some((4, 4, 0.5)),
            "the first counts still"
        );
        assert_eq!(at([upload(104, 4, 0), upload(4, 4, 0)]), Some((8, 0, 1.0)));
        assert_eq!(at([upload(104, 4, 0), upload(4, 4, 0)]), None, "that is no news");
        assert_eq!(
            at([upload(104, 4, 0), upload(4, 0, 1)]),
            Some((0, 1, 0.0)),
            "another round"
        );
        let short = at([upload(106, 2, 0), upload(5, 1, 0)]);
        assert_eq!(short, Some((3, 0, 1.0)), "what was sent between two looks counts");
    }

    #[test]
    fn what_was_sent_before_the_first_look_counts() {
        let mut rounds = Rounds::begin(&[upload(100, 100, 0)]);
        let progress = rounds.progress(&[upload(102, 2, 0)]).unwrap();
        assert_eq!((progress.uploaded_objects, progress.fraction), (2, 1.0));
    }
}

//! How a session keeps to its policy: it waits for the time to send, asks the application, and keeps to the rate.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Uploader;
use super::core::Core;
use super::gate::{Budget, UploadPolicy};
use super::policy::Stop;
use super::sending::finish_waits;

/// A policy and what was made of it: one for all sessions of a realm.
pub(crate) struct Gate {
    policy: UploadPolicy,
    budget: Option<Mutex<Budget>>,
    refusal: Mutex<Refusal>,
}

/// The application's last no.
#[derive(Default)]
struct Refusal {
    /// It holds until then.
    until: Option<Instant>,
    /// How often the application was to be asked anew. A no that was asked for before that and comes after it does
    /// not hold.
    overruled: u64,
}

/// Why nothing may be sent now.
enum Closed {
    /// No window is open; to be looked at again after this.
    NoWindow(Duration),
    /// The application said no; to be asked again after this.
    Refused(Duration),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    pub(crate) fn new(policy: UploadPolicy) -> Gate {
        let budget = policy
            .bytes_per_second
            .map(|rate| Mutex::new(Budget::new(rate, Instant::now())));
        Gate {
            policy,
            budget,
            refusal: Mutex::default(),
        }
    }

    pub(crate) fn policy(&self) -> &UploadPolicy {
        &self.policy
    }

    /// The application is asked again.
    pub(super) fn ask_anew(&self) {
        let mut refusal = lock(&self.refusal);
        refusal.until = None;
        refusal.overruled += 1;
    }

    fn overruled(&self) -> u64 {
        lock(&self.refusal).overruled
    }

    /// The application said no when it was asked, at that time.
    fn refuse(&self, overruled: u64, pause: Duration) {
        let mut refusal = lock(&self.refusal);
        if refusal.overruled == overruled {
            refusal.until = Instant::now().checked_add(pause);
        }
    }

    fn closed(&self, second_of_day: u32) -> Option<Closed> {
        if let Some(wait) = self.policy.until_window(second_of_day) {
            return Some(Closed::NoWindow(wait));
        }
        let until = lock(&self.refusal).until?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(Closed::Refused(wait))
    }
}

impl Core {
    /// How long the next batch has to wait for the rate; none where it may go at once.
    pub(super) fn until_paid(&self) -> Option<Duration> {
        let choices = self.choices();
        let budget = choices.gate.budget.as_ref()?;
        lock(budget).wait(choices.is_urgent, Instant::now())
    }

    /// Waits until the rate lets the next batch go.
    pub(super) async fn pace(&self) {
        while let Some(wait) = self.until_paid() {
            self.app.clock.sleep(wait).await;
        }
    }

    /// A body of this size is sent.
    pub(super) fn spend(&self, bytes: usize) {
        let choices = self.choices();
        if let Some(budget) = &choices.gate.budget {
            lock(budget).spend(bytes, choices.is_urgent, Instant::now());
        }
    }
}

impl Uploader {
    fn closed(&self) -> Option<Closed> {
        let gate = self.core.gate();
        if !gate.policy.is_conditional() {
            return None;
        }
        gate.closed(self.core.app.clock.second_of_day())
    }

    /// Waits until there is something to send and the policy allows it at this time. False if there is nothing left to do
    /// for a session that nobody has open. No timer is set while nothing waits.
    pub(super) async fn until_admitted(&mut self) -> bool {
        if !self.core.gate().policy.is_conditional() {
            return true;
        }
        self.blocked = false;
        loop {
            // Read first: what is written from here on is noticed by `idle`.
            self.version = self.version().await;
            self.look_around().await;
            if !self.core.has_waits() && !self.has_pending().await {
                if self.core.is_dying() {
                    return false;
                }
                self.idle().await;
                continue;
            }
            self.gather().await;
            let clock = self.core.app.clock.clone();
            let (wait, was_refused) = match self.closed() {
                None => return true,
                Some(Closed::NoWindow(wait)) => (wait, false),
                Some(Closed::Refused(wait)) => (wait, true),
            };
            tokio::select! {
                () = clock.sleep(wait) => if was_refused {
                    self.core.gate().ask_anew();
                },
                () = self.core.hurry.notified() => {}
                () = self.tidy() => {}
            }
        }
    }

    /// What another process sent meanwhile ends waits here.
    async fn look_around(&self) {
        if let Err(error) = finish_waits(&self.core).await {
            log::debug!(target: "ingest::outbox", "waits could not be looked at: {error}");
        }
        self.core.tell_progress();
    }

    /// Asks the policy, and the application if it wants to be asked.
    pub(super) async fn admitted(&self) -> Result<(), Stop> {
        if self.closed().is_some() {
            return Err(Stop::NotNow);
        }
        let gate = self.core.gate();
        let Some(may_upload) = gate.policy.may_upload.clone() else {
            return Ok(());
        };
        let overruled = gate.overruled();
        let (sender, answer) = oneshot::channel();
        self.core.app.runtime.callback(move || {
            // Nobody waits for it where the session was stopped meanwhile.
            let _ = sender.send(may_upload());
        });
        // A callback that panics has not said yes.
        if answer.await.unwrap_or(false) {
            return Ok(());
        }
        let pause = gate.policy.pause_after_no();
        log::debug!(target: "ingest::session", "the application allows no upload; it is asked again in {pause:?}");
        gate.refuse(overruled, pause);
        Err(Stop::NotNow)
    }

    /// Gives what is written a moment to become more, counted from when it was first seen to wait.
    pub(super) async fn gather(&mut self) {
        let choices = self.core.choices();
        let delay = choices.gate.policy.batch_delay;
        if delay.is_zero() || choices.is_urgent {
            return;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            let left = delay.saturating_sub(since.elapsed());
            let is_urged = self.core.is_dying() || self.core.has_waits() || self.core.has_waiting_threads();
            if left.is_zero() || is_urged || self.fills_a_batch().await {
                return;
            }
            tokio::select! {
                () = self.core.app.clock.sleep(left) => return,
                () = self.core.work.notified() => {}
            }
        }
    }

    async fn fills_a_batch(&self) -> bool {
        let pending = self.outbox(|outbox| outbox.pending()).await;
        // One that cannot be read is met by what follows.
        pending.map_or(true, |pending| pending.bytes >= self.size.target())
    }
}

//! Who may have a mail sent. A place among those that wait is taken before anything else is done for a mail, and neither one
//! mailbox nor one client gets more than his part of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::MailError;
use crate::auth::{Address, Ledger, Quota, Used};

/// How many mails there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailLimits {
    /// Mails that wait or are being sent, of some kilobytes each.
    pub waiting: usize,
    /// Mails to one mailbox, whoever asks for them.
    pub mailbox: Quota,
    /// Mails that one client address asks for, to whomever.
    pub client: Quota,
    /// This machine itself, and proxies on it that were not named as trusted, may ask for so many times as much.
    pub loopback_times: u32,
}

impl Default for MailLimits {
    fn default() -> Self {
        Self {
            waiting: 1_000,
            // Those that are good at a time for each purpose, and then as many in the half hour that they are good for.
            mailbox: Quota {
                burst: 5,
                each: Duration::from_secs(6 * 60),
            },
            // A class or an office that registers together; nobody fills what waits, also where a mail server hangs.
            client: Quota {
                burst: 50,
                each: Duration::from_secs(10),
            },
            loopback_times: 10,
        }
    }
}

/// See the module. Any thread may ask.
pub(super) struct Places {
    limits: MailLimits,
    waiting: Arc<Semaphore>,
    mailboxes: Ledger,
    clients: Used,
}

/// A place that is taken. What it cost is given back when no mail takes it.
pub(super) struct Taken {
    places: Arc<Places>,
    waiting: Option<OwnedSemaphorePermit>,
    mailbox: String,
    from: Address,
}

impl Places {
    pub(super) fn new(limits: MailLimits, now: Instant) -> Self {
        Self {
            limits,
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            mailboxes: Ledger::new(now),
            clients: Used::new(now),
        }
    }

    /// Takes one for a mail that a client asks for.
    pub(super) fn take(self: &Arc<Self>, to: &str, from: Address, now: Instant) -> Result<Taken, MailError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| MailError::Busy)?;
        let of_client = self.of_client(from);
        let taken = self.clients.take(from, "", of_client, now);
        taken.map_err(MailError::TooManyFromAddress)?;
        // Case matters to few mail servers, and to no flood.
        let mailbox = to.to_lowercase();
        let taken = self.mailboxes.take(&mailbox, self.limits.mailbox, now);
        taken.map_err(|wait| {
            self.clients.give_back(from, "", of_client);
            MailError::TooManyToMailbox(wait)
        })?;
        Ok(Taken {
            places: Arc::clone(self),
            waiting: Some(waiting),
            mailbox,
            from,
        })
    }

    fn of_client(&self, from: Address) -> Quota {
        from.share(self.limits.client, self.limits.loopback_times)
    }
}

impl Taken {
    /// For a mail that waits from now on: until the answer is dropped.
    pub(super) fn use_it(mut self) -> Option<OwnedSemaphorePermit> {
        self.waiting.take()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.waiting.is_some() {
            let (places, from) = (&self.places, self.from);
            places.mailboxes.give_back(&self.mailbox, places.limits.mailbox);
            places.clients.give_back(from, "", places.of_client(from));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::net::IpAddr;

    use super::*;

    fn client(last: u8) -> Address {
        Address::from(IpAddr::from([192, 0, 2, last]))
    }

    fn places(limits: MailLimits) -> (Arc<Places>, Instant) {
        let now = Instant::now();
        (Arc::new(Places::new(limits, now)), now)
    }

    /// Whether a mail can be sent, which has left at once.
    fn send(places: &Arc<Places>, to: &str, from: Address, now: Instant) -> Result<(), MailError> {
        places.take(to, from, now).map(|taken| drop(taken.use_it()))
    }

    #[test]
    fn a_mailbox_gets_five_mails_whoever_asks_and_then_ten_an_hour() {
        let (places, now) = places(MailLimits::default());
        for from in 0..5 {
            send(&places, "me@example.com", client(from), now).unwrap();
        }
        let wait = Duration::from_secs(360);
        let refused = send(&places, "ME@Example.com", client(6), now).unwrap_err();
        assert!(matches!(refused, MailError::TooManyToMailbox(time) if time == wait));
        send(&places, "you@example.com", client(6), now).unwrap();
        send(&places, "me@example.com", client(6), now + wait).unwrap();
    }

    #[test]
    fn a_client_asks_for_fifty_mails_at_once_and_others_have_places_left() {
        let (places, now) = places(MailLimits::default());
        let mut waiting = Vec::new();
        let refused = loop {
            let to = format!("{}@example.com", waiting.len());
            match places.take(&to, client(1), now) {
                Ok(taken) => waiting.push(taken.use_it()),
                Err(refused) => break refused,
            }
        };
        assert_eq!(waiting.len(), 50);
        assert!(matches!(refused, MailError::TooManyFromAddress(time) if time.as_secs() == 10));
        send(&places, "me@example.com", client(2), now).unwrap();
    }

    #[test]
    fn what_is_full_is_said_and_a_place_that_no_mail_took_has_cost_nothing() {
        let (places, now) = places(MailLimits {
            waiting: 1,
            ..MailLimits::default()
        });
        for _ in 0..100 {
            let taken = places.take("me@example.com", client(1), now).unwrap();
            let other = places.take("you@example.com", client(2), now);
            assert!(matches!(other, Err(MailError::Busy)));
            drop(taken);
        }
    }
}

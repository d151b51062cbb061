//! Which of several addresses of one service is asked. Pure but for a lock: no clock, no I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::transport::{FailureKind, Response};

/// While another address serves, the first is tried again this often, with one small request beside those that are made
/// anyway.
const LOOK_BACK: Duration = Duration::from_secs(60);

/// Where requests go. The first address is the one that is preferred.
pub(super) struct Failover {
    count: usize,
    state: Mutex<State>,
}

struct State {
    current: usize,
    /// When the first is to be tried again; it is none while that is under way, and while the first serves.
    look_back: Option<Instant>,
}

impl Failover {
    pub(super) fn new(count: usize) -> Failover {
        Failover {
            count,
            state: Mutex::new(State {
                current: 0,
                look_back: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn current(&self) -> usize {
        self.state().current
    }

    /// The address could not be reached: others are asked from now on. The next one, unless another request has found out
    /// before.
    pub(super) fn failed(&self, index: usize, now: Instant) -> Option<usize> {
        let mut state = self.state();
        if state.current != index || self.count < 2 {
            return None;
        }
        state.current = (index + 1) % self.count;
        if index == 0 {
            state.look_back = now.checked_add(LOOK_BACK);
        } else if state.current == 0 {
            state.look_back = None;
        }
        Some(state.current)
    }

    /// Whether the first is to be tried again now. Whoever is told so does, and says what came of it.
    pub(super) fn looks_back(&self, now: Instant) -> bool {
        let mut state = self.state();
        let is_due = state.look_back.is_some_and(|at| at <= now);
        if is_due {
            state.look_back = None;
        }
        is_due
    }

    /// The first was tried again.
    pub(super) fn looked_back(&self, answers: bool, now: Instant) {
        let mut state = self.state();
        if answers {
            state.current = 0;
            state.look_back = None;
        } else if state.current != 0 {
            state.look_back = now.checked_add(LOOK_BACK);
        }
    }

    /// The first is tried again with the next request.
    pub(super) fn hurry(&self, now: Instant) {
        let mut state = self.state();
        if state.look_back.is_some() {
            state.look_back = Some(now);
        }
    }
}

/// Whether the service cannot be reached by the address that was asked, though perhaps by another. A 502, 503 or 504
/// that does not say when to come back is of a proxy without a server behind it.
pub(super) fn is_unreachable(response: &Response) -> bool {
    response.is_failed() || (matches!(response.status, 502..=504) && response.header("retry-after").is_none())
}

/// Whether nothing of the request can have been done, so that it can be made elsewhere at once.
pub(super) fn was_not_made(response: &Response) -> bool {
    let kind = response.failure.as_ref().map(|failure| failure.kind);
    matches!(kind, Some(FailureKind::Connect | FailureKind::Tls))
}

/// Whether the host that the location named may have moved, or never was one: a name that leads to no server, or to another
/// one, is not kept until the program ends.
pub(super) fn is_lost(response: &Response) -> bool {
    response.is_failed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_gives_way_to_the_next_and_the_last_to_the_first() {
        let now = Instant::now();
        let failover = Failover::new(3);
        assert_eq!(failover.failed(0, now), Some(1));
        assert_eq!(failover.current(), 1);
        assert_eq!(failover.failed(0, now), None);
        assert_eq!(failover.current(), 1, "who fails late is too late");
        failover.failed(1, now);
        failover.failed(2, now);
        assert_eq!(failover.current(), 0);
        assert!(!failover.looks_back(now + 2 * LOOK_BACK), "it is there");
    }

    #[test]
    fn the_only_address_stays() {
        let failover = Failover::new(1);
        failover.failed(0, Instant::now());
        assert_eq!(failover.current(), 0);
    }

    #[test]
    fn the_first_is_tried_again_after_a_while_by_one_and_used_once_it_answers() {
        let now = Instant::now();
        let failover = Failover::new(2);
        failover.failed(0, now);
        assert!(!failover.looks_back(now));
        let later = now + LOOK_BACK;
        assert!(failover.looks_back(later));
        assert!(!failover.looks_back(later), "one is enough");
        failover.looked_back(false, later);
        assert_eq!(failover.current(), 1);
        assert!(!failover.looks_back(later));
        failover.hurry(later);
        assert!(failover.looks_back(later));
        failover.looked_back(true, later);
        assert_eq!(failover.current(), 0);
        assert!(!failover.looks_back(later + LOOK_BACK));
    }

    #[test]
    fn a_server_that_says_when_to_come_back_is_there() {
        let answer = |status, headers: &[(&str, &str)]| Response {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Response::default()
        };
        assert!(is_unreachable(&answer(502, &[])));
        assert!(is_unreachable(&answer(503, &[])));
        assert!(!is_unreachable(&answer(503, &[("Retry-After", "5")])));
        assert!(!is_unreachable(&answer(500, &[])));
        let broken = Response::failed(FailureKind::Broken, "half way");
        assert!(is_unreachable(&broken) && !was_not_made(&broken));
        assert!(was_not_made(&Response::failed(FailureKind::Connect, "refused")));
    }
}

//! Sessions that an application sees as one: what each tells, as the one would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::session::{ConnectionState, SessionState};
use crate::error::Result;

pub(super) type Done = Box<dyn FnOnce(Result<()>) + Send>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state that says most about what does not go on: inactive before waiting for a token, paused, dying, active.
pub(super) fn state(states: impl Iterator<Item = SessionState>) -> SessionState {
    let rank = |state: &SessionState| match state {
        SessionState::Inactive => 0,
        SessionState::WaitingForAccessToken => 1,
        SessionState::Paused => 2,
        SessionState::Dying => 3,
        SessionState::Active => 4,
    };
    states.min_by_key(rank).unwrap_or(SessionState::Inactive)
}

/// Connected only where all are.
pub(super) fn connection(states: impl Iterator<Item = ConnectionState>) -> ConnectionState {
    states
        .min_by_key(|state| *state as u8)
        .unwrap_or(ConnectionState::Disconnected)
}

/// Callbacks for the ends of so many waits, of which one calls `done`: the last one, or the first that failed.
pub(super) fn waits(count: usize, done: Done) -> Vec<Done> {
    let together = Arc::new(Mutex::new((count, Some(done))));
    (0..count)
        .map(|_| {
            let together = together.clone();
            Box::new(move |result: Result<()>| {
                let mut state = lock(&together);
                state.0 -= 1;
                let ends = state.0 == 0 || result.is_err();
                let done = if ends { state.1.take() } else { None };
                drop(state);
                if let Some(done) = done {
                    done(result);
                }
            }) as Done
        })
        .collect()
}

/// The connections of several sessions, observed as one.
pub(super) struct Connections<F> {
    states: Mutex<Vec<ConnectionState>>,
    observer: F,
}

impl<F: Fn(ConnectionState, ConnectionState)> Connections<F> {
    pub(super) fn new(count: usize, observer: F) -> Connections<F> {
        Connections {
            states: Mutex::new(vec![ConnectionState::Disconnected; count]),
            observer,
        }
    }

    /// Nobody is told of changes before this is dropped, so that the states to begin with can be set.
    pub(super) fn states(&self) -> MutexGuard<'_, Vec<ConnectionState>> {
        lock(&self.states)
    }

    /// One of them has changed. To be called on the thread for callbacks alone.
    pub(super) fn changed(&self, index: usize, new: ConnectionState) {
        let mut states = self.states();
        let before = connection(states.iter().copied());
        if let Some(state) = states.get_mut(index) {
            *state = new;
        }
        let after = connection(states.iter().copied());
        drop(states);
        if before != after {
            (self.observer)(before, after);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::mpsc::channel;

    use super::*;
    use crate::error::Error;

    #[test]
    fn the_state_is_the_one_that_is_farthest_from_going_on() {
        let of = |states: &[SessionState]| state(states.iter().copied());
        assert_eq!(
            of(&[SessionState::Active, SessionState::Inactive]),
            SessionState::Inactive
        );
        assert_eq!(
            of(&[SessionState::Active, SessionState::WaitingForAccessToken]),
            SessionState::WaitingForAccessToken
        );
        assert_eq!(of(&[]), SessionState::Inactive);
        let connections = [ConnectionState::Connected, ConnectionState::Connecting];
        assert_eq!(connection(connections.into_iter()), ConnectionState::Connecting);
    }

    #[test]
    fn waits_end_with_the_last_or_with_the_first_that_fails() {
        let begin = || {
            let (sender, ended) = channel();
            let done: Done = Box::new(move |result| sender.send(result.is_ok()).unwrap());
            let mut waits = waits(2, done).into_iter();
            (waits.next().unwrap(), waits.next().unwrap(), ended)
        };
        let (first, second, ended) = begin();
        first(Ok(()));
        assert!(ended.try_recv().is_err());
        second(Ok(()));
        assert!(ended.recv().unwrap());

        let (first, second, ended) = begin();
        first(Err(Error::aborted()));
        assert!(!ended.recv().unwrap());
        second(Ok(()));
        assert!(ended.recv().is_err(), "told once");
    }

    #[test]
    fn a_connection_is_told_of_once_it_is_the_one_of_all() {
        let (sender, told) = channel();
        let connections = Connections::new(2, move |old, new| sender.send((old, new)).unwrap());
        connections.states()[0] = ConnectionState::Connected;
        connections.changed(1, ConnectionState::Connecting);
        connections.changed(1, ConnectionState::Connected);
        connections.changed(0, ConnectionState::Disconnected);
        let told: Vec<_> = told.try_iter().collect();
        use ConnectionState::{Connected, Connecting, Disconnected};
        assert_eq!(
            told,
            [
                (Disconnected, Connecting),
                (Connecting, Connected),
                (Connected, Disconnected)
            ]
        );
    }
}

//! Who is told of a realm while it is open: what an observer uses goes with the realm as a rule, and is not to be used
//! after it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Realm;
use super::lane::Lane;
use crate::error::{Error, Result};
use crate::process;
use crate::uploader::session::ConnectionState;

/// What an observer is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Progress,
    Connection,
}

/// The observers that are there, by their numbers.
#[derive(Default)]
pub(super) struct Observers(Mutex<Vec<(Subject, u64)>>);

impl Observers {
    fn known(&self) -> MutexGuard<'_, Vec<(Subject, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Realm {
    /// Calls back on the app's thread for callbacks with the old and the new state at every change of the session's
    /// connection, until [`Realm::unobserve_connection`] or until the realm is closed. Those of [`Realm::session`] are
    /// called back for as long as the session lives.
    ///
    /// # Errors
    /// The realm is closed.
    pub fn observe_connection(
        &self,
        observer: impl Fn(ConnectionState, ConnectionState) + Send + Sync + 'static,
    ) -> Result<u64> {
        self.check_open()?;
        let number = self.session().observe_connection(observer);
        self.keep_observer(Subject::Connection, number)?;
        Ok(number)
    }

    /// As [`Realm::unobserve_progress`].
    pub fn unobserve_connection(&self, number: u64) {
        self.end_observer(Subject::Connection, number);
    }

    /// Has an observer that is there end with the realm.
    ///
    /// # Errors
    /// The realm was closed meanwhile, and the observer has ended.
    pub(super) fn keep_observer(&self, subject: Subject, number: u64) -> Result<()> {
        self.observers.known().push((subject, number));
        if self.is_closed() {
            // The close may have looked before.
            self.end_observers();
            return Err(Error::Closed);
        }
        Ok(())
    }

    pub(super) fn end_observer(&self, subject: Subject, number: u64) {
        if !process::is_foreign() {
            self.observers.known().retain(|known| *known != (subject, number));
            self.silence(subject, number);
        }
    }

    /// When this returns none is running, unless that is the caller itself.
    pub(super) fn end_observers(&self) {
        if process::is_foreign() {
            return;
        }
        let known = std::mem::take(&mut *self.observers.known());
        for (subject, number) in known {
            self.silence(subject, number);
        }
    }

    fn silence(&self, subject: Subject, number: u64) {
        match subject {
            Subject::Progress => {
                let Some(main) = self.main.last_core() else { return };
                let token = main.token(number);
                let cores = self.lanes().filter_map(Lane::last_core);
                cores.for_each(|core| core.unobserve_progress(token));
            }
            Subject::Connection => self.session().unobserve_connection(number),
        }
    }
}

//! The jobs of a connection: which begin, what becomes of them, and what is acknowledged of that.

use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::task::{Id, JoinError};
use tokio::time::Instant;
use tracing::{Instrument, info};

use super::bound::Bound;
use super::closing::End;
use super::job::Outcome;
use super::told::farewell;
use super::{Connection, limits};
use crate::device_sync::file;
use crate::device_sync::file::failure::{Ending, internal};
use crate::device_sync::session::{Binding, CloseCode, Stored};

impl<W: AsyncWrite + Unpin> Connection<W> {
    /// Stores the next uploads of a session, unless some are being stored, when it is its turn.
    pub(super) fn go_on(&mut self, binding: Binding) {
        if !self.ready.contains(&binding) {
            self.ready.push_back(binding);
        }
        self.start();
    }

    /// Stores what is ready. What is stored is answered, so nothing is while the client does not read.
    pub(super) fn start(&mut self) {
        while !self.is_stopping
            && self.writer.waiting() < limits::ANSWERS
            && self.jobs.len() < limits::STORING
            && let Some(binding) = self.ready.pop_front()
        {
            let next = self.bound.get_mut(&binding).and_then(Bound::next);
            if let Some((file, uploads)) = next {
                self.queued -= uploads.iter().map(Bound::weight).sum::<usize>();
                let (client, account) = (Arc::clone(&self.client), self.account.another());
                self.run_job(binding, async move {
                    Outcome::Stored(file::store(client, file, uploads, account).await)
                });
            }
        }
    }

    pub(super) fn run_job(&mut self, binding: Binding, job: impl Future<Output = Outcome> + Send + 'static) {
        let handle = self.jobs.spawn(job.in_current_span());
        self.jobs_of.insert(handle.id(), binding);
        self.begin();
    }

    pub(super) fn done(&mut self, done: Result<(Id, Outcome), JoinError>) -> Result<(), End> {
        let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(binding) = self.jobs_of.remove(&id) else {
            return Ok(());
        };
        match done {
            Ok((_, Outcome::Allocated(Ok(file)))) => {
                let effects = self.sessions.allocated(binding, file);
                self.all(effects)
            }
            Ok((_, Outcome::Identified(Ok(file)))) => {
                let (ident, client) = (file.name.ident, &self.client);
                let version = client.version.number();
                info!(ident, version, agent = %client.agent, "a file is bound");
                match self.bound.get_mut(&binding) {
                    Some(bound) => bound.file = Some(file),
                    None => farewell(&file),
                }
                let effects = self.sessions.identified(binding);
                self.all(effects)?;
                self.go_on(binding);
                Ok(())
            }
            Ok((_, Outcome::Allocated(Err(ending)) | Outcome::Identified(Err(ending)))) => {
                self.failed(binding, ending)
            }
            Ok((_, Outcome::Stored(done))) => self.stored(binding, done),
            Err(error) => self.failed(binding, internal(&error.to_string())),
        }
    }

    pub(super) fn stored(&mut self, binding: Binding, done: file::Done) -> Result<(), End> {
        let file::Done { file, stored, ending } = done;
        let Some(bound) = self.bound.get_mut(&binding) else {
            farewell(&file);
            return Ok(());
        };
        bound.file = Some(file);
        if let Some(stored) = stored {
            bound.add(stored);
        }
        if let Some(ending) = ending {
            let stored = bound.acknowledged_at_last();
            self.acknowledge(binding, stored)?;
            return self.failed(binding, ending);
        }
        let stored = bound.acknowledged(Instant::now());
        self.acknowledge(binding, stored)?;
        self.go_on(binding);
        Ok(())
    }

    pub(super) fn failed(&mut self, binding: Binding, ending: Ending) -> Result<(), End> {
        match ending {
            Ending::Failure(failure) => {
                let effects = self.sessions.failed(binding, failure);
                self.all(effects)
            }
            Ending::Denied => {
                info!("the user's session has ended, and the connection with it");
                // Older ones take the code for a violation, and learn it when they come again.
                let reads_codes = self.client.version.reads_close_codes();
                Err(End::Close(reads_codes.then_some(CloseCode::Unauthorised)))
            }
        }
    }

    pub(super) fn acknowledge(&mut self, binding: Binding, stored: Option<Stored>) -> Result<(), End> {
        match stored {
            Some(stored) => {
                let effects = self.sessions.stored(binding, stored);
                self.all(effects)
            }
            None => Ok(()),
        }
    }

    pub(super) fn acknowledge_due(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let due = self.bound.iter_mut();
        let due = due.filter_map(|(binding, bound)| Some((*binding, bound.acknowledged(now)?)));
        let due: Vec<_> = due.collect();
        due.into_iter()
            .try_for_each(|(binding, stored)| self.acknowledge(binding, Some(stored)))
    }

    /// A session that ends is told what it would have been told soon.
    pub(super) fn acknowledge_session(&mut self, session: u64) -> Result<(), End> {
        let bound = self.bound.iter_mut();
        let mut of_session = bound.filter(|(binding, _)| binding.session() == session);
        let stored = of_session
            .next()
            .map(|(binding, bound)| (*binding, bound.acknowledged_at_last()));
        match stored {
            Some((binding, stored)) => self.acknowledge(binding, stored),
            None => Ok(()),
        }
    }

    pub(super) fn acknowledge_all(&mut self) -> Result<(), End> {
        let sessions: Vec<_> = self.bound.keys().map(|binding| binding.session()).collect();
        sessions
            .into_iter()
            .try_for_each(|session| self.acknowledge_session(session))
    }
}

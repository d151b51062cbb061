//! One connection, from the answer by which it left HTTP to its end.
//!
//! ```text
//! web socket -> messages -> Sessions -> effects -> answers
//!                              ^           |
//!                              |           v
//!                              +-- jobs: state, core
//! ```
//!
//! One task does all of it, and for each session one job at a time: uploads that come meanwhile wait, and the next job takes all of
//! them. While too many wait, nothing is read, so that the client waits as well.

mod bound;
mod closing;
mod job;
mod limits;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, debug, info, warn};

use self::bound::Bound;
pub(super) use self::closing::deny;
use self::closing::{End, close};
use self::job::Outcome;
use super::client::Client;
use super::errors::{ConnectionCode, ConnectionError, SessionError};
use super::file::decode::Upload;
use super::file::failure::{Ending, internal};
use super::file::{self, File};
use super::frames::{ClientMessage, ServerMessage};
use super::session::{Binding, CloseCode, Effect, Note, Sessions, Stored};
use super::websocket::{MAX_MESSAGE, Message, Reader, Received, Writer};
use crate::clock;
use crate::memory::Budget;
use crate::server::{Requests, Running, Upgraded};
use crate::stopping::Stopping;

/// Serves it.
pub(super) async fn serve(client: Client, upgraded: Upgraded) {
    let Upgraded {
        io,
        requests,
        stopping,
    } = upgraded;
    let (read, write) = tokio::io::split(io);
    let account = client.budget();
    let agent = &client.agent;
    let metrics = &client.gateway.metrics.device_sync;
    let (core, sdk) = (agent.core.as_deref(), agent.sdk.as_deref());
    let _counted = metrics.connected(core, sdk, client.version.number());
    let mut reader = Reader::new(read, account.another());
    let mut connection = Connection::new(client, requests, account, Writer::new(write));
    let end = connection.run(&mut reader, stopping).await;
    let writer = connection.leave(&end);
    close(reader.into_inner(), writer, end).await;
}

struct Connection<W> {
    client: Arc<Client>,
    /// What messages and jobs take comes out of the same memory, and so do sessions.
    account: Budget,
    of_sessions: Budget,
    requests: Requests,
    /// While something is done.
    busy: Option<Running>,
    writer: Writer<W>,
    sessions: Sessions,
    bound: HashMap<Binding, Bound>,
    jobs: JoinSet<Outcome>,
    jobs_of: HashMap<Id, Binding>,
    /// Bytes of uploads that wait.
    queued: usize,
    /// Whether some of them wait for the client, which does not read.
    holds_back: bool,
    /// Since when there is no session.
    alone: Option<Instant>,
    /// Told when another connection has bound a file of this one.
    displaced: Arc<Notify>,
    is_stopping: bool,
}

impl<W: AsyncWrite + Unpin> Connection<W> {
    fn new(client: Client, requests: Requests, account: Budget, writer: Writer<W>) -> Self {
        Self {
            sessions: Sessions::new(client.version),
            client: Arc::new(client),
            of_sessions: account.another(),
            account,
            requests,
            busy: None,
            writer,
            bound: HashMap::new(),
            jobs: JoinSet::new(),
            jobs_of: HashMap::new(),
            queued: 0,
            holds_back: false,
            alone: Some(Instant::now()),
            displaced: Arc::default(),
            is_stopping: false,
        }
    }

    /// Serves it until it ends.
    async fn run<R: AsyncRead + Unpin>(&mut self, reader: &mut Reader<R>, stopping: Stopping) -> End {
        let mut begun = std::pin::pin!(stopping.begun());
        let displaced = Arc::clone(&self.displaced);
        loop {
            let reads =
                !self.is_stopping && self.queued < limits::QUEUE && self.writer.waiting() < limits::ANSWERS;
            if !reads {
                reader.rest();
            }
            let due = self.bound.values().filter_map(Bound::due).min();
            let lonely = self.alone.map(|since| since + limits::NO_SESSION);
            let never = Instant::now() + limits::NO_SESSION;
            let ended = tokio::select! {
                received = reader.next(), if reads => match received {
                    Ok(received) => self.received(received).await,
                    Err(error) => Err(End::Socket(error)),
                },
                sent = self.writer.send(), if !self.writer.is_idle() => sent.map_err(End::Socket),
                Some(done) = self.jobs.join_next_with_id() => self.done(done),
                () = sleep_until(due.unwrap_or(never)), if due.is_some() => self.acknowledge_due(),
                () = sleep_until(lonely.unwrap_or(never)), if lonely.is_some() => Err(End::NoSession),
                () = displaced.notified() => Err(End::Displaced),
                () = begun.as_mut(), if !self.is_stopping => {
                    self.is_stopping = true;
                    Ok(())
                }
            };
            if let Err(end) = ended.and_then(|()| self.look_around()) {
                return end;
            }
        }
    }

    /// What is to be seen to after anything has happened.
    fn look_around(&mut self) -> Result<(), End> {
        let count = self.sessions.count();
        if count > 0 {
            self.alone = None;
        } else {
            self.alone.get_or_insert_with(Instant::now);
        }
        let taken = count.saturating_sub(limits::FREE_SESSIONS) * limits::SESSION_BYTES;
        let held = self.of_sessions.held();
        self.of_sessions.shrink(held.saturating_sub(taken));
        self.of_sessions
            .try_grow(taken.saturating_sub(held))
            .map_err(|error| End::Socket(error.into()))?;
        if self.holds_back && self.writer.waiting() < limits::ANSWERS {
            self.holds_back = false;
            let bindings: Vec<_> = self.bound.keys().copied().collect();
            bindings.into_iter().for_each(|binding| self.go_on(binding));
        }
        if self.jobs.is_empty() {
            self.busy = None;
            if self.is_stopping {
                self.acknowledge_all()?;
                return Err(End::Close(Some(CloseCode::Normal)));
            }
        } else if self.busy.is_none() {
            self.busy = Some(self.requests.begin());
        }
        Ok(())
    }

    async fn received(&mut self, received: Received) -> Result<(), End> {
        match received {
            Received::Message(message) => self.message(message).await,
            Received::TooLarge { head, bytes } => self.too_large(&head, bytes),
            Received::Ping(payload) => {
                self.writer.pong(&payload);
                Ok(())
            }
            Received::Close => Err(End::Close(Some(CloseCode::Normal))),
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), End> {
        let Message { bytes, mut budget } = message;
        let bytes = Bytes::from(bytes);
        let parsed = match ClientMessage::parse(&bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                let error = ConnectionError::new(ConnectionCode::BadSyntax, error.to_string());
                let effects = self.sessions.violated(error);
                return self.all(effects);
            }
        };
        if let ClientMessage::Unbind { session } = parsed {
            self.acknowledge_session(session)?;
        }
        for effect in self.sessions.receive(&parsed) {
            let Effect::Store { binding, upload } = effect else {
                self.one(effect)?;
                continue;
            };
            let body = match parsed {
                ClientMessage::Upload(_, body) => bytes.slice_ref(body),
                _ => Bytes::new(),
            };
            let missing = (body.len() + limits::BESIDE).saturating_sub(budget.held());
            let grown = budget.grow(missing).await;
            grown.map_err(|error| End::Socket(error.into()))?;
            let upload = Upload {
                header: upload,
                body,
                budget: budget.split(),
            };
            self.queue(binding, upload);
        }
        Ok(())
    }

    /// A message that was not kept: its write transaction will never be taken.
    fn too_large(&mut self, head: &[u8], bytes: u64) -> Result<(), End> {
        let session = head.split(|byte| *byte == b' ').nth(1);
        let session = session.and_then(|digits| str::from_utf8(digits).ok()?.parse::<u64>().ok());
        let of_session = |binding: &&Binding| Some(binding.session()) == session;
        let binding = self.bound.keys().find(of_session).copied();
        let text = format!("a message has {bytes} bytes, more than the {MAX_MESSAGE} allowed");
        warn!(session, bytes, "{text}");
        let effects = match binding {
            Some(binding) => self.sessions.failed(binding, SessionError::never(text).into()),
            None => self
                .sessions
                .violated(ConnectionError::new(ConnectionCode::BadSyntax, text)),
        };
        self.all(effects)
    }

    fn all(&mut self, effects: Vec<Effect>) -> Result<(), End> {
        effects.into_iter().try_for_each(|effect| self.one(effect))
    }

    fn one(&mut self, effect: Effect) -> Result<(), End> {
        match effect {
            Effect::Send(message) => self.send(&message),
            Effect::Allocate { binding } => {
                self.bind(binding);
                let client = Arc::clone(&self.client);
                self.run_job(binding, async move {
                    Outcome::Allocated(file::allocate(&client).await)
                });
            }
            Effect::Identify { binding, file, acked } => {
                let door = &self.client.gateway.device_sync;
                let claim = door.files.bind(self.client.app.domain(), file, &self.displaced);
                self.bind(binding).claim = Some(claim);
                let (client, account) = (Arc::clone(&self.client), self.account.another());
                self.run_job(binding, async move {
                    Outcome::Identified(file::identify(&client, file, acked, &account).await)
                });
            }
            // Its body is where the message is.
            Effect::Store { .. } => {}
            Effect::End { binding } => self.unbind(binding),
            Effect::Note(note) => tell(&note),
            Effect::Close(code) => return Err(End::Close(code)),
        }
        Ok(())
    }

    fn send(&mut self, message: &ServerMessage) {
        let mut bytes = Vec::new();
        let now = u64::try_from(clock::unix_millis()).unwrap_or_default();
        message.encode(self.client.version, now, &mut bytes);
        self.writer.binary(&bytes);
    }

    fn bind(&mut self, binding: Binding) -> &mut Bound {
        let metrics = &self.client.gateway.metrics.device_sync;
        self.bound
            .entry(binding)
            .or_insert_with(|| Bound::new(metrics.session()))
    }

    fn unbind(&mut self, binding: Binding) {
        if let Some(bound) = self.bound.remove(&binding) {
            self.queued -= bound.waiting();
            if let Some(file) = &bound.file {
                farewell(file);
            }
        }
    }

    fn queue(&mut self, binding: Binding, upload: Upload) {
        let weight = Bound::weight(&upload);
        let counted = self.client.gateway.metrics.device_sync.queued(weight);
        if let Some(bound) = self.bound.get_mut(&binding) {
            bound.push(upload, counted);
            self.queued += weight;
            self.go_on(binding);
        }
    }

    /// Stores the next uploads of a session, unless some are being stored. What is stored is answered, so none are while the client
    /// does not read.
    fn go_on(&mut self, binding: Binding) {
        if self.is_stopping {
            return;
        }
        if self.writer.waiting() >= limits::ANSWERS {
            self.holds_back = true;
            return;
        }
        let next = self.bound.get_mut(&binding).and_then(Bound::next);
        if let Some((file, uploads)) = next {
            self.queued -= uploads.iter().map(Bound::weight).sum::<usize>();
            let (client, account) = (Arc::clone(&self.client), self.account.another());
            self.run_job(binding, async move {
                Outcome::Stored(file::store(client, file, uploads, account).await)
            });
        }
    }

    fn run_job(&mut self, binding: Binding, job: impl Future<Output = Outcome> + Send + 'static) {
        let handle = self.jobs.spawn(job.in_current_span());
        self.jobs_of.insert(handle.id(), binding);
    }

    fn done(&mut self, done: Result<(Id, Outcome), JoinError>) -> Result<(), End> {
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

    fn stored(&mut self, binding: Binding, done: file::Done) -> Result<(), End> {
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

    fn failed(&mut self, binding: Binding, ending: Ending) -> Result<(), End> {
        match ending {
            Ending::Failure(failure) => {
                let effects = self.sessions.failed(binding, failure);
                self.all(effects)
            }
            Ending::Denied => Err(End::Close(Some(CloseCode::Unauthorised))),
        }
    }

    fn acknowledge(&mut self, binding: Binding, stored: Option<Stored>) -> Result<(), End> {
        match stored {
            Some(stored) => {
                let effects = self.sessions.stored(binding, stored);
                self.all(effects)
            }
            None => Ok(()),
        }
    }

    fn acknowledge_due(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let due = self.bound.iter_mut();
        let due = due.filter_map(|(binding, bound)| Some((*binding, bound.acknowledged(now)?)));
        let due: Vec<_> = due.collect();
        due.into_iter()
            .try_for_each(|(binding, stored)| self.acknowledge(binding, Some(stored)))
    }

    /// A session that ends is told what it would have been told soon.
    fn acknowledge_session(&mut self, session: u64) -> Result<(), End> {
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

    fn acknowledge_all(&mut self) -> Result<(), End> {
        let sessions: Vec<_> = self.bound.keys().map(|binding| binding.session()).collect();
        sessions
            .into_iter()
            .try_for_each(|session| self.acknowledge_session(session))
    }

    /// Says what it has done; what is left of it may be written still.
    fn leave(self, end: &End) -> Writer<W> {
        for file in self.bound.values().filter_map(|bound| bound.file.as_ref()) {
            farewell(file);
        }
        end.tell();
        self.writer
    }
}

fn farewell(file: &File) {
    let (ident, documents, skipped) = (file.name.ident, file.documents, file.skipped);
    info!(ident, documents, skipped, "a file is bound no more");
}

fn tell(note: &Note) {
    match note {
        Note::ActiveSubscriptions { classes, .. } => {
            warn!(
                classes,
                "a client has subscriptions, which are not served: nothing comes of them"
            );
        }
        Note::RefusedSubscriptions { classes, .. } => {
            warn!(
                classes,
                "subscriptions of a client are refused: Data Ingest alone is served"
            );
        }
        Note::ClientError { code, message, .. } => {
            warn!(
                code,
                message, "a client could not use what it was sent, and binds again"
            );
        }
        Note::UnknownMessage { name } => debug!(name, "a message of an unknown name is ignored"),
    }
}

#[cfg(test)]
mod tests;

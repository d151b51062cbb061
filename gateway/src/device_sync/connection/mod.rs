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
//! them. Some sessions have jobs at the same time, the others wait for their turn. While too many wait, nothing is read, so that the
//! client waits as well.

mod bound;
mod closing;
mod job;
mod jobs;
mod limits;
mod told;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use self::bound::Bound;
pub(super) use self::closing::deny;
use self::closing::{End, close};
use self::job::Outcome;
use self::told::{farewell, tell};
use super::bound_files::Presence;
use super::client::Client;
use super::errors::{ConnectionCode, ConnectionError, SessionError};
use super::file::decode::Upload;
use super::frames::{ClientMessage, ServerMessage};
use super::session::{Binding, CloseCode, Effect, Sessions};
use super::sockets::Place;
use super::websocket::{MAX_MESSAGE, Message, Reader, Received, SocketError, Writer};
use crate::clock;
use crate::memory::Budget;
use crate::server::{Requests, Running, Upgraded};
use crate::stopping::Stopping;

/// Serves it, in its place among the others.
pub(super) async fn serve(client: Client, upgraded: Upgraded, _place: Place) {
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
    /// While something comes or is done: since the last time that anything of it began.
    busy: Option<Running>,
    /// Whether a message is coming.
    comes: bool,
    /// When the last one has come.
    heard: Instant,
    writer: Writer<W>,
    sessions: Sessions,
    bound: HashMap<Binding, Bound>,
    jobs: JoinSet<Outcome>,
    jobs_of: HashMap<Id, Binding>,
    /// Bytes of uploads that wait.
    queued: usize,
    /// Sessions that have some, in the order in which they get a job.
    ready: VecDeque<Binding>,
    /// Since when no session has a file.
    alone: Option<Instant>,
    presence: Arc<Presence>,
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
            comes: false,
            heard: Instant::now(),
            writer,
            bound: HashMap::new(),
            jobs: JoinSet::new(),
            jobs_of: HashMap::new(),
            queued: 0,
            ready: VecDeque::new(),
            alone: Some(Instant::now()),
            presence: Arc::default(),
            is_stopping: false,
        }
    }

    /// Serves it until it ends.
    async fn run<R: AsyncRead + Unpin>(&mut self, reader: &mut Reader<R>, stopping: Stopping) -> End {
        let mut begun = std::pin::pin!(stopping.begun());
        let presence = Arc::clone(&self.presence);
        loop {
            let reads = !self.is_stopping
                && self.queued < limits::QUEUE
                && self.writer.waiting() < limits::ANSWERS
                && self.jobs.len() < limits::JOBS;
            if !reads {
                reader.rest();
            }
            let due = self.bound.values().filter_map(Bound::due).min();
            let lonely = self.alone.map(|since| since + limits::NO_FILE);
            let never = Instant::now() + limits::NO_FILE;
            let ended = tokio::select! {
                received = reader.next(), if reads => match received {
                    Ok(received) => self.received(received).await,
                    Err(error) => Err(End::Socket(error)),
                },
                sent = self.writer.send(), if !self.writer.is_idle() => sent.map_err(End::Socket),
                Some(done) = self.jobs.join_next_with_id() => self.done(done),
                () = sleep_until(due.unwrap_or(never)), if due.is_some() => self.acknowledge_due(),
                () = sleep_until(lonely.unwrap_or(never)), if lonely.is_some() => Err(End::NoFile),
                () = presence.displaced() => Err(End::Displaced),
                () = begun.as_mut(), if !self.is_stopping => {
                    self.is_stopping = true;
                    Ok(())
                }
            };
            if let Err(end) = ended.and_then(|()| self.look_around()) {
                return self.with_a_word(end);
            }
        }
    }

    /// A client whose connection breaks off is back in a second. One that is told that there is no memory takes longer each time.
    fn with_a_word(&mut self, end: End) -> End {
        let End::Socket(SocketError::NoMemory(error)) = end else {
            return end;
        };
        warn!(%error, "connection closed");
        let error = ConnectionError::new(ConnectionCode::Other, error.to_string());
        let effects = self.sessions.violated(error);
        self.all(effects).err().unwrap_or(End::Close(None))
    }

    /// What is to be seen to after anything has happened.
    fn look_around(&mut self) -> Result<(), End> {
        if self.bound.values().any(|bound| bound.claim.is_some()) {
            self.alone = None;
        } else {
            self.alone.get_or_insert_with(Instant::now);
        }
        let taken = self.sessions.count().saturating_sub(limits::FREE_SESSIONS) * limits::SESSION_BYTES;
        let held = self.of_sessions.held();
        self.of_sessions.shrink(held.saturating_sub(taken));
        self.of_sessions
            .try_grow(taken.saturating_sub(held))
            .map_err(|error| End::Socket(error.into()))?;
        self.start();
        if self.jobs.is_empty() && self.is_stopping {
            self.acknowledge_all()?;
            return Err(End::Close(Some(CloseCode::Normal)));
        }
        if self.jobs.is_empty() && !self.comes {
            self.busy = None;
        }
        let silent = self.busy.is_none().then_some(self.heard);
        self.presence.is_silent_since(silent);
        Ok(())
    }

    /// Something begins. Who waits for a place among the connections takes it from one on which nothing does, or did long ago.
    fn begin(&mut self) {
        self.busy = Some(self.requests.begin());
    }

    async fn received(&mut self, received: Received) -> Result<(), End> {
        self.heard = Instant::now();
        self.comes = match &received {
            Received::Begins => true,
            // It may come between the frames of one.
            Received::Ping(_) => self.comes,
            Received::Message(_) | Received::TooLarge { .. } | Received::Close => false,
        };
        match received {
            Received::Begins => {
                self.begin();
                Ok(())
            }
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
            if let Err(error) = budget.grow(missing).await {
                let failure = SessionError::later(error.to_string()).into();
                let effects = self.sessions.failed(binding, failure);
                return self.all(effects);
            }
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
                    Outcome::Allocated(job::allocate(&client).await)
                });
            }
            Effect::Identify { binding, file, acked } => {
                let door = &self.client.gateway.device_sync;
                let claim = door.files.bind(self.client.app.domain(), file, &self.presence);
                if claim.is_shared {
                    let ident = file.ident;
                    info!(ident, "a file is bound that another connection has as well");
                }
                self.bind(binding).claim = Some(claim);
                let client = Arc::clone(&self.client);
                self.run_job(binding, async move {
                    Outcome::Identified(job::identify(&client, file, acked).await)
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
        self.ready.retain(|ready| *ready != binding);
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

    /// Says what it has done; what is left of it may be written still.
    fn leave(self, end: &End) -> Writer<W> {
        for file in self.bound.values().filter_map(|bound| bound.file.as_ref()) {
            farewell(file);
        }
        end.tell();
        self.writer
    }
}

#[cfg(test)]
mod tests;

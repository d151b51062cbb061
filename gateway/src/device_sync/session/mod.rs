//! The sessions of one connection: what a message of a client makes the gateway do, and what it is answered. There is no input or
//! output here, and no clock: messages and outcomes go in, and [`Effect`]s come out.
//!
//! ```text
//! BIND -> Allocate -> IDENT to the client (a new file)
//!      -> IDENT from the client -> Identify -> DOWNLOAD (an empty bootstrap)
//!           -> MARK -> MARK
//!           -> UPLOAD -> Store -> DOWNLOAD (the acknowledgement)
//! ```
//!
//! What holds, whatever comes in which order:
//! 1. Nothing is acknowledged before it is stored, nor what was uploaded before something that is not.
//! 2. What is stored is acknowledged, unless its binding has ended.
//! 3. After an error for a session nothing is sent for it until it is bound again, and nothing on a connection that has ended.
//! 4. An upload without changesets is not answered. (The first of a file that App Services has served can let subscriptions before it
//!    be answered.)
//! 5. No version goes down for a client that tells the truth about what it has.
//! 6. No answer that comes late reaches a session that was bound again.

mod effect;
mod flow;
mod open;
mod subscriptions;
mod versions;

use std::collections::HashMap;

pub use effect::{Binding, CloseCode, Effect, Failure, Note, Stored};

use self::open::Open;
use super::errors::{ConnectionCode, ConnectionError, SessionError};
use super::frames::{ClientMessage, FileIdent, ServerMessage};
use super::version::Version;

/// Sessions of one connection at a time. A client has one for each file that it has open.
pub const MAX_SESSIONS: usize = 1_000;

/// Bytes of a client's own words that go to the log.
const MAX_NOTE_BYTES: usize = 200;

/// See the module.
#[derive(Debug)]
pub struct Sessions {
    version: Version,
    open: HashMap<u64, Open>,
    /// The highest session that was ever bound. Clients count up, so one that is not open and not above has ended.
    highest: u64,
    /// Bindings so far.
    bound: u64,
    ended: bool,
}

impl Sessions {
    /// Those of a connection on which this version is spoken: none as yet.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            open: HashMap::new(),
            highest: 0,
            bound: 0,
            ended: false,
        }
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Takes a message of the client.
    pub fn receive(&mut self, message: &ClientMessage<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.ended
            && let Err((session, failure)) = self.take(message, &mut effects)
        {
            self.fail(session, failure, &mut effects);
        }
        effects
    }

    /// Ends the connection for something that the client did wrong.
    pub fn violated(&mut self, error: ConnectionError) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.ended {
            self.end_all(error, &mut effects);
        }
        effects
    }

    /// A new file has got this ident, and that is persisted.
    pub fn allocated(&mut self, binding: Binding, file: FileIdent) -> Vec<Effect> {
        self.with(binding, |open, effects| open.allocated(file, effects))
    }

    /// A file is known, and that is persisted.
    pub fn identified(&mut self, binding: Binding) -> Vec<Effect> {
        self.with(binding, Open::identified)
    }

    /// Uploads are durable.
    pub fn stored(&mut self, binding: Binding, stored: Stored) -> Vec<Effect> {
        let version = self.version;
        self.with(binding, |open, effects| open.stored(stored, version, effects))
    }

    /// What was to be done for a binding was not done.
    pub fn failed(&mut self, binding: Binding, failure: Failure) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.of(binding).is_some() {
            self.fail(binding.session(), failure, &mut effects);
        }
        effects
    }

    fn of(&mut self, binding: Binding) -> Option<&mut Open> {
        let open = self.open.get_mut(&binding.session());
        open.filter(|open| open.binding == binding)
    }

    fn with(&mut self, binding: Binding, step: impl FnOnce(&mut Open, &mut Vec<Effect>)) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(open) = self.of(binding) {
            step(open, &mut effects);
        }
        effects
    }

    /// What fails, fails a session or the connection that it is on.
    fn take(&mut self, message: &ClientMessage<'_>, effects: &mut Vec<Effect>) -> Result<(), (u64, Failure)> {
        let (session, taken) = match *message {
            ClientMessage::Ping { timestamp } => {
                effects.push(Effect::Send(ServerMessage::Pong { timestamp }));
                return Ok(());
            }
            ClientMessage::Unknown { name } => {
                let name = start(name);
                effects.push(Effect::Note(Note::UnknownMessage { name }));
                return Ok(());
            }
            ClientMessage::Bind {
                session, needs_ident, ..
            } => (session, self.bind(session, needs_ident, effects)),
            ClientMessage::Unbind { session } => (session, self.unbind(session, effects)),
            ClientMessage::Error {
                session,
                code,
                message,
            } => (session, self.complain(session, code, message, effects)),
            ClientMessage::Ident {
                session,
                file,
                download,
                latest,
                latest_salt,
                query,
            } => {
                let latest = (latest, latest_salt);
                let taken =
                    self.in_session(session, |open| open.ident(file, download, latest, query, effects));
                (session, taken)
            }
            ClientMessage::Query { session, query } => (
                session,
                self.in_session(session, |open| open.query(query, effects)),
            ),
            ClientMessage::Mark { session, request } => (
                session,
                self.in_session(session, |open| open.mark(request, effects)),
            ),
            ClientMessage::Upload(upload, _) => {
                let session = upload.session;
                (
                    session,
                    self.in_session(session, |open| open.upload(upload, effects)),
                )
            }
            ClientMessage::TestCommand { session } => (session, self.in_session(session, |_| Ok(()))),
        };
        taken.map_err(|failure| (session, failure))
    }

    /// What comes for a session that has ended is ignored: it was sent before the client knew.
    fn in_session(
        &mut self,
        session: u64,
        step: impl FnOnce(&mut Open) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.open.get_mut(&session) {
            Some(open) => step(open),
            None => Ok(self.has_ended(session)?),
        }
    }

    fn has_ended(&self, session: u64) -> Result<(), ConnectionError> {
        if session == 0 || session > self.highest {
            let message = format!("session {session} was never bound");
            return Err(ConnectionError::new(ConnectionCode::BadSessionIdent, message));
        }
        Ok(())
    }

    fn bind(&mut self, session: u64, needs_ident: bool, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        let wrong = |code, message: &str| {
            Err(ConnectionError::new(code, format!("session {session} {message}")).into())
        };
        if session == 0 {
            return wrong(ConnectionCode::BadSessionIdent, "cannot be bound");
        }
        if self.open.contains_key(&session) {
            return wrong(ConnectionCode::ReuseOfSessionIdent, "is bound already");
        }
        if self.open.len() >= MAX_SESSIONS {
            return wrong(ConnectionCode::Other, "is one more than a connection may have");
        }
        self.highest = self.highest.max(session);
        self.bound = self.bound.saturating_add(1);
        let binding = Binding::new(session, self.bound);
        self.open
            .insert(session, Open::new(binding, needs_ident, effects));
        Ok(())
    }

    fn unbind(&mut self, session: u64, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        match self.open.remove(&session) {
            Some(Open { binding, .. }) => {
                effects.push(Effect::End { binding });
                effects.push(Effect::Send(ServerMessage::Unbound { session }));
                Ok(())
            }
            // After an error the client says so as well, and expects no answer.
            None => Ok(self.has_ended(session)?),
        }
    }

    /// The client could not use what it was sent, and waits for an error to bind again.
    fn complain(
        &self,
        session: u64,
        code: u64,
        message: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        let Some(Open { binding, .. }) = self.open.get(&session) else {
            return Ok(self.has_ended(session)?);
        };
        effects.push(Effect::Note(Note::ClientError {
            binding: *binding,
            code,
            message: start(message),
        }));
        Err(SessionError::closed("the client reported an error, and is to bind again").into())
    }

    fn fail(&mut self, session: u64, failure: Failure, effects: &mut Vec<Effect>) {
        match failure {
            Failure::Connection(error) => self.end_all(error, effects),
            Failure::Session(error) => {
                effects.push(Effect::Send(ServerMessage::SessionError { session, error }));
                if let Some(Open { binding, .. }) = self.open.remove(&session) {
                    effects.push(Effect::End { binding });
                }
            }
        }
    }

    fn end_all(&mut self, error: ConnectionError, effects: &mut Vec<Effect>) {
        self.ended = true;
        self.open.clear();
        effects.push(Effect::Send(ServerMessage::ConnectionError(error)));
        effects.push(Effect::Close(None));
    }
}

/// The beginning of a client's own words.
fn start(text: &str) -> String {
    let mut ends = (0..=MAX_NOTE_BYTES.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;

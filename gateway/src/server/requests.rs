//! The requests of one connection: how many there are, and whether the client fetches what it is answered. A connection that has
//! become a web socket has none; while something of it is worked at, that counts as one.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::Instant;

use super::limits::ANSWER_PIECE;

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub struct Requests(Arc<Mutex<State>>);

/// How many of the connections that are open are web sockets.
pub(super) type Sockets = Arc<AtomicUsize>;

struct State {
    kind: Kind,
    sockets: Sockets,
    /// Increases with each request.
    next: u64,
    /// In the order in which they began.
    running: Vec<One>,
    /// When the connection was made or a request ended, whichever was last.
    ended: Instant,
    changed: watch::Sender<()>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            kind: Kind::Http,
            sockets: Sockets::default(),
            next: 0,
            running: Vec::new(),
            ended: Instant::now(),
            changed: watch::Sender::default(),
        }
    }
}

/// What the connection is at present.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Socket,
    /// It has lost its place.
    Gone,
}

struct One {
    number: u64,
    begun: Instant,
    stage: Stage,
}

/// How far a request is.
#[derive(Clone, Copy)]
enum Stage {
    /// The client waits.
    Worked,
    /// The client was given something then, and has not fetched it.
    Answered(Instant),
}

/// One request, until its answer has been fetched or is not wanted any more.
pub struct Running {
    number: u64,
    requests: Requests,
}

impl Requests {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a connection that is counted in `sockets` once it is a web socket.
    pub(super) fn counted(sockets: Sockets) -> Self {
        Self(Arc::new(Mutex::new(State {
            sockets,
            ..State::default()
        })))
    }

    /// From now on the connection is a web socket.
    pub(super) fn upgraded(&self) {
        let mut state = self.lock();
        if state.kind == Kind::Http {
            state.kind = Kind::Socket;
            state.sockets.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// From now on the connection has no place.
    pub(super) fn gone(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.kind, Kind::Gone) == Kind::Socket {
            state.sockets.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether it is an HTTP connection.
    pub(super) fn is_http(&self) -> bool {
        self.lock().kind == Kind::Http
    }

    /// One more.
    #[must_use]
    pub fn begin(&self) -> Running {
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        state.running.push(One {
            number,
            begun: Instant::now(),
            stage: Stage::Worked,
        });
        state.changed.send_replace(());
        Running {
            number,
            requests: self.clone(),
        }
    }

    /// Wakes when one begins or ends.
    pub(super) fn changed(&self) -> watch::Receiver<()> {
        self.lock().changed.subscribe()
    }

    /// Whether none is under way.
    pub(super) fn none(&self) -> bool {
        self.lock().running.is_empty()
    }

    /// Since when there has been none, if there is none.
    pub(super) fn none_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.running.is_empty().then_some(state.ended)
    }

    /// Since when the first of them is under way.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.lock().running.first().map(|one| one.begun)
    }

    /// Whether there ever was one.
    pub(super) fn any_yet(&self) -> bool {
        self.lock().next > 0
    }

    /// Since when the client has not fetched the next piece of an answer, of the answer that waits longest.
    pub(super) fn unfetched_since(&self) -> Option<Instant> {
        let state = self.lock();
        let answered = state.running.iter().filter_map(|one| match one.stage {
            Stage::Worked => None,
            Stage::Answered(since) => Some(since),
        });
        answered.min()
    }
}

impl Running {
    fn reach(&self, stage: Stage) {
        let mut state = self.requests.lock();
        let running = &mut state.running;
        if let Some(this) = running.iter_mut().find(|one| one.number == self.number) {
            this.stage = stage;
        }
    }

    /// The answer, which counts as running until it has been fetched.
    pub(super) fn answer(self, response: Response) -> Response {
        self.reach(Stage::Answered(Instant::now()));
        response.map(|body| {
            Body::new(Fetched {
                body,
                piece: Bytes::new(),
                running: self,
            })
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.requests.lock();
        state.running.retain(|one| one.number != self.number);
        state.ended = Instant::now();
        state.changed.send_replace(());
    }
}

/// An answer that is handed out in pieces, each when the client has made room by fetching what came before.
struct Fetched {
    body: Body,
    /// What is left of a large one.
    piece: Bytes,
    running: Running,
}

impl HttpBody for Fetched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.piece.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.piece = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        self.running.reach(Stage::Answered(Instant::now()));
        let next = self.piece.len().min(ANSWER_PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(next)))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.piece.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

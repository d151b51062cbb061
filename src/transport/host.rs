//! The application's own transport: it gets the request and a slot, and completes the slot from any thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{FailureKind, Request, Response, ResponseFuture, Transport};
use crate::ffi::os::signals;
use crate::waited_for;

/// What an application implements. `send` may block and may complete at once or later; it runs on a thread of a pool.
pub trait HostSend: Send + Sync + 'static {
    /// Sends the request and completes the slot once.
    fn send(&self, request: Request, slot: ResponseSlot);
}

/// Takes the answer to one request. Dropping it without an answer tells the caller that there is none.
#[derive(Debug)]
pub struct ResponseSlot {
    sender: Option<oneshot::Sender<Response>>,
}

impl ResponseSlot {
    /// Delivers the answer. A second call changes nothing.
    pub fn complete(&mut self, response: Response) {
        if let Some(sender) = self.sender.take() {
            // The caller may have given up; then nobody wants the answer.
            let _ = sender.send(response);
        }
    }
}

/// So many calls that never return may hold threads of the pool; then it is left to them.
const MAX_STUCK: usize = 8;

/// Makes a [`Transport`] of what the application gave.
pub struct HostTransport {
    host: Arc<dyn HostSend>,
    stuck: Arc<AtomicUsize>,
}

impl HostTransport {
    /// Wraps the application's transport.
    pub fn new(host: impl HostSend) -> HostTransport {
        HostTransport {
            host: Arc::new(host),
            stuck: Arc::default(),
        }
    }
}

impl Transport for HostTransport {
    fn send(&self, request: Request) -> ResponseFuture {
        let host = self.host.clone();
        let stuck = self.stuck.clone();
        let limit = request.time_limit();
        Box::pin(async move {
            if stuck.load(Ordering::Relaxed) >= MAX_STUCK {
                return Response::failed(
                    FailureKind::Timeout,
                    format!(
                        "{MAX_STUCK} calls of the application's transport have not returned, so no more are made until \
                         one does"
                    ),
                );
            }
            let (sender, answer) = oneshot::channel();
            let call = Call::new(stuck);
            let end = Running(call.0.clone());
            // Existing transports block until the answer is there; the runtime's thread must not.
            tokio::task::spawn_blocking(move || {
                let _end = end;
                let slot = ResponseSlot { sender: Some(sender) };
                signals::as_host(|| waited_for::run(|| host.send(request, slot)));
            });
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => {
                    Response::failed(FailureKind::Broken, "the application's transport gave no answer")
                }
                Err(_) => Response::failed(
                    FailureKind::Timeout,
                    "the application's transport gave no answer within the time limit",
                ),
            }
        })
    }
}

/// One call of the application's transport. It is stuck from when nobody waits for it any more until it returns.
struct Call(Arc<Mutex<State>>);

struct State {
    returned: bool,
    abandoned: bool,
    stuck: Arc<AtomicUsize>,
}

impl Call {
    fn new(stuck: Arc<AtomicUsize>) -> Call {
        Call(Arc::new(Mutex::new(State {
            returned: false,
            abandoned: false,
            stuck,
        })))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.returned {
            state.abandoned = true;
            state.stuck.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Ends with the call, also by a panic, and where it never began.
struct Running(Arc<Mutex<State>>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.returned = true;
        if state.abandoned {
            state.stuck.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::time::Duration;

    use super::*;
    use crate::transport::Method;

    fn request(timeout: Duration) -> Request {
        Request {
            method: Method::Get,
            url: "http://localhost".to_owned(),
            timeout,
            max_answer: 1024,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        }
    }

    struct Scripted(fn(ResponseSlot));
    impl HostSend for Scripted {
        fn send(&self, _: Request, slot: ResponseSlot) {
            (self.0)(slot)
        }
    }

    fn answer(script: fn(ResponseSlot), timeout: Duration) -> Response {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(HostTransport::new(Scripted(script)).send(request(timeout)))
    }

    #[test]
    fn an_answer_from_another_thread_arrives() {
        let script = |mut slot: ResponseSlot| {
            std::thread::spawn(move || {
                slot.complete(Response {
                    status: 204,
                    ..Response::default()
                })
            });
        };
        assert_eq!(answer(script, Duration::from_secs(60)).status, 204);
    }

    #[test]
    fn a_dropped_slot_and_a_silent_transport_are_failures() {
        assert_eq!(answer(drop, Duration::from_secs(60)).custom_status, -1);
        let silent = |slot: ResponseSlot| std::mem::forget(slot);
        let response = answer(silent, Duration::from_millis(1));
        assert_eq!(response.failure.unwrap().kind, FailureKind::Timeout);
    }

    /// Blocks each call until it is let go.
    struct Blocked(Mutex<std::sync::mpsc::Receiver<()>>);
    impl HostSend for Blocked {
        fn send(&self, _: Request, mut slot: ResponseSlot) {
            // An error is the end of the test.
            let _ = self.0.lock().unwrap().recv();
            slot.complete(Response {
                status: 204,
                ..Response::default()
            });
        }
    }

    #[test]
    fn calls_that_do_not_return_are_not_joined_by_more_until_one_does() {
        let (let_go, blocked) = std::sync::mpsc::channel();
        let transport = HostTransport::new(Blocked(Mutex::new(blocked)));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let send = |timeout| runtime.block_on(transport.send(request(timeout)));
        for _ in 0..MAX_STUCK {
            let cause = send(Duration::from_millis(1)).failure.unwrap().cause;
            assert!(cause.contains("within the time limit"), "{cause}");
        }
        // Without a limit it would wait for ever.
        let cause = send(Duration::from_secs(3600)).failure.unwrap().cause;
        assert!(cause.contains("have not returned"), "{cause}");
        for _ in 0..=MAX_STUCK {
            let_go.send(()).unwrap();
        }
        while transport.stuck.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(send(Duration::from_secs(3600)).status, 204);
    }
}

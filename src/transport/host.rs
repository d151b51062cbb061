//! The application's own transport: it gets the request and a slot, and completes the slot from any thread.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{FailureKind, Request, Response, ResponseFuture, Transport};
use crate::ffi::signals;

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

/// Makes a [`Transport`] of what the application gave.
pub struct HostTransport {
    host: Arc<dyn HostSend>,
}

impl HostTransport {
    /// Wraps the application's transport.
    pub fn new(host: impl HostSend) -> HostTransport {
        HostTransport { host: Arc::new(host) }
    }
}

impl Transport for HostTransport {
    fn send(&self, request: Request) -> ResponseFuture {
        let host = self.host.clone();
        let timeout = request.timeout;
        Box::pin(async move {
            let (sender, answer) = oneshot::channel();
            // Existing transports block until the answer is there; the runtime's thread must not.
            tokio::task::spawn_blocking(move || {
                signals::as_host(|| host.send(request, ResponseSlot { sender: Some(sender) }));
            });
            match tokio::time::timeout(timeout, answer).await {
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
}

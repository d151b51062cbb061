//! How requests reach the server. The uploader and the app know this trait alone; `http.rs` is what a program gets by
//! default and `host.rs` carries the application's own.

mod certificates;
pub mod host;
pub mod http;
mod progress;
mod proxy;
mod tls;

pub use certificates::{CertificateCheck, ShownCertificate};

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

/// One request, complete.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute.
    pub url: String,
    /// The longest time in which nothing moves, of the request or of the answer; the whole may take longer.
    pub timeout: Duration,
    /// The most bytes of the answer's body. A larger one is a failure, and not kept.
    pub max_answer: usize,
    /// Names and values; a name occurs once.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Bytes,
}

/// More than the largest answer of a gateway: 16 MiB of refusals; one of release 0.1.0 lists up to 400,000. What sends
/// without end is no gateway, and must not fill the device's memory.
pub const MAX_ANSWER: usize = 160 << 20;

/// Bytes a second of the slowest link that is reckoned with.
const SLOWEST_LINK: f64 = 16.0 * 1024.0;

impl Request {
    /// The longest time for the whole exchange, where a transport does not see what moves: time for its bytes, and
    /// `timeout` for the answer.
    pub fn time_limit(&self) -> Duration {
        self.timeout + Duration::from_secs_f64(self.body.len() as f64 / SLOWEST_LINK)
    }
}

impl fmt::Debug for Request {
    // Headers carry tokens and bodies carry passwords and documents: neither belongs in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came back, or why nothing did.
#[derive(Clone, Default)]
pub struct Response {
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
    /// Not 0 where the transport failed.
    pub custom_status: i32,
    /// Set by an application's transport for its own failures.
    pub client_error: Option<i32>,
    /// Names and values; compare names without regard to case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Why `custom_status` is not 0, where that is known.
    pub failure: Option<Failure>,
}

/// Why a transport could not deliver an answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What went wrong on the way.
    pub kind: FailureKind,
    /// In words, without tokens.
    pub cause: String,
}

/// What went wrong on the way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection, in time or at all: name, address, port or network. Nothing was sent.
    Connect,
    /// Certificate or TLS handshake. The server has read nothing of the request.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke half way.
    Broken,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("custom_status", &self.custom_status)
            .field("client_error", &self.client_error)
            .field("failure", &self.failure)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// No answer, for this reason.
    pub fn failed(kind: FailureKind, cause: impl Into<String>) -> Response {
        Response {
            custom_status: CONNECTION_FAILED,
            failure: Some(Failure {
                kind,
                cause: cause.into(),
            }),
            ..Response::default()
        }
    }

    /// Whether the transport could not deliver an answer.
    pub fn is_failed(&self) -> bool {
        self.custom_status != 0 || self.client_error.is_some()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The custom status of an exchange that ended without an answer; any value but 0 means the same to callers.
pub const CONNECTION_FAILED: i32 = -1;

/// The answer to come.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Sends requests. Called from the app's runtime thread; must not block it.
pub trait Transport: Send + Sync {
    /// Sends one request. Failures are told in the response, so that there is one way to handle them. Dropping the
    /// future gives up on the answer.
    fn send(&self, request: Request) -> ResponseFuture;
}

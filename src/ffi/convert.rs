//! Values of the library as the bridge's structs, and back.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::bridge::ffi::{CompensatingWrite, Header, HttpRequest, HttpResponse, IngestOptions};
use super::bridge::{Decimal, Pending, Status, SyncError};
use super::os::path;
use super::{callbacks, options};
use crate::error::{Code, Error, Result};
use crate::outbox::Key;
use crate::realm::{TimeWindow, UploadPolicy};
use crate::transport::{MAX_ANSWER, Method, Request, Response};
use crate::{decimal, error, outbox};

impl Status {
    pub(super) fn of(result: Result<()>) -> Status {
        result.err().as_ref().map(Status::from).unwrap_or_default()
    }

    pub(super) fn new(code: Code, message: String, link: String) -> Status {
        Status {
            code: code.number(),
            name: code.name().to_owned(),
            message,
            link,
        }
    }
}

impl From<&Error> for Status {
    fn from(error: &Error) -> Status {
        Status::new(error.code(), error.full_message(), error.link().to_owned())
    }
}

/// Splits a result into the status, which is always written, and the value or `fallback`.
pub(super) fn or<T>(fallback: T, status: &mut Status, result: Result<T>) -> T {
    let (value, written) = match result {
        Ok(value) => (value, Status::default()),
        Err(error) => (fallback, Status::from(&error)),
    };
    *status = written;
    value
}

impl From<&error::SyncError> for SyncError {
    fn from(error: &error::SyncError) -> SyncError {
        let writes = error.compensating_writes.iter().map(|write| CompensatingWrite {
            object_name: write.object_name.clone(),
            primary_key_json: write.primary_key.to_string(),
            reason: write.reason.clone(),
        });
        SyncError {
            status: Status::new(error.code, error.message.clone(), error.link.clone()),
            is_fatal: error.is_fatal,
            compensating_writes: writes.collect(),
        }
    }
}

impl From<outbox::Pending> for Pending {
    fn from(pending: outbox::Pending) -> Pending {
        Pending {
            transactions: pending.transactions,
            objects: pending.objects,
            bytes: pending.bytes,
        }
    }
}

pub(super) fn micros_since_1970(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Milliseconds, and one for the rest.
pub(super) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// A path, of which the empty one means "not given".
pub(super) fn given_path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.is_empty()).then(|| path::from_bytes(bytes).to_owned())
}

impl From<decimal::Bits> for Decimal {
    fn from(bits: decimal::Bits) -> Decimal {
        Decimal {
            low: bits.low,
            high: bits.high,
        }
    }
}

impl From<Decimal> for decimal::Bits {
    fn from(value: Decimal) -> decimal::Bits {
        decimal::Bits {
            low: value.low,
            high: value.high,
        }
    }
}

pub(super) fn pairs(headers: &[Header]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .collect()
}

fn headers(pairs: Vec<(String, String)>) -> Vec<Header> {
    pairs
        .into_iter()
        .map(|(name, value)| Header { name, value })
        .collect()
}

/// Text of which the empty one means "not given".
pub(super) fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl From<&IngestOptions> for UploadPolicy {
    fn from(chosen: &IngestOptions) -> UploadPolicy {
        let windows = chosen.windows.iter().map(|window| TimeWindow {
            from_minute: window.from_minute,
            to_minute: window.to_minute,
        });
        UploadPolicy {
            batch_delay: Duration::from_millis(chosen.batch_delay_ms),
            bytes_per_second: options::given(chosen.bytes_per_second),
            windows: windows.collect(),
            may_upload: callbacks::upload_check(&chosen.may_upload),
            ask_again: Duration::from_millis(chosen.ask_again_ms),
        }
    }
}

impl From<Request> for HttpRequest {
    fn from(request: Request) -> HttpRequest {
        // An application's transport does not tell what moves.
        let limit = request.time_limit();
        HttpRequest {
            method: match request.method {
                Method::Get => 0,
                Method::Post => 1,
                Method::Patch => 2,
                Method::Put => 3,
                Method::Delete => 4,
            },
            url: request.url,
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            headers: headers(request.headers),
            body: request.body.to_vec(),
        }
    }
}

impl TryFrom<&HttpRequest> for Request {
    type Error = Error;

    fn try_from(request: &HttpRequest) -> Result<Request> {
        Ok(Request {
            method: match request.method {
                0 => Method::Get,
                1 => Method::Post,
                2 => Method::Patch,
                3 => Method::Put,
                4 => Method::Delete,
                other => return Err(Error::InvalidArgument(format!("{other} is no HTTP method"))),
            },
            url: request.url.clone(),
            timeout: match request.timeout_ms {
                0 => Duration::from_secs(60),
                given => Duration::from_millis(given),
            },
            max_answer: MAX_ANSWER,
            headers: pairs(&request.headers),
            body: request.body.clone().into(),
        })
    }
}

impl From<&HttpResponse> for Response {
    fn from(response: &HttpResponse) -> Response {
        Response {
            status: u16::try_from(response.http_status).unwrap_or_default(),
            custom_status: response.custom_status,
            client_error: response.has_client_error.then_some(response.client_error),
            headers: pairs(&response.headers),
            body: response.body.clone(),
            failure: None,
        }
    }
}

impl From<Response> for HttpResponse {
    fn from(response: Response) -> HttpResponse {
        HttpResponse {
            http_status: response.status.into(),
            custom_status: response.custom_status,
            has_client_error: response.client_error.is_some(),
            client_error: response.client_error.unwrap_or_default(),
            headers: headers(response.headers),
            body: response.body,
        }
    }
}

/// A key of 64 bytes, or none where there are no bytes.
pub(super) fn key(bytes: &[u8]) -> Result<Option<[u8; 64]>> {
    (!bytes.is_empty()).then(|| whole_key(bytes)).transpose()
}

/// A key of 64 bytes.
pub(super) fn whole_key(bytes: &[u8]) -> Result<[u8; 64]> {
    bytes.try_into().map_err(|_| {
        Error::InvalidArgument(format!(
            "an encryption key has 64 bytes, and this one has {}",
            bytes.len()
        ))
    })
}

/// As [`key`], of an outbox.
pub(super) fn outbox_key(bytes: &[u8]) -> Result<Option<Key>> {
    Ok(key(bytes)?.map(Key::new))
}

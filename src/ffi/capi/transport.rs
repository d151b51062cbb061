//! The application's own HTTP, in place of the built-in client.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use super::answer::realm_ingest_http_answer;
use super::app_config::realm_ingest_app_config;
use super::{
    Callback, Text, change, give, lend, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback,
    seen, shown,
};
use crate::transport::host::{HostSend, HostTransport, ResponseSlot};
use crate::transport::{Method, Request};

/// A request for the application's own HTTP.
///
/// Threads: any. Ownership: the library's, until the callback that gets it returns.
pub struct realm_ingest_http_request {
    method: Text,
    url: Text,
    timeout_ms: u64,
    headers: Vec<(Text, Text)>,
    body: Text,
    original: Request,
}

impl realm_ingest_http_request {
    pub(super) fn original(&self) -> &Request {
        &self.original
    }
}

impl From<Request> for realm_ingest_http_request {
    fn from(request: Request) -> Self {
        // The application does not tell what moves.
        let limit = request.time_limit();
        let headers = request.headers.iter();
        realm_ingest_http_request {
            method: Text::new(match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Patch => "PATCH",
                Method::Put => "PUT",
                Method::Delete => "DELETE",
            }),
            url: Text::new(request.url.as_str()),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            headers: headers
                .map(|(name, value)| (Text::new(name.as_str()), Text::new(value.as_str())))
                .collect(),
            body: Text::new(request.body.to_vec()),
            original: request,
        }
    }
}

/// Sends a request and sees to its answer; may block, and may return before the answer is there.
///
/// Threads: those of the library, several at once. Ownership: borrows `request`, and is given `answer`.
pub type realm_ingest_http_callback = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        request: *const realm_ingest_http_request,
        answer: *mut realm_ingest_http_answer,
    ),
>;

/// See [`realm_ingest_http_callback`].
type HttpFunction =
    unsafe extern "C" fn(*mut c_void, *const realm_ingest_http_request, *mut realm_ingest_http_answer);

impl HostSend for Callback<HttpFunction> {
    fn send(&self, request: Request, slot: ResponseSlot) {
        let mut answer = ptr::null_mut();
        give(&mut answer, realm_ingest_http_answer::new(slot));
        lend(realm_ingest_http_request::from(request), |request| {
            self.call(|function, userdata| {
                // SAFETY: the caller promises it; the request lives for the call, and the answer is the application's.
                unsafe { function(userdata, request, answer) }
            });
        });
    }
}

/// Sends everything through the application's own HTTP: log-ins, tokens and documents. NULL means the built-in client,
/// whose settings do not count where this is set. `free_userdata`, which may be NULL, is called also where this call fails.
///
/// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_http_callback(
    config: *mut realm_ingest_app_config,
    callback: realm_ingest_http_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.transport = callback.map(|callback| Arc::new(HostTransport::new(callback)) as Arc<_>);
            Ok(())
        })
    }
}

/// The method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`. Text as of `realm_ingest_error_name`.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_method(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(request, length, |request| Some(&request.method)) }
}

/// The whole URL.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_url(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(request, length, |request| Some(&request.url)) }
}

/// How long the exchange may take, in milliseconds; 0 for NULL. The library gives up then.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_http_request_timeout_ms(request: *const realm_ingest_http_request) -> u64 {
    seen(request, 0, |request| request.timeout_ms)
}

/// How many headers there are; 0 for NULL.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_http_request_header_count(request: *const realm_ingest_http_request) -> usize {
    seen(request, 0, |request| request.headers.len())
}

/// The name of a header; NULL where `index` is not below the count.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_header_name(
    request: *const realm_ingest_http_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(request, length, |request| Some(&request.headers.get(index)?.0)) }
}

/// The value of a header; NULL where `index` is not below the count.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_header_value(
    request: *const realm_ingest_http_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(request, length, |request| Some(&request.headers.get(index)?.1)) }
}

/// The body, any bytes; `length` is their number.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_body(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(request, length, |request| Some(&request.body)) }
}

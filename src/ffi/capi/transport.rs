//! The application's own HTTP, in place of the built-in client.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::app::realm_ingest_app_config;
use super::{
    Callback, Exclusive, Text, bytes, change, free, give, lend, realm_ingest_code, realm_ingest_error,
    realm_ingest_free_callback, registry, seen, shown, text,
};
use crate::transport::host::{HostSend, HostTransport, ResponseSlot};
use crate::transport::{FailureKind, Method, Request, Response};

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

/// Where the answer to one request goes, in the callback that gets it or later.
///
/// Threads: one at a time. Ownership: the caller's from the callback on, until `realm_ingest_http_answer_send` or
/// `realm_ingest_http_answer_free`.
pub struct realm_ingest_http_answer(Mutex<Answer>);

pub(super) struct Answer {
    slot: ResponseSlot,
    response: Response,
}

impl Answer {
    pub(super) fn set(&mut self, response: Response) {
        self.response = response;
    }
}

impl Exclusive for realm_ingest_http_answer {
    type Inner = Answer;

    fn lock(&self) -> &Mutex<Answer> {
        &self.0
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
        give(
            &mut answer,
            realm_ingest_http_answer(Mutex::new(Answer {
                slot,
                response: Response::default(),
            })),
        );
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

/// The HTTP status of the answer.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_status(
    answer: *mut realm_ingest_http_answer,
    status: u16,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            answer.response.status = status;
            Ok(())
        })
    }
}

/// A header of the answer. The library looks at `Content-Type`, `Location` and `Retry-After`.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_add_header(
    answer: *mut realm_ingest_http_answer,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            let name = text(name, name_length, "name")?;
            let value = text(value, value_length, "value")?;
            answer.response.headers.push((name.to_owned(), value.to_owned()));
            Ok(())
        })
    }
}

/// The body of the answer, without any encoding of the transfer. It is copied.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `body` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_body(
    answer: *mut realm_ingest_http_answer,
    body: *const u8,
    body_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            answer.response.body = bytes(body, body_length, "body")?.to_vec();
            Ok(())
        })
    }
}

/// A number of the application's own for why there is no answer, which the error then tells; 0 by default.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_custom_status(
    answer: *mut realm_ingest_http_answer,
    custom_status: i32,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            answer.response.custom_status = custom_status;
            Ok(())
        })
    }
}

/// The request could not be made at all, by a number of the application's own: it fails with
/// REALM_INGEST_CLIENT_TRANSPORT_FAILED.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_client_error(
    answer: *mut realm_ingest_http_answer,
    client_error: i32,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            answer.response.client_error = Some(client_error);
            Ok(())
        })
    }
}

/// There is no answer, and why: `could not connect`, for instance. The library tries again where it does after a
/// failure of its own client.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `reason` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_failure(
    answer: *mut realm_ingest_http_answer,
    reason: *const c_char,
    reason_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(answer, "answer", error, |answer| {
            let reason = text(reason, reason_length, "reason")?;
            answer.response = Response::failed(FailureKind::Broken, reason);
            Ok(())
        })
    }
}

/// Delivers the answer and frees it; NULL is fine. One without a status fails its request.
///
/// Threads: any. Ownership: takes `answer`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_http_answer_send(answer: *mut realm_ingest_http_answer) {
    if let Some(answer) = registry::find(answer) {
        let mut answer = answer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut response = std::mem::take(&mut answer.response);
        if response.status == 0 && !response.is_failed() {
            response = Response::failed(FailureKind::Broken, "the application's transport gave no status");
        }
        answer.slot.complete(response);
    }
    free(answer);
}

/// Frees an answer that will not be sent, which fails its request; NULL is fine.
///
/// Threads: any. Ownership: takes `answer`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_http_answer_free(answer: *mut realm_ingest_http_answer) {
    free(answer)
}

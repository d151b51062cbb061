//! The application's own HTTP, in place of the built-in client.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::app::realm_ingest_app_config;
use super::{
    Callback, Text, bytes, enter, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback,
    required_mut, take, text,
};
use crate::transport::host::{HostSend, HostTransport, ResponseSlot};
use crate::transport::{FailureKind, Method, Request, Response};

/// A request for the application's own HTTP. It lives until the callback that gets it returns.
pub struct realm_ingest_http_request {
    method: Text,
    url: Text,
    timeout_ms: u64,
    headers: Vec<(Text, Text)>,
    body: Text,
}

impl From<Request> for realm_ingest_http_request {
    fn from(request: Request) -> Self {
        // The application does not tell what moves.
        let limit = request.time_limit();
        let headers = request.headers.into_iter();
        realm_ingest_http_request {
            method: Text::new(match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Patch => "PATCH",
                Method::Put => "PUT",
                Method::Delete => "DELETE",
            }),
            url: Text::new(request.url),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            headers: headers
                .map(|(name, value)| (Text::new(name), Text::new(value)))
                .collect(),
            body: Text::new(request.body.to_vec()),
        }
    }
}

/// Where the answer to one request goes. Belongs to the application from the callback on, which ends it once, by
/// `realm_ingest_http_answer_send` or `realm_ingest_http_answer_free`, in the callback or later, on any thread. One thread
/// at a time.
pub struct realm_ingest_http_answer {
    slot: ResponseSlot,
    response: Response,
}

/// Sends a request and sees to its answer; may block, and may return before the answer is there. Called from several
/// threads at once.
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
        let request = realm_ingest_http_request::from(request);
        let answer = Box::new(realm_ingest_http_answer {
            slot,
            response: Response::default(),
        });
        self.call(|function, userdata| {
            // SAFETY: the caller promises it; the request lives for the call, and the answer is the application's.
            unsafe { function(userdata, &request, Box::into_raw(answer)) }
        });
    }
}

/// Sends everything through the application's own HTTP: log-ins, tokens and documents. NULL means the built-in client,
/// whose settings do not count where this is set. `free_userdata`, which may be NULL, is called also where this call fails.
///
/// # Safety
/// `config` is live and nobody else uses it; `callback` may be called with `userdata` on any thread until
/// `free_userdata` has been; `error` is NULL or may be written.
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
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.settings().transport =
                callback.map(|callback| Arc::new(HostTransport::new(callback)) as Arc<_>);
            Ok(())
        })
    }
}

/// The method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`. Text as of `realm_ingest_error_name`.
///
/// # Safety
/// `request` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_method(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        request
            .as_ref()
            .map_or(std::ptr::null(), |request| request.method.show(length))
    }
}

/// The whole URL.
///
/// # Safety
/// `request` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_url(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        request
            .as_ref()
            .map_or(std::ptr::null(), |request| request.url.show(length))
    }
}

/// How long the exchange may take, in milliseconds; 0 for NULL. The library gives up then.
///
/// # Safety
/// `request` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_timeout_ms(
    request: *const realm_ingest_http_request,
) -> u64 {
    // SAFETY: the caller promises it.
    unsafe { request.as_ref() }.map_or(0, |request| request.timeout_ms)
}

/// How many headers there are; 0 for NULL.
///
/// # Safety
/// `request` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_header_count(
    request: *const realm_ingest_http_request,
) -> usize {
    // SAFETY: the caller promises it.
    unsafe { request.as_ref() }.map_or(0, |request| request.headers.len())
}

/// The name of a header; NULL where `index` is not below the count.
///
/// # Safety
/// `request` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_header_name(
    request: *const realm_ingest_http_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        let header = request.as_ref().and_then(|request| request.headers.get(index));
        header.map_or(std::ptr::null(), |(name, _)| name.show(length))
    }
}

/// The value of a header; NULL where `index` is not below the count.
///
/// # Safety
/// `request` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_header_value(
    request: *const realm_ingest_http_request,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        let header = request.as_ref().and_then(|request| request.headers.get(index));
        header.map_or(std::ptr::null(), |(_, value)| value.show(length))
    }
}

/// The body, any bytes; `length` is their number.
///
/// # Safety
/// `request` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_body(
    request: *const realm_ingest_http_request,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        request
            .as_ref()
            .map_or(std::ptr::null(), |request| request.body.show(length))
    }
}

/// The HTTP status of the answer.
///
/// # Safety
/// `answer` is live and nobody else uses it; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_status(
    answer: *mut realm_ingest_http_answer,
    status: u16,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let answer = required_mut(answer, "answer")?;
            answer.response.status = status;
            Ok(())
        })
    }
}

/// A header of the answer. The library looks at `Content-Type`, `Location` and `Retry-After`.
///
/// # Safety
/// `answer` is live and nobody else uses it; the texts point to their bytes; `error` is NULL or may be written.
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
        enter(error, || {
            let answer = required_mut(answer, "answer")?;
            let name = text(name, name_length, "name")?;
            let value = text(value, value_length, "value")?;
            answer.response.headers.push((name.to_owned(), value.to_owned()));
            Ok(())
        })
    }
}

/// The body of the answer, without any encoding of the transfer. It is copied.
///
/// # Safety
/// `answer` is live and nobody else uses it; `body` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_body(
    answer: *mut realm_ingest_http_answer,
    body: *const u8,
    body_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let answer = required_mut(answer, "answer")?;
            answer.response.body = bytes(body, body_length, "body")?.to_vec();
            Ok(())
        })
    }
}

/// There is no answer, and why: `could not connect`, for instance. The library tries again where it does after a
/// failure of its own client.
///
/// # Safety
/// `answer` is live and nobody else uses it; `reason` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_set_failure(
    answer: *mut realm_ingest_http_answer,
    reason: *const c_char,
    reason_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let answer = required_mut(answer, "answer")?;
            let reason = text(reason, reason_length, "reason")?;
            answer.response = Response::failed(FailureKind::Broken, reason);
            Ok(())
        })
    }
}

/// Delivers the answer and frees it; NULL is fine. One without a status fails its request.
///
/// # Safety
/// `answer` is NULL or was not ended before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_send(answer: *mut realm_ingest_http_answer) {
    // SAFETY: the caller promises it.
    unsafe {
        if let Some(answer) = answer.as_mut() {
            let mut response = std::mem::take(&mut answer.response);
            if response.status == 0 && !response.is_failed() {
                response =
                    Response::failed(FailureKind::Broken, "the application's transport gave no status");
            }
            answer.slot.complete(response);
        }
        take(answer);
    }
}

/// Frees an answer that will not be sent, which fails its request; NULL is fine.
///
/// # Safety
/// `answer` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_answer_free(answer: *mut realm_ingest_http_answer) {
    // SAFETY: the caller promises it.
    unsafe { take(answer) }
}

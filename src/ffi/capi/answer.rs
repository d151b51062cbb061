//! The answer of the application's own HTTP.

use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};

use super::http::header;
use super::{Exclusive, bytes, change, free, realm_ingest_code, realm_ingest_error, registry, text};
use crate::transport::host::ResponseSlot;
use crate::transport::{FailureKind, Response};

/// Where the answer to one request goes, in the callback that gets it or later.
///
/// Threads: one at a time. Ownership: the caller's from the callback on, until `realm_ingest_http_answer_send` or
/// `realm_ingest_http_answer_free`.
pub struct realm_ingest_http_answer(Mutex<Answer>);

pub(super) struct Answer {
    slot: ResponseSlot,
    response: Response,
}

impl realm_ingest_http_answer {
    pub(super) fn new(slot: ResponseSlot) -> Self {
        realm_ingest_http_answer(Mutex::new(Answer {
            slot,
            response: Response::default(),
        }))
    }
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
            let header = header(name, name_length, value, value_length)?;
            answer.response.headers.push(header);
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

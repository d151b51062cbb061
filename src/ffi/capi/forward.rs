//! The built-in client for the application's own HTTP, which may only look at requests, or change answers.

use super::answer::realm_ingest_http_answer;
use super::app_config::realm_ingest_app_config;
use super::transport::realm_ingest_http_request;
use super::{alone, enter, live, realm_ingest_code, realm_ingest_error};
use crate::ffi::one_request;
use crate::transport::http::HttpOptions;

/// Sends a request by a built-in client made for it, with the HTTP settings of the configuration (NULL: the defaults), and
/// puts what comes back into the answer, which is not sent yet. Waits for the server. Where there is no answer the call
/// succeeds, and the answer says why.
///
/// Threads: one at a time for `config` and `answer`. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_http_request_forward(
    request: *const realm_ingest_http_request,
    config: *const realm_ingest_app_config,
    answer: *mut realm_ingest_http_answer,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let request = live(request, "request")?.original().clone();
            let settings = match config.is_null() {
                true => HttpOptions::default(),
                false => alone(config, "config", |config| Ok(config.http.clone()))?,
            };
            // No other thread fills it while the request is under way.
            alone(answer, "answer", |answer| {
                answer.set(one_request::send(settings, request)?);
                Ok(())
            })
        })
    }
}

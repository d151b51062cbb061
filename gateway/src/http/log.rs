//! The line that each request leaves in the log: one that was refused or failed at `info` or above, others at `debug`. What is
//! said while it runs has its id, too.

use std::sync::{Arc, OnceLock};

use axum::extract::{OriginalUri, Request};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::RequestId;
use tracing::{Instrument, Level, Span, debug, error, error_span, info, warn};

use super::origin::ClientAddress;

/// Characters of a text that a client chose.
const TEXT: usize = 200;

/// Whose request it is, once a token has shown that.
#[derive(Clone, Default)]
pub(super) struct Who(Arc<OnceLock<String>>);

impl Who {
    pub fn is(&self, user: &str) {
        let _ = self.0.set(user.to_owned());
    }
}

/// Goes with an answer that refuses: what the line says of it.
#[derive(Clone)]
pub(super) struct Refusal {
    pub level: Level,
    pub code: Option<&'static str>,
    /// For the operator, who may know more than the client.
    pub reason: String,
}

/// The middleware.
pub(super) async fn lines(mut request: Request, next: Next) -> Response {
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    let line = Line {
        span: span(&request),
        who,
        answered: false,
    };
    let response = next.run(request).instrument(line.span.clone()).await;
    line.write(&response);
    response
}

/// The path without its query, which can hold a token.
fn span(request: &Request) -> Span {
    let extensions = request.extensions();
    let id = extensions
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok());
    let client = extensions
        .get::<ClientAddress>()
        .map(|client| client.0.to_string());
    let path = extensions
        .get::<OriginalUri>()
        .map_or_else(|| request.uri().path(), |uri| uri.path());
    // Every line within it has its fields, whatever is logged.
    error_span!(
        "request",
        id,
        method = %shortened(request.method().as_str()),
        path = shortened(path),
        client
    )
}

fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(TEXT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

struct Line {
    span: Span,
    who: Who,
    answered: bool,
}

impl Line {
    fn write(mut self, response: &Response) {
        self.answered = true;
        let _within = self.span.enter();
        let (status, user) = (response.status().as_u16(), self.who.0.get());
        if status < 400 {
            debug!(user, status, "request served");
            return;
        }
        let Some(Refusal { level, code, reason }) = response.extensions().get() else {
            info!(user, status, "request refused");
            return;
        };
        let reason = shortened(reason);
        match *level {
            Level::ERROR => error!(user, status, code, reason, "request failed"),
            Level::WARN => warn!(user, status, code, reason, "request put off"),
            _ => info!(user, status, code, reason, "request refused"),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.answered {
            let _within = self.span.enter();
            info!(
                user = self.who.0.get(),
                "request broke off before it was answered"
            );
        }
    }
}

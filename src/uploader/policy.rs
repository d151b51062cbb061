//! When to try again, how much to send at once, what an answer means. Pure: no clock, no I/O.

use std::time::Duration;

use crate::error::{Code, SyncError};
use crate::transport::{Failure, FailureKind, Response};

/// The first pause is anything up to this: a server that was restarted is found again within a second or two.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// A server that is away for hours is asked every few minutes, as Realm's clients do.
const BACKOFF_CAP: Duration = Duration::from_secs(300);
/// A server that asks for more is mistaken or lies; an hour is kind enough.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(3600);
/// What needs an operator is not mended within seconds.
const SLOW_BASE: Duration = Duration::from_secs(60);
/// A fleet is at work again within this time after the operator was.
const SLOW_CAP: Duration = Duration::from_secs(3600);
/// A transaction that is too large will be so the next time too, unless an operator raises the limit.
pub(super) const TOO_LARGE_PAUSE: Duration = Duration::from_secs(300);

/// Large enough to make round trips cheap, small enough to be lost without regret.
const BATCH_START: u64 = 1024 * 1024;
/// Below this a request's own overhead shows.
const BATCH_MIN: u64 = 64 * 1024;
/// Beyond this nothing gets faster, and two batches are held in memory.
const BATCH_MAX: u64 = 8 * 1024 * 1024;
/// After so many batches that were taken, more is tried than was once refused: the refusal may have been another
/// server's, or a proxy's that is gone. Where it still stands this costs one request in so many.
const BATCHES_AT_CEILING: u32 = 64;
/// An answer within this time leaves room for more at once.
const QUICK: Duration = Duration::from_millis(500);
/// An answer that takes longer than this puts too much at stake in one request.
const SLOW: Duration = Duration::from_secs(5);

/// Full jitter: any time up to a bound that doubles with every attempt, so that devices that lost a server at the
/// same moment do not come back at the same moment. `random` is from 0 to 1; `attempt` counts from 0.
pub(crate) fn backoff(attempt: u32, random: f64) -> Duration {
    let bound = BACKOFF_BASE
        .saturating_mul(2_u32.saturating_pow(attempt.min(16)))
        .min(BACKOFF_CAP);
    bound.mul_f64(random.clamp(0.0, 1.0))
}

/// The pause before the next attempt: the server's wish is a lower bound.
pub(super) fn pause(attempt: u32, random: f64, at_least: Option<Duration>) -> Duration {
    at_least.unwrap_or_default().min(RETRY_AFTER_CAP) + backoff(attempt, random)
}

/// The pause after an error that lasts, with full jitter as [`backoff`].
pub(crate) fn slow_pause(attempt: u32, random: f64) -> Duration {
    let bound = SLOW_BASE
        .saturating_mul(2_u32.saturating_pow(attempt.min(16)))
        .min(SLOW_CAP);
    bound.mul_f64(random.clamp(0.0, 1.0))
}

/// In seconds, or until a time, which counts from the server's own clock.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(response.header("date")?).ok()?;
    until.duration_since(now).ok()
}

/// How much one batch holds, before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchSize {
    target: u64,
    /// What was found to get through.
    ceiling: u64,
    /// What the server says it takes.
    limit: u64,
    /// Batches that were taken at the ceiling since it was last moved.
    at_ceiling: u32,
    /// What the rate allows that the application chose.
    pace: u64,
}

impl BatchSize {
    pub(super) fn new() -> BatchSize {
        BatchSize {
            target: BATCH_START,
            ceiling: BATCH_MAX,
            limit: BATCH_MAX,
            at_ceiling: 0,
            pace: BATCH_MAX,
        }
    }

    /// No batch is larger than this, if anything is given.
    pub(super) fn pace(&mut self, limit: Option<u64>) {
        self.pace = limit.map_or(BATCH_MAX, |limit| limit.max(1));
    }

    /// What the server says it takes in one request. Half of it is left to the headers of small transactions.
    pub(super) fn limit(&mut self, max_batch_bytes: u64) {
        self.limit = (max_batch_bytes / 2).clamp(1, BATCH_MAX);
        self.ceiling = self.ceiling.min(self.limit);
        self.target = self.target.min(self.ceiling);
    }

    pub(super) fn target(self) -> u64 {
        self.target.min(self.pace)
    }

    /// Whether a batch of this size was as large as it may be; otherwise its time says little.
    pub(super) fn is_full(self, bytes: u64) -> bool {
        bytes >= self.target() / 2
    }

    /// A batch was answered after this time.
    pub(super) fn answered(&mut self, bytes: u64, elapsed: Duration) {
        if self.target == self.ceiling && self.is_full(bytes) {
            self.at_ceiling += 1;
        }
        if self.at_ceiling >= BATCHES_AT_CEILING {
            self.at_ceiling = 0;
            self.ceiling = self.ceiling.saturating_mul(2).min(self.limit);
        }
        if elapsed > SLOW {
            self.target = (self.target / 2).max(BATCH_MIN).min(self.ceiling);
        } else if elapsed < QUICK && self.is_full(bytes) {
            self.target = self.target.saturating_mul(2).min(self.ceiling);
        }
    }

    /// A batch was cut off; less may get through.
    pub(super) fn cut_off(&mut self) {
        self.target = (self.target / 2).max(BATCH_MIN).min(self.ceiling);
    }

    /// The server refused a batch of several rows and this size for its size.
    pub(super) fn too_large(&mut self, bytes: u64) {
        self.ceiling = (bytes.min(self.target) / 2).max(1);
        self.target = self.ceiling;
        self.at_ceiling = 0;
    }
}

/// What stops an attempt.
#[derive(Debug)]
pub(super) enum Stop {
    /// Reported; the session tries again after a pause of at least this.
    Retry(SyncError, Option<Duration>),
    /// The outbox failed, which may pass. Reported once until an attempt succeeds; the session tries again as above.
    Unusable(SyncError),
    /// Reported once; an operator's hand is needed, and the session tries again rarely so that nobody's hand is needed
    /// at the device. Nothing pending is lost.
    Lasting(SyncError),
    /// The user is logged out; whoever did that has told.
    SignedOut,
    /// The application's policy allows nothing now, or there is nothing to ask it for.
    NotNow,
}

pub(super) fn sync_error(code: Code, message: impl Into<String>, is_fatal: bool) -> SyncError {
    SyncError {
        code,
        message: message.into(),
        link: String::new(),
        is_fatal,
        compensating_writes: Vec::new(),
    }
}

/// An exchange without an answer. `connected`: after the session was connected.
pub(super) fn broken(failure: Option<&Failure>, connected: bool) -> SyncError {
    let (kind, cause) = match failure {
        Some(failure) => (failure.kind, failure.cause.as_str()),
        None => (
            FailureKind::Connect,
            "the application's transport reports a failure",
        ),
    };
    match kind {
        FailureKind::Tls => sync_error(
            Code::TlsHandshakeFailed,
            format!("TLS handshake failed: {cause}"),
            false,
        ),
        FailureKind::Timeout if !connected => sync_error(
            Code::SyncConnectTimeout,
            "Sync connection was not fully established in time",
            false,
        ),
        FailureKind::Timeout | FailureKind::Broken if connected => sync_error(
            Code::ConnectionClosed,
            format!("Connection to sync closed: {cause}"),
            false,
        ),
        FailureKind::Timeout | FailureKind::Broken | FailureKind::Connect => sync_error(
            Code::SyncConnectFailed,
            format!("Failed to connect to sync: {cause}"),
            false,
        ),
    }
}

/// The cap took so many objects.
pub(super) fn dropped(objects: u64) -> SyncError {
    let text = format!("the outbox is at its cap: {objects} objects were dropped");
    sync_error(Code::LimitExceeded, text, false)
}

/// An answer that makes no sense: nothing may be settled by it.
pub(super) fn nonsense(what: impl std::fmt::Display) -> Stop {
    let text = format!("the server's answer makes no sense and is not believed: {what}");
    Stop::Retry(sync_error(Code::SyncProtocolInvariantFailed, text, false), None)
}

/// An answer that is no success and that no caller has a use for.
pub(super) fn refused(response: &Response, error: &crate::error::Error) -> Stop {
    let with_link = |code, message: String, is_fatal| {
        let mut report = sync_error(code, message, is_fatal);
        report.link = error.link().to_owned();
        report
    };
    // Only words of the gateway itself count as lasting: a proxy or a portal on the way may answer anything.
    let named = error.code().is_service_error();
    match response.status {
        400 if named => Stop::Lasting(with_link(Code::BadChangeset, error.to_string(), true)),
        401 | 403 if named => Stop::Lasting(with_link(
            Code::AuthError,
            format!("Sync was refused because of an authentication issue: {error}"),
            true,
        )),
        // Of a schema; an operator may let it in. Rows under it wait, and nothing is wrong with the session.
        409 if named => Stop::Lasting(with_link(Code::SyncInvalidSchemaChange, error.to_string(), false)),
        415 if named => Stop::Lasting(with_link(
            Code::SyncProtocolNegotiationFailed,
            error.to_string(),
            true,
        )),
        // Of dead letters or schemas; an operator may make room, and the batch waits for that.
        429 if named => Stop::Retry(
            with_link(Code::LimitExceeded, error.to_string(), false),
            retry_after(response),
        ),
        _ => Stop::Retry(
            with_link(
                Code::SyncConnectFailed,
                format!("Failed to connect to sync: {error}"),
                false,
            ),
            retry_after(response),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_are_spread_over_their_whole_range() {
        assert_eq!(backoff(0, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, 1.0), Duration::from_secs(4));
        assert_eq!(backoff(3, 0.25), Duration::from_secs(1));
        assert_eq!(backoff(30, 1.0), Duration::from_secs(300));
        assert_eq!(backoff(u32::MAX, 0.0), Duration::ZERO);
    }

    #[test]
    fn the_first_three_attempts_come_within_two_seconds() {
        let all: Duration = (0..2).map(|attempt| backoff(attempt, 1.0)).sum();
        assert!(all < Duration::from_secs(2));
    }

    #[test]
    fn an_error_that_lasts_is_met_again_after_a_minute_and_then_rarer_up_to_an_hour() {
        assert_eq!(slow_pause(0, 1.0), Duration::from_secs(60));
        assert_eq!(slow_pause(1, 0.5), Duration::from_secs(60));
        assert_eq!(slow_pause(6, 1.0), Duration::from_secs(3600));
        assert_eq!(slow_pause(u32::MAX, 1.0), Duration::from_secs(3600));
    }

    #[test]
    fn what_the_server_asks_for_is_a_lower_bound() {
        assert!(pause(0, 0.0, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        assert!(pause(0, 1.0, Some(Duration::from_secs(7))) > Duration::from_secs(7));
        assert!(pause(0, 0.0, Some(Duration::MAX)) <= RETRY_AFTER_CAP);
        let answer = |value: &str| Response {
            headers: vec![("Retry-After".to_owned(), value.to_owned())],
            ..Response::default()
        };
        assert_eq!(retry_after(&answer(" 12 ")), Some(Duration::from_secs(12)));
        assert_eq!(retry_after(&answer("soon")), None);
        let mut dated = answer("Mon, 23 Nov 2026 10:01:30 GMT");
        assert_eq!(retry_after(&dated), None, "no clock to count from");
        dated
            .headers
            .push(("date".to_owned(), "Mon, 23 Nov 2026 10:00:00 GMT".to_owned()));
        assert_eq!(retry_after(&dated), Some(Duration::from_secs(90)));
    }

    #[test]
    fn quick_answers_to_full_batches_double_them_and_slow_ones_halve_them() {
        let mut size = BatchSize::new();
        size.answered(BATCH_START, Duration::from_millis(20));
        assert_eq!(size.target(), 2 * BATCH_START);
        size.answered(10, Duration::from_millis(20));
        assert_eq!(size.target(), 2 * BATCH_START, "a small batch says nothing");
        size.answered(10, Duration::from_secs(6));
        assert_eq!(size.target(), BATCH_START);
        for _ in 0..20 {
            size.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(size.target(), BATCH_MAX);
        for _ in 0..20 {
            size.cut_off();
        }
        assert_eq!(size.target(), BATCH_MIN);
    }

    #[test]
    fn a_batch_that_was_too_large_is_halved_and_tried_again_only_after_many_that_were_not() {
        let mut size = BatchSize::new();
        size.too_large(BATCH_START);
        assert_eq!(size.target(), BATCH_START / 2);
        for _ in 1..BATCHES_AT_CEILING {
            size.answered(10, Duration::ZERO);
            size.answered(u64::MAX, Duration::ZERO);
            assert_eq!(size.target(), BATCH_START / 2);
        }
        for _ in 0..20 * BATCHES_AT_CEILING {
            size.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(size.target(), BATCH_MAX, "one odd refusal is not for ever");
        for _ in 0..40 {
            size.too_large(u64::MAX);
        }
        assert_eq!(size.target(), 1);
    }

    #[test]
    fn no_batch_is_larger_than_the_server_says_it_takes() {
        let mut size = BatchSize::new();
        size.limit(100_000);
        for _ in 0..20 * BATCHES_AT_CEILING {
            size.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(size.target(), 50_000);
        size.limit(400_000);
        for _ in 0..20 * BATCHES_AT_CEILING {
            size.answered(u64::MAX, Duration::ZERO);
        }
        assert_eq!(size.target(), 200_000, "it may take more than before");
    }

    #[test]
    fn only_the_gateways_own_words_are_taken_for_lasting() {
        let json = |status, body: &str| Response {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into(),
            ..Response::default()
        };
        let judge = |response: Response| match crate::app::check_answer(response.clone()) {
            Err(error) => refused(&response, &error),
            Ok(_) => panic!("{response:?} is a failure"),
        };
        let body = r#"{"error":"the batch is cut off","error_code":"BadRequest","link":"l"}"#;
        match judge(json(400, body)) {
            Stop::Lasting(error) => assert_eq!(
                (error.code, error.message.as_str(), error.link.as_str()),
                (Code::BadChangeset, "the batch is cut off", "l")
            ),
            other => panic!("{other:?}"),
        }
        for status in [400, 403, 404, 500, 502] {
            let page = Response {
                status,
                body: b"<html>".to_vec(),
                ..Response::default()
            };
            assert!(matches!(judge(page), Stop::Retry(..)), "{status}");
        }
        let busy = r#"{"error":"busy","error_code":"InternalServerError"}"#;
        assert!(matches!(judge(json(503, busy)), Stop::Retry(..)));
        let gone = r#"{"error":"cannot find app using Client App ID 'x'"}"#;
        assert!(matches!(judge(json(404, gone)), Stop::Retry(..)));
    }
}

//! The bridge to the C++ headers. Generated twice from this file: Rust glue here, and
//! `cpprealm/internal/bridge.hpp` with its `.cc` half by build.rs.
//!
//! Every call may come from any thread and may block. Paths are bytes, since a system's need not be UTF-8. Slices and strings are borrowed until the call returns; a
//! `Box` belongs to the caller, a `UniquePtr` to the callee. A panic becomes a status; an exception thrown by a
//! callback becomes a log line.
#![allow(
    clippy::panic,
    reason = "cxx makes one for shared pointers, where it is never reached"
)]

use cxx::UniquePtr;

use super::app_handles::{App, User, cached_app, open_app};
use super::handles::{Realm, ResponseSlot, Session, open_realm, rekey, run_elsewhere};
use super::http_settings::{HttpSettings, new_http_settings, proxy_url};
use super::os::signals;
use super::receipts::Receipts;
use super::{callbacks, convert, end_within, guard, guard_or, one_request};
use crate::error::{Code, Error};
use crate::transport::{FailureKind, Response};
use crate::{app, decimal, ejson};

#[cxx::bridge(namespace = "realm::internal::ffi")]
pub(super) mod ffi {
    /// Code 0 is success. `name` is the code's text.
    #[derive(Clone, Debug, Default)]
    struct Status {
        code: u32,
        name: String,
        message: String,
        link: String,
    }

    /// `count` documents of one class, back to back in the payload.
    struct Run {
        class_name: String,
        count: u32,
    }

    struct Header {
        name: String,
        value: String,
    }

    struct AppConfig<'a> {
        app_id: &'a str,
        has_base_url: bool,
        /// Others of the same service may follow it, with spaces between.
        base_url: &'a str,
        /// Empty: the process's current directory.
        path: &'a [u8],
        /// Empty or 64 bytes.
        metadata_encryption_key: &'a [u8],
        enable_caching: bool,
    }

    /// How a proxy is reached. An address that is a URL says which protocol the proxy speaks.
    struct ProxyAddress<'a> {
        address: &'a [u8],
        port: u64,
        has_login: bool,
        user: &'a [u8],
        password: &'a [u8],
    }

    struct RealmConfig {
        path: Vec<u8>,
        schema_json: String,
        /// 0 immediately, 1 live indefinitely, 2 after changes are uploaded.
        stop_policy: u8,
        /// Empty or 64 bytes.
        encryption_key: Vec<u8>,
        headers: Vec<Header>,
        /// Empty or a URL: `http://[user:password@]address:port`.
        proxy: String,
        options: IngestOptions,
    }

    /// What an application chooses beyond realm-cpp's configuration. A limit of all bits set is none.
    struct IngestOptions {
        /// full, relaxed = 0, 1
        durability: u8,
        max_bytes: u64,
        max_objects: u64,
        max_age_ms: u64,
        /// fail, drop the oldest, drop the newest = 0..2
        cap_policy: u8,
        /// Classes that overtake the others.
        urgent: Vec<String>,
        batch_delay_ms: u64,
        bytes_per_second: u64,
        windows: Vec<TimeWindow>,
        /// Null, or who is asked.
        may_upload: SharedPtr<UploadCheck>,
        ask_again_ms: u64,
    }

    /// Minutes of the day in which uploads are allowed, the last one not.
    struct TimeWindow {
        from_minute: u16,
        to_minute: u16,
    }

    /// What the server's clock shows, in microseconds since 1970.
    #[derive(Default)]
    struct ServerTime {
        is_known: bool,
        now_us: i64,
        uncertainty_ms: u64,
    }

    /// One way in which a user logs in.
    struct Identity {
        id: String,
        provider_type: String,
    }

    #[derive(Clone, Copy, Debug, Default)]
    struct Pending {
        transactions: u64,
        objects: u64,
        bytes: u64,
    }

    /// An outbox with data that nobody who is logged in sends.
    struct Stranded {
        path: Vec<u8>,
        user_id: String,
        principal: String,
        pending: Pending,
    }

    struct RefusedObject {
        /// Its place in its transaction.
        index: u32,
        class_name: String,
        /// Canonical Extended JSON.
        primary_key_json: String,
        reason: String,
    }

    /// What became of a transaction.
    #[derive(Default)]
    struct Outcome {
        /// pending, sent, persisted, refused, dropped, damaged, unknown = 0..6
        state: u8,
        complete: bool,
        refused: Vec<RefusedObject>,
    }

    /// Code 0 is none.
    #[derive(Default)]
    struct LastError {
        code: u32,
        name: String,
        message: String,
        at_ms: i64,
        is_current: bool,
    }

    #[derive(Default)]
    struct UploadStatus {
        waiting: Pending,
        /// -1: nothing waits.
        oldest_age_ms: i64,
        /// -1: never.
        last_acknowledged_ms: i64,
        last_error: LastError,
        dropped: Pending,
        damaged_transactions: u64,
        refused_objects: u64,
        sent_objects: u64,
        sent_bytes: u64,
    }

    #[derive(Clone, Copy)]
    struct Progress {
        fraction: f64,
        uploaded_objects: u64,
        waiting_objects: u64,
    }

    #[derive(Clone)]
    struct CompensatingWrite {
        object_name: String,
        /// Canonical Extended JSON.
        primary_key_json: String,
        reason: String,
    }

    #[derive(Clone)]
    struct SyncError {
        status: Status,
        is_fatal: bool,
        compensating_writes: Vec<CompensatingWrite>,
    }

    struct HttpRequest {
        /// get, post, patch, put, del = 0..4
        method: u8,
        url: String,
        timeout_ms: u64,
        headers: Vec<Header>,
        body: Vec<u8>,
    }

    struct HttpResponse {
        http_status: i32,
        custom_status: i32,
        has_client_error: bool,
        client_error: i32,
        headers: Vec<Header>,
        body: Vec<u8>,
    }

    /// IEEE 754-2008 decimal128, binary integer encoding, as BSON stores it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Decimal {
        low: u64,
        high: u64,
    }

    extern "Rust" {
        fn version() -> &'static str;

        /// Ends all work; whether all threads have ended. Below 0 there is no limit.
        fn shutdown(timeout_ms: i64) -> bool;

        /// Runs the call on a thread of its own, for which `shutdown` waits; on the calling one where the library may
        /// not be used (any more), so that it fails. False where there is no thread to be had.
        fn run_elsewhere(call: UniquePtr<PendingCall>) -> bool;

        /// Whether this process may use the library: it is no forked child and has not shut it down.
        fn process_status() -> Status;
        /// Whether this is a forked child, in which locks may be held for ever.
        fn is_forked_child() -> bool;

        /// Levels are those of `realm::logger::level`, 0..8. Replaces the former sink; null takes it away.
        fn set_log_sink(sink: UniquePtr<LogSink>, level: u8);
        fn set_log_level(level: u8);

        fn decimal128_parse(text: &str) -> Decimal;
        fn decimal128_from_double(value: f64) -> Decimal;
        fn decimal128_to_string(value: Decimal) -> String;
        /// `operation` is one of the characters `+ - * /`; anything else gives NaN.
        fn decimal128_arithmetic(operation: u8, a: Decimal, b: Decimal) -> Decimal;
        /// -1, 0, 1 by value, or 2 where NaN is involved.
        fn decimal128_compare(a: Decimal, b: Decimal) -> i8;

        /// Canonical Extended JSON.
        fn bson_to_ejson(document: &[u8], status: &mut Status) -> String;
        /// Any value `v` as the document `{"v": v}`.
        fn ejson_to_bson(text: &str, status: &mut Status) -> Vec<u8>;

        /// Settings of the built-in HTTP client. For one thread at a time.
        type HttpSettings;
        fn new_http_settings() -> Box<HttpSettings>;
        /// Sent with every request, in place of the library's own of the same name. What is not UTF-8 keeps its
        /// readable part.
        fn add_header(self: &mut HttpSettings, name: &[u8], value: &[u8]);
        /// Forgets those that were added.
        fn clear_headers(self: &mut HttpSettings);
        fn set_proxy(self: &mut HttpSettings, proxy: &ProxyAddress);
        /// A PEM file of certificates to trust beside the system's; empty for none.
        fn trust_certificates(self: &mut HttpSettings, path: &[u8]);
        fn accept_any_certificate(self: &mut HttpSettings);
        /// PEM files: this device's certificate with its chain, and its key.
        fn set_client_certificate(self: &mut HttpSettings, chain: &[u8], key: &[u8]);
        /// The application's word on each certificate.
        fn set_certificate_check(self: &mut HttpSettings, check: SharedPtr<CertificateCheck>);

        /// `http://[user:password@]address:port`, which `RealmConfig` takes.
        fn proxy_url(proxy: &ProxyAddress) -> String;

        /// One request by a built-in client made for it alone; blocks until the answer.
        fn send_http(settings: &HttpSettings, request: &HttpRequest) -> HttpResponse;

        /// Handles are cheap to duplicate. One that comes with a failed status is null.
        type App;
        /// A null transport means the built-in one.
        fn open_app(
            config: &AppConfig,
            http: &HttpSettings,
            transport: UniquePtr<HostTransport>,
            status: &mut Status,
        ) -> Box<App>;
        /// Requests of this app may be answered from any thread of the application's.
        fn has_host_transport(self: &App) -> bool;
        fn cached_app(app_id: &str, has_base_url: bool, base_url: &str) -> Box<App>;
        fn clear_cached_apps();
        fn is_null(self: &App) -> bool;
        fn duplicate(self: &App) -> Box<App>;
        fn register_user(self: &App, email: &str, password: &str) -> Status;
        fn login(self: &App, provider: &str, body_json: &str, status: &mut Status) -> Box<User>;
        /// The same, on a thread of its own where the application's transport serves it, as `run_elsewhere` has it.
        fn begin_login(
            self: &App,
            provider: &str,
            body_json: &[u8],
            completion: UniquePtr<LoginCompletion>,
        ) -> bool;
        fn confirm_user(self: &App, token: &str, token_id: &str) -> Status;
        fn resend_confirmation_email(self: &App, email: &str) -> Status;
        fn retry_custom_confirmation(self: &App, email: &str) -> Status;
        fn send_reset_password_email(self: &App, email: &str) -> Status;
        fn reset_password(self: &App, password: &str, token: &str, token_id: &str) -> Status;
        fn call_reset_password_function(self: &App, email: &str, password: &str, args_ejson: &str) -> Status;
        fn current_user(self: &App) -> Box<User>;
        fn users(self: &App) -> Vec<User>;
        fn switch_user(self: &App, user: &User) -> Status;
        fn remove_user(self: &App, user: &User) -> Status;
        fn delete_user(self: &App, user: &User) -> Status;
        fn base_url(self: &App) -> String;
        fn update_base_url(self: &App, url: &str) -> Status;
        fn server_time(self: &App, status: &mut Status) -> ServerTime;
        fn stranded(self: &App, status: &mut Status) -> Vec<Stranded>;
        /// The key is empty or has 64 bytes.
        fn rehome(self: &App, path: &[u8], user: &User, key: &[u8]) -> Status;
        /// The number of documents. The key is empty or has 64 bytes.
        fn export_to(self: &App, path: &[u8], destination: &[u8], key: &[u8], status: &mut Status) -> u64;
        /// Deletes an outbox; what was in it.
        fn discard(self: &App, path: &[u8], status: &mut Status) -> Pending;

        type User;
        fn is_null(self: &User) -> bool;
        fn duplicate(self: &User) -> Box<User>;
        fn same_as(self: &User, other: &User) -> bool;
        fn identifier(self: &User) -> String;
        /// 0 logged out, 1 logged in, 2 removed.
        fn state(self: &User) -> u8;
        fn access_token(self: &User) -> String;
        fn refresh_token(self: &User) -> String;
        fn identities(self: &User) -> Vec<Identity>;
        fn link(self: &User, provider: &str, body_json: &str) -> Status;
        fn log_out(self: &User) -> Status;
        fn refresh_custom_data(self: &User) -> Status;
        /// Extended JSON, empty without data.
        fn custom_data(self: &User) -> String;
        fn call_function(self: &User, name: &str, args_ejson: &str, status: &mut Status) -> String;
        /// Where the default realm of this user lies.
        fn realm_path(self: &User, status: &mut Status) -> Vec<u8>;

        type Realm;
        fn open_realm(
            user: &User,
            config: &RealmConfig,
            observer: UniquePtr<SessionObserver>,
            status: &mut Status,
        ) -> Box<Realm>;
        /// The path and the key of the configuration count. The new key is empty or has 64 bytes.
        fn rekey(user: &User, config: &RealmConfig, new_key: &[u8]) -> Status;
        fn is_null(self: &Realm) -> bool;
        /// One transaction, durable on return: the documents of `runs`, back to back in `payload`. Returns its number.
        fn append(self: &Realm, runs: &[Run], payload: &[u8], status: &mut Status) -> u64;
        fn receipts(self: &Realm) -> Box<Receipts>;
        fn upload_status(self: &Realm, status: &mut Status) -> UploadStatus;
        fn observe_progress(self: &Realm, observer: UniquePtr<ProgressObserver>, status: &mut Status) -> u64;
        fn unobserve_progress(self: &Realm, token: u64);
        fn pending_objects(self: &Realm) -> u64;
        fn session(self: &Realm) -> Box<Session>;
        /// Dropping the last handle of a path closes it too.
        fn close(self: &Realm);

        /// Answers for the numbers of transactions. Does not keep the realm open.
        type Receipts;
        fn outcome(self: &Receipts, number: u64, status: &mut Status) -> Outcome;
        /// Below 0 there is no limit.
        fn wait(self: &Receipts, number: u64, timeout_ms: i64, status: &mut Status) -> Outcome;
        /// An observer of a failed call is dropped.
        fn on_settled(self: &Receipts, number: u64, observer: UniquePtr<OutcomeObserver>) -> Status;

        /// Does not keep the realm open.
        type Session;
        fn duplicate(self: &Session) -> Box<Session>;
        fn is_alive(self: &Session) -> bool;
        /// active, dying, inactive, waiting for access token, paused = 0..4
        fn state(self: &Session) -> u8;
        /// disconnected, connecting, connected = 0..2
        fn connection_state(self: &Session) -> u8;
        fn wait_for_upload(self: &Session, completion: UniquePtr<Completion>);
        fn wait_for_download(self: &Session, completion: UniquePtr<Completion>);
        fn pause(self: &Session);
        fn resume(self: &Session);
        fn reconnect(self: &Session);
        fn observe_connection(self: &Session, observer: UniquePtr<ConnectionObserver>) -> u64;
        fn unobserve_connection(self: &Session, token: u64);

        /// Where a host transport puts the answer; dropped unanswered, the request fails.
        type ResponseSlot;
        fn complete(self: &mut ResponseSlot, response: &HttpResponse);
    }

    unsafe extern "C++" {
        include!("cpprealm/internal/observer.hpp");

        type LogSink;
        fn log(self: &LogSink, level: u8, message: &str) -> Result<()>;

        type LoginCompletion;
        /// Called exactly once.
        fn complete(self: Pin<&mut LoginCompletion>, status: &Status, user: Box<User>) -> Result<()>;

        type PendingCall;
        fn run(self: Pin<&mut PendingCall>) -> Result<()>;

        type SessionObserver;
        fn error(self: &SessionObserver, error: &SyncError, session: Box<Session>) -> Result<()>;

        /// Called exactly once.
        type Completion;
        fn complete(self: Pin<&mut Completion>, status: &Status) -> Result<()>;

        type ConnectionObserver;
        fn changed(self: &ConnectionObserver, old_state: u8, new_state: u8) -> Result<()>;

        /// Called once at most.
        type OutcomeObserver;
        fn settled(self: &OutcomeObserver, outcome: &Outcome) -> Result<()>;

        type ProgressObserver;
        fn progressed(self: &ProgressObserver, progress: &Progress) -> Result<()>;

        type CertificateCheck;
        fn accepts(
            self: &CertificateCheck,
            server: &str,
            port: u16,
            pem: &str,
            is_trusted: bool,
            depth: usize,
        ) -> Result<bool>;

        type UploadCheck;
        fn allows(self: &UploadCheck) -> Result<bool>;

        type HostTransport;
        fn send(self: &HostTransport, request: &HttpRequest, slot: Box<ResponseSlot>) -> Result<()>;
    }

    impl UniquePtr<LogSink> {}
    impl UniquePtr<LoginCompletion> {}
    impl UniquePtr<PendingCall> {}
    impl UniquePtr<SessionObserver> {}
    impl UniquePtr<Completion> {}
    impl UniquePtr<ConnectionObserver> {}
    impl UniquePtr<OutcomeObserver> {}
    impl UniquePtr<ProgressObserver> {}
    impl UniquePtr<HostTransport> {}
    impl SharedPtr<CertificateCheck> {}
    impl SharedPtr<UploadCheck> {}
}

use ffi::HttpRequest;
pub(super) use ffi::{
    AppConfig, Decimal, HttpResponse, Identity, Pending, ProxyAddress, RealmConfig, Run, ServerTime, Status,
    Stranded, SyncError,
};

const NAN: Decimal = Decimal {
    low: 0,
    high: 0x7c00_0000_0000_0000,
};

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn shutdown(timeout_ms: i64) -> bool {
    end_within(timeout_ms)
}

fn process_status() -> Status {
    Status::of(crate::process::check())
}

fn is_forked_child() -> bool {
    crate::process::is_foreign()
}

fn set_log_sink(sink: UniquePtr<ffi::LogSink>, level: u8) {
    guard_or((), || callbacks::set_log_sink(sink, level));
}

fn set_log_level(level: u8) {
    guard_or((), || callbacks::set_log_level(level));
}

fn decimal128_parse(text: &str) -> Decimal {
    guard_or(NAN, || decimal::parse(text).into())
}

fn decimal128_from_double(value: f64) -> Decimal {
    guard_or(NAN, || decimal::from_double(value).into())
}

fn decimal128_to_string(value: Decimal) -> String {
    guard_or(String::new(), || decimal::to_text(value.into()))
}

fn decimal128_arithmetic(operation: u8, a: Decimal, b: Decimal) -> Decimal {
    let operator = match operation {
        b'+' => decimal::Operator::Add,
        b'-' => decimal::Operator::Subtract,
        b'*' => decimal::Operator::Multiply,
        b'/' => decimal::Operator::Divide,
        _ => return NAN,
    };
    guard_or(NAN, || decimal::calculate(operator, a.into(), b.into()).into())
}

fn decimal128_compare(a: Decimal, b: Decimal) -> i8 {
    guard_or(2, || {
        decimal::compare(a.into(), b.into()).map_or(2, |order| order as i8)
    })
}

fn bson_to_ejson(document: &[u8], status: &mut Status) -> String {
    let text = guard(|| ejson::from_bson(document).map_err(|text| Error::app(Code::BadBsonParse, text)));
    convert::or(String::new(), status, text)
}

fn ejson_to_bson(text: &str, status: &mut Status) -> Vec<u8> {
    let bytes = guard(|| ejson::to_bson(text).map_err(|text| Error::app(Code::MalformedJson, text)));
    convert::or(Vec::new(), status, bytes)
}

fn send_http(settings: &HttpSettings, request: &HttpRequest) -> HttpResponse {
    let answer = signals::shielded(|| guard(|| one_request::send(settings.options(), request.try_into()?)));
    let failed = |error: Error| Response::failed(FailureKind::Connect, error.full_message());
    answer.unwrap_or_else(failed).into()
}

fn clear_cached_apps() {
    signals::shielded(|| guard_or((), app::App::clear_cached));
}

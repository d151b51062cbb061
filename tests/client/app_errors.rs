//! Which error, of which kind and in which words, each answer of a server is: over real connections, or through an
//! application's own transport where that alone can say so.

use std::sync::Arc;

use realm_ingest::app::{App, AppConfig, Credentials, User};
use realm_ingest::transport::Response;
use realm_ingest::transport::host::{HostSend, HostTransport, ResponseSlot};
use realm_ingest::{Code, Error};
use serde_json::json;

use crate::common::server::Reaction;
use crate::common::{Fixture, config, uploaded, write};

const JSON: &str = "application/json";

fn answer(status: u16, content_type: &str, body: &str) -> Reaction {
    let headers = vec![("Content-Type", content_type.to_owned())];
    Reaction::Answer(status, headers, body.to_owned())
}

fn redirect(status: u16, location: Option<&str>) -> Reaction {
    let headers = location.map(|to| ("Location", to.to_owned())).into_iter();
    Reaction::Answer(status, headers.collect(), String::new())
}

fn log_in(app: &App) -> Result<User, Error> {
    app.login(&Credentials::email_password("a@b.c", "password"))
}

fn text(error: Error) -> (Code, String) {
    (error.code(), error.to_string())
}

/// What a log-in fails with that meets this answer.
fn login_error(reaction: Reaction) -> Error {
    let fixture = Fixture::new();
    fixture.server.next("POST auth/providers", reaction);
    log_in(&fixture.app).unwrap_err()
}

#[test]
fn a_server_that_is_not_there_is_a_custom_error() {
    let fixture = Fixture::new();
    let app = App::open(config(
        "http://127.0.0.1:1",
        &fixture.directory,
        fixture.clock.clone(),
    ))
    .unwrap();
    let (code, text) = text(log_in(&app).unwrap_err());
    assert_eq!(code, Code::CustomError);
    assert!(
        text.starts_with("non-zero custom status code considered fatal"),
        "{text}"
    );
}

#[test]
fn an_error_is_logged_with_the_name_that_the_servers_log_has_for_the_request() {
    let (sender, lines) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let sink = move |_: u8, line: &str| drop(sender.lock().unwrap().send(line.to_owned()));
    realm_ingest::logging::set_sink(Some(Arc::new(sink)), 4);
    let headers = |id: &str| {
        vec![
            ("Content-Type", JSON.to_owned()),
            ("X-Appservices-Request-Id", id.to_owned()),
        ]
    };
    let body = r#"{"error":"unauthorized","error_code":"InvalidPassword"}"#.to_owned();
    login_error(Reaction::Answer(401, headers("66d0c0ffee-login"), body));

    let fixture = Fixture::new();
    let body = r#"{"error":"busy","error_code":"InternalServerError"}"#.to_owned();
    let busy = Reaction::Answer(503, headers("66d0c0ffee-batch"), body);
    fixture.server.next("POST ingest", busy);
    let (realm, _errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    realm_ingest::logging::set_sink(None, 8);
    // Other tests of this program speak, too.
    let lines: Vec<_> = lines.try_iter().collect();
    for expected in [
        "request 66d0c0ffee-login was answered with 401: unauthorized",
        "request 66d0c0ffee-batch was answered with 503: busy",
    ] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{lines:?}");
    }
}

/// Answers everything so.
struct Always(fn() -> Response);

impl HostSend for Always {
    fn send(&self, _: realm_ingest::transport::Request, mut slot: ResponseSlot) {
        slot.complete((self.0)());
    }
}

#[test]
fn a_transports_own_failures_are_custom_errors_and_client_errors() {
    let failing = |answer| {
        let fixture = Fixture::new();
        let config = AppConfig {
            transport: Some(Arc::new(HostTransport::new(Always(answer)))),
            ..config("http://own.example", &fixture.directory, fixture.clock.clone())
        };
        text(log_in(&App::open(config).unwrap()).unwrap_err())
    };
    let custom = failing(|| Response {
        custom_status: 5,
        ..Response::default()
    });
    assert_eq!(
        custom,
        (
            Code::CustomError,
            "non-zero custom status code considered fatal: 5".to_owned()
        )
    );
    let (code, text) = failing(|| Response {
        client_error: Some(7),
        ..Response::default()
    });
    assert!(code.is_client_error());
    assert_eq!(text, "client error code value considered fatal");
}

#[test]
fn a_status_without_words_of_the_server_is_an_http_error() {
    let named = json!({"error": "no", "error_code": "AuthError"}).to_string();
    for (reaction, expected) in [
        (answer(500, "text/plain", "oh no"), ": oh no. Server Error: 500"),
        (answer(404, "text/html", ""), ". Client Error: 404"),
        (answer(404, JSON, "not JSON"), ": not JSON. Client Error: 404"),
        // Words count where the type is this one exactly.
        (
            answer(401, "application/json; charset=utf-8", &named),
            r#": {"error":"no","error_code":"AuthError"}. Client Error: 401"#,
        ),
        (redirect(302, Some("http://a.example")), ". Redirection: 302"),
        (redirect(303, Some("http://a.example")), ". Redirection: 303"),
        (redirect(307, Some("http://a.example")), ". Redirection: 307"),
    ] {
        let (code, text) = text(login_error(reaction));
        assert_eq!(code, Code::HTTPError);
        assert_eq!(text, format!("http error code considered fatal{expected}"));
    }
}

#[test]
fn words_of_the_server_are_a_service_error_whatever_its_code() {
    for (body, code, expected) in [
        (
            json!({"error": "bad", "error_code": "InvalidPassword", "link": "http://log"}),
            Code::InvalidPassword,
            "bad",
        ),
        (
            json!({"error": "odd", "error_code": "Unheard"}),
            Code::AppServerError,
            "odd",
        ),
        (json!({"error": "plain"}), Code::AppUnknownError, "plain"),
        (
            json!({"error_code": "AuthError"}),
            Code::AuthError,
            "no error message",
        ),
    ] {
        let error = login_error(answer(401, JSON, &body.to_string()));
        assert_eq!(error.link(), body["link"].as_str().unwrap_or_default());
        assert!(error.code().is_service_error());
        assert_eq!(text(error), (code, expected.to_owned()));
    }
}

#[test]
fn a_success_that_names_an_error_is_that_error() {
    let body = r#"{"error":"late","error_code":"AuthError"}"#;
    assert_eq!(
        text(login_error(answer(200, JSON, body))),
        (Code::AuthError, "late".to_owned())
    );
}

#[test]
fn redirects_that_lead_nowhere_are_client_errors() {
    for status in [301, 308] {
        assert_eq!(
            text(login_error(redirect(status, None))),
            (
                Code::ClientRedirectError,
                "Redirect response missing location header".to_owned()
            )
        );
    }
    let fixture = Fixture::new();
    let url = fixture.server.url();
    for _ in 0..=20 {
        fixture.server.next("GET location", redirect(308, Some(&url)));
    }
    assert_eq!(
        text(log_in(&fixture.app).unwrap_err()),
        (
            Code::ClientTooManyRedirects,
            "number of redirections exceeded 20".to_owned()
        )
    );
    assert_eq!(fixture.server.seen("GET location").len(), 21);
    log_in(&fixture.app).unwrap();
}

#[test]
fn a_redirect_of_a_log_in_is_followed_by_way_of_the_new_location() {
    let fixture = Fixture::new();
    let elsewhere = Fixture::new();
    let target = format!(
        "{}/api/client/v2.0/app/app-test/auth/providers/local-userpass/login",
        elsewhere.server.url()
    );
    fixture
        .server
        .next("POST auth/providers", redirect(308, Some(&target)));
    let location = json!({"hostname": elsewhere.server.url(), "ws_hostname": ""}).to_string();
    elsewhere
        .server
        .next("GET location", answer(200, JSON, &location));
    log_in(&fixture.app).unwrap();
    let seen: Vec<_> = elsewhere
        .server
        .seen("")
        .into_iter()
        .map(|seen| seen.what)
        .collect();
    assert_eq!(
        seen,
        [
            "GET location",
            "POST auth/providers/local-userpass/login",
            "GET auth/profile"
        ]
    );
    assert_eq!(fixture.app.base_url(), fixture.server.url());
}

#[test]
fn an_answer_that_cannot_be_read_is_a_json_error() {
    let error = login_error(answer(200, "text/plain", "<p>"));
    assert!(error.code().is_json_error(), "{error}");

    let fixture = Fixture::new();
    fixture.server.next("GET location", answer(200, JSON, "{}"));
    let error = log_in(&fixture.app).unwrap_err();
    assert_eq!(text(error), (Code::MissingJsonKey, "hostname".to_owned()));

    let token = r#"{"access_token":"x","refresh_token":"y","user_id":"u","device_id":""}"#;
    assert_eq!(
        text(login_error(answer(200, JSON, token))),
        (
            Code::BadToken,
            "Could not log in user: received malformed JWT".to_owned()
        )
    );
}

#[test]
fn without_a_session_there_is_no_refresh_and_no_call() {
    let fixture = Fixture::new();
    let not_logged_in = (
        Code::ClientUserNotLoggedIn,
        "The user is not logged in".to_owned(),
    );
    let user = fixture.user();
    user.log_out().unwrap();
    assert_eq!(text(user.refresh_custom_data().unwrap_err()), not_logged_in);
    assert_eq!(text(user.call_function("f", "[]").unwrap_err()), not_logged_in);
    let anonymous = fixture.app.login(&Credentials::anonymous()).unwrap();
    anonymous.log_out().unwrap();
    let (code, words) = text(anonymous.refresh_custom_data().unwrap_err());
    assert!(code.is_client_error());
    assert_eq!(
        words,
        "Cannot initiate a refresh on user 'anon1' because the user has been removed"
    );
}

#[test]
fn a_401_is_answered_by_one_refresh_and_one_retry_whatever_it_says() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let bare = || answer(401, "text/plain", "");
    fixture.server.next("POST functions/call", bare());
    user.call_function("f", "[]").unwrap();
    assert_eq!(fixture.server.seen("POST auth/session").len(), 1);
    fixture.server.next("POST functions/call", bare());
    fixture.server.next("POST functions/call", bare());
    assert_eq!(user.call_function("f", "[]").unwrap_err().code(), Code::HTTPError);
    assert_eq!(fixture.server.seen("POST auth/session").len(), 2);
    assert_eq!(fixture.server.seen("POST functions/call").len(), 4);
    // Where nobody is logged in yet, there is nothing to refresh.
    fixture.server.next("POST auth/providers", bare());
    assert!(log_in(&fixture.app).is_err());
    assert_eq!(fixture.server.seen("POST auth/session").len(), 2);
}

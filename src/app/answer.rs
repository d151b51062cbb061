//! Tells success from failure in what the server answered, with the order of evaluation, codes and texts that App
//! Services clients have.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Code, Error, Result};
use crate::transport::{CONNECTION_FAILED, Response};

/// Longer bodies are pages for browsers; their beginning says enough.
const MAX_BODY_IN_TEXT: usize = 2048;

/// The name of the request in the server's log.
const REQUEST_ID: &str = "x-appservices-request-id";
/// Longer than any that a server gives.
const MAX_REQUEST_ID: usize = 64;

/// The response if it is a success. Of another one the log says what the server's log calls the request, so that what is in
/// the one is found in the other.
pub(crate) fn check(response: Response) -> Result<Response> {
    let Some(error) = failure(&response) else {
        return Ok(response);
    };
    if let Some(id) = request_id(&response) {
        let status = response.status;
        log::info!(target: "ingest::app", "request {id} was answered with {status}: {error}");
    }
    Err(error)
}

/// Whoever stands between may have written it.
fn request_id(response: &Response) -> Option<&str> {
    let id = response.header(REQUEST_ID)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (id.len() <= MAX_REQUEST_ID && id.bytes().all(is_plain)).then_some(id)
}

fn failure(response: &Response) -> Option<Error> {
    let status = response.status;
    if response.header("content-type") == Some("application/json")
        && let Some(error) = named(response)
    {
        return Some(error);
    }
    if response.is_failed() {
        return Some(of_failed(response));
    }
    if status == 0 || (200..300).contains(&status) {
        return None;
    }
    let class = match status {
        100..=199 => "Informational",
        300..=399 => "Redirection",
        400..=499 => "Client Error",
        500..=599 => "Server Error",
        _ => "Unknown HTTP Error",
    };
    let body = String::from_utf8_lossy(&response.body);
    let text = match body.trim() {
        "" => format!("http error code considered fatal. {class}: {status}"),
        body => format!(
            "http error code considered fatal: {}. {class}: {status}",
            shortened(body)
        ),
    };
    Some(plain(Code::HTTPError, text, status))
}

/// What a transport's failure means.
pub(super) fn of_failed(response: &Response) -> Error {
    if response.client_error.is_some() {
        let text = "client error code value considered fatal".to_owned();
        return plain(Code::ClientTransportFailed, text, response.status);
    }
    let mut text = "non-zero custom status code considered fatal".to_owned();
    if let Some(failure) = &response.failure {
        text.push_str(": ");
        text.push_str(&failure.cause);
    } else if response.custom_status != CONNECTION_FAILED {
        text.push_str(&format!(": {}", response.custom_status));
    }
    plain(Code::CustomError, text, response.status)
}

fn plain(code: Code, message: String, status: u16) -> Error {
    Error::App {
        code,
        message,
        link: String::new(),
        status,
    }
}

/// What of a JSON body can name an error. Every answer is looked at so, and may be a large one: what else is in it takes no
/// memory.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    error_code: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    link: Option<&'a RawValue>,
}

/// Also null, which is not as if it were not there.
fn given<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// The error that a JSON body names, also with a status of success.
fn named(response: &Response) -> Option<Error> {
    let body: Named<'_> = serde_json::from_slice(&response.body).ok()?;
    // Another type means that this is not an error of the server.
    let text = |value: Option<&RawValue>| match value {
        None => Some(None),
        Some(value) => serde_json::from_str(value.get()).ok().map(Some),
    };
    let code: Option<String> = text(body.error_code)?.filter(|code: &String| !code.is_empty());
    let message = text(body.error)?.map(|text: String| shortened(&text).to_owned());
    let link = text(body.link)?.unwrap_or_default();
    let link = shortened(&link).to_owned();
    let code = match (code, &message) {
        (Some(name), _) => Code::from_name(&name)
            .filter(|code| code.is_service_error())
            .unwrap_or(Code::AppServerError),
        (None, Some(_)) => Code::AppUnknownError,
        (None, None) if (200..300).contains(&response.status) || response.status == 0 => return None,
        (None, None) => Code::AppUnknownError,
    };
    let message = message.unwrap_or_else(|| "no error message".to_owned());
    Some(Error::App {
        code,
        message,
        link,
        status: response.status,
    })
}

fn shortened(body: &str) -> &str {
    if body.len() <= MAX_BODY_IN_TEXT {
        return body;
    }
    let end = (0..=MAX_BODY_IN_TEXT)
        .rev()
        .find(|at| body.is_char_boundary(*at))
        .unwrap_or(0);
    &body[..end]
}

/// The JSON object of a successful answer.
pub(crate) fn object(response: &Response) -> Result<serde_json::Map<String, Value>> {
    match serde_json::from_slice(&response.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::app(
            Code::MalformedJson,
            "the server's answer is not a JSON object",
        )),
        Err(error) => Err(Error::app(
            Code::MalformedJson,
            format!("the server's answer cannot be read as JSON: {error}"),
        )),
    }
}

/// A text in a successful answer. The message of a missing one is its name, as applications know it.
pub(crate) fn text(object: &serde_json::Map<String, Value>, key: &str) -> Result<String> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Error::app(
            Code::MalformedJson,
            format!("'{key}' in the server's answer is not a string"),
        )),
        None => Err(Error::app(Code::MissingJsonKey, key)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;
    use crate::transport::FailureKind;

    fn answer(status: u16, content_type: &str, body: &str) -> Response {
        Response {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
            ..Response::default()
        }
    }

    fn error(response: Response) -> (Code, String) {
        let error = check(response).unwrap_err();
        (error.code(), error.to_string())
    }

    const JSON: &str = "application/json";

    #[test]
    fn a_request_is_called_what_the_server_calls_it_if_that_is_a_name() {
        let called = |id: &str| {
            let mut answer = answer(500, JSON, "{}");
            answer
                .headers
                .push(("X-Appservices-Request-Id".to_owned(), id.to_owned()));
            request_id(&answer).map(str::to_owned)
        };
        assert_eq!(called("66d0c0ffee"), Some("66d0c0ffee".to_owned()));
        assert_eq!(called("x\u{1b}[2J"), None);
        assert_eq!(called(&"x".repeat(MAX_REQUEST_ID + 1)), None);
        assert_eq!(request_id(&answer(500, JSON, "{}")), None);
    }

    #[test]
    fn an_error_the_server_names_comes_through() {
        let body =
            r#"{"error":"invalid username/password","error_code":"InvalidPassword","link":"http://l"}"#;
        let failed = check(answer(401, JSON, body)).unwrap_err();
        assert_eq!(
            (failed.code(), failed.to_string(), failed.link(), failed.status()),
            (
                Code::InvalidPassword,
                "invalid username/password".to_owned(),
                "http://l",
                401
            )
        );
        let unknown = answer(400, JSON, r#"{"error":"x","error_code":"Unheard"}"#);
        assert_eq!(error(unknown), (Code::AppServerError, "x".to_owned()));
        assert_eq!(
            error(answer(400, JSON, r#"{"error":"x"}"#)),
            (Code::AppUnknownError, "x".to_owned())
        );
        assert_eq!(
            error(answer(400, JSON, "{}")),
            (Code::AppUnknownError, "no error message".to_owned())
        );
        // A client's own codes are not the server's to give.
        let client = answer(400, JSON, r#"{"error":"x","error_code":"BadToken"}"#);
        assert_eq!(error(client).0, Code::AppServerError);
    }

    #[test]
    fn a_long_message_is_cut_and_what_is_no_text_is_no_message() {
        let long = format!(
            r#"{{"error":"{0}","error_code":"BadRequest","link":"{0}"}}"#,
            "x".repeat(1 << 20)
        );
        let failed = check(answer(400, JSON, &long)).unwrap_err();
        assert_eq!(failed.code(), Code::BadRequest);
        assert!(failed.to_string().len() <= MAX_BODY_IN_TEXT && failed.link().len() <= MAX_BODY_IN_TEXT);
        assert_eq!(error(answer(400, JSON, r#"{"error":null}"#)).0, Code::HTTPError);
        assert_eq!(error(answer(400, JSON, r#"{"error":{}}"#)).0, Code::HTTPError);
    }

    #[test]
    fn a_success_that_names_an_error_is_one_and_another_content_type_is_not() {
        assert_eq!(
            error(answer(200, JSON, r#"{"error":"x"}"#)).0,
            Code::AppUnknownError
        );
        assert!(check(answer(200, "application/json; charset=utf-8", r#"{"error":"x"}"#)).is_ok());
        assert!(check(answer(200, JSON, r#"{"a":1}"#)).is_ok());
        assert!(check(answer(0, "", "")).is_ok());
    }

    #[test]
    fn bare_statuses_and_failed_transports_have_their_texts() {
        assert_eq!(
            error(answer(500, "text/html", "<p>")),
            (
                Code::HTTPError,
                "http error code considered fatal: <p>. Server Error: 500".to_owned()
            )
        );
        assert_eq!(
            error(answer(404, "", "")),
            (
                Code::HTTPError,
                "http error code considered fatal. Client Error: 404".to_owned()
            )
        );
        assert_eq!(
            error(answer(401, "application/json; charset=utf-8", "{}")).1,
            "http error code considered fatal: {}. Client Error: 401"
        );
        let (code, text) = error(Response::failed(FailureKind::Connect, "connection refused"));
        assert_eq!(code, Code::CustomError);
        assert_eq!(
            text,
            "non-zero custom status code considered fatal: connection refused"
        );
        let host = Response {
            custom_status: CONNECTION_FAILED,
            ..Response::default()
        };
        assert_eq!(error(host).1, "non-zero custom status code considered fatal");
        let host = Response {
            client_error: Some(3),
            ..Response::default()
        };
        let (code, text) = error(host);
        assert!(code.is_client_error() && !code.is_custom_error());
        assert_eq!(text, "client error code value considered fatal");
    }

    #[test]
    fn a_missing_key_is_named_and_long_pages_are_cut() {
        let object = object(&answer(200, JSON, "{}")).unwrap();
        let missing = text(&object, "hostname").unwrap_err();
        assert_eq!(
            (missing.code(), missing.to_string()),
            (Code::MissingJsonKey, "hostname".to_owned())
        );
        assert!(error(answer(502, "text/html", &"ä".repeat(5000))).1.len() < 2200);
    }
}

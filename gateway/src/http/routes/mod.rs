//! One endpoint a file.

pub mod api_keys;
pub mod call_function;
pub mod delete_user;
pub mod health;
pub mod ingest;
pub mod location;
pub mod log_out;
pub mod login;
pub mod password;
pub mod position;
pub mod profile;
pub mod put_schema;
pub mod refresh_session;

use axum::body::Body;
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::http::body;
use crate::http::reject::Reject;
use crate::memory::Budget;

/// Bytes of JSON that any of these endpoints has use for, the schema's aside.
const MAX_JSON: u64 = 64 * 1024;

/// Reads a JSON body. An empty one counts as an empty object, as realm-web sends for anonymous logins. The budget accounts
/// for what is made of it, too: that is no larger.
async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    budget: &mut Budget,
) -> Result<T, Reject> {
    json_within(MAX_JSON, headers, body, budget).await
}

/// The same of up to so many bytes.
async fn json_within<T: DeserializeOwned>(
    limit: u64,
    headers: &HeaderMap,
    body: Body,
    budget: &mut Budget,
) -> Result<T, Reject> {
    let bytes = body::read(headers, body, limit, budget).await?;
    let bytes = if bytes.is_empty() {
        b"{}".as_slice()
    } else {
        bytes.as_slice()
    };
    serde_json::from_slice(bytes).map_err(|error| Reject::BadRequest(unreadable(&error)))
}

/// A member that has to be there.
fn required(name: &str, value: Option<String>) -> Result<String, Reject> {
    value.ok_or_else(|| Reject::BadRequest(format!("'{name}' is a required string")))
}

/// Says where it is wrong and not what stands there, which may be a password.
fn unreadable(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "the text ends too early",
        Category::Data => "a value is not of its type",
        Category::Syntax | Category::Io => "not well-formed",
    };
    format!("json: {what}, line {} column {}", error.line(), error.column())
}

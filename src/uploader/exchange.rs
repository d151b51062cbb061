//! One request of a session and its answer: the token, the one refresh after a 401, and what a failure means.

use bytes::Bytes;
use realm_ingest_protocol::code::error_code;
use realm_ingest_protocol::{Ack, CONTENT_TYPE, ErrorBody, Position};

use super::batch::{Batch, Body};
use super::core::Core;
use super::policy::{self, Stop};
use crate::app::{Call, INGEST, Route, check_answer, is_refusal};
use crate::error::{Code, Error};
use crate::outbox::StoredSchema;
use crate::transport::{Method, Response};

/// The answer to a batch.
#[derive(Debug)]
pub(super) enum Answer {
    Acknowledged(Ack),
    /// The server wants less at once.
    TooLarge(Error),
    /// Another file has sent transactions with these numbers under this name.
    Copied,
    /// Something that was sent after this transaction has not arrived.
    Behind(i64),
    /// The server wants these schemas first.
    SchemasMissing(Vec<String>),
    /// The server does not take it as it is, or not now.
    Refused(Stop),
}

/// The first request of a connection: proves the token and the way, and says how far the server is.
pub(super) async fn handshake(core: &Core, outbox: &str) -> Result<Position, Stop> {
    let call = Call::json(Method::Get, Route::App(format!("ingest/{outbox}")), None, "");
    let response = send(core, call, false).await?;
    let response = success(response)?;
    serde_json::from_slice(&response.body).map_err(policy::nonsense)
}

pub(super) async fn send_schema(core: &Core, schema: &StoredSchema) -> Result<(), Stop> {
    let route = Route::App(format!("ingest/schemas/{}", schema.fingerprint));
    let response = send(
        core,
        Call::json(Method::Put, route, None, schema.json.clone()),
        true,
    )
    .await?;
    success(response).map(|_| ())
}

pub(super) async fn send_batch(core: &Core, batch: &Batch, body: &Body) -> Result<Answer, Stop> {
    let headers = [
        ("Content-Type", CONTENT_TYPE),
        ("Content-Encoding", body.encoding),
        ("Accept", "application/json"),
    ];
    let call = Call {
        method: Method::Post,
        route: Route::App(INGEST.to_owned()),
        token: None,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: Bytes::clone(&body.bytes),
    };
    let response = send(core, call, true).await?;
    let answer: ErrorBody = match response.status {
        409 => serde_json::from_slice(&response.body).unwrap_or_default(),
        _ => ErrorBody::default(),
    };
    let named = |code| answer.error_code.as_deref() == Some(code);
    match response.status {
        413 => match check_answer(response) {
            Err(error) => Ok(Answer::TooLarge(error)),
            Ok(_) => Err(policy::nonsense("a refusal without an error")),
        },
        409 if named(error_code::SCHEMA_REQUIRED) => Ok(Answer::SchemasMissing(answer.missing)),
        409 if named(error_code::OUTBOX_COPIED) => Ok(Answer::Copied),
        409 if named(error_code::BATCH_OUT_OF_ORDER) => answer
            .position
            .map(Answer::Behind)
            .ok_or_else(|| policy::nonsense("it does not say from where to go on")),
        _ => match check_answer(response.clone()) {
            // Words of a proxy on the way say nothing about what arrived behind it.
            Err(error) if error.code().is_service_error() => {
                Ok(Answer::Refused(policy::refused(&response, &error)))
            }
            _ => {
                let response = success(response)?;
                batch
                    .acknowledgement(&response.body)
                    .map(Answer::Acknowledged)
                    .map_err(policy::nonsense)
            }
        },
    }
}

fn success(response: Response) -> Result<Response, Stop> {
    match check_answer(response.clone()) {
        Ok(response) if response.status != 0 => Ok(response),
        Ok(_) => Err(policy::nonsense("it has no status")),
        Err(error) => Err(policy::refused(&response, &error)),
    }
}

/// Sends with a token that should do; a 401 gets one new token and one more try.
async fn send(core: &Core, mut call: Call, connected: bool) -> Result<Response, Stop> {
    let token = token(core).await?;
    call.token = Some(token.clone());
    let response = exchange(core, call.clone(), connected).await?;
    if response.status != 401 {
        return Ok(response);
    }
    core.set_refreshing(true);
    let refreshed = core.user().refresh(Some(&token)).await;
    core.set_refreshing(false);
    call.token = Some(match refreshed {
        Ok(token) => token,
        Err(error) => refresh_failed(core, &error).await?,
    });
    exchange(core, call, connected).await
}

async fn token(core: &Core) -> Result<String, Stop> {
    let refreshing = core.user().needs_refresh();
    core.set_refreshing(refreshing);
    let token = core.user().fresh_token().await;
    core.set_refreshing(false);
    match token {
        Ok(token) => Ok(token),
        Err(error) => refresh_failed(core, &error).await,
    }
}

/// A token all the same, where another session of the user has begun.
async fn refresh_failed(core: &Core, error: &Error) -> Result<String, Stop> {
    if error.code() == Code::ClientUserNotLoggedIn || error.code() == Code::ClientUserNotFound {
        return Err(Stop::SignedOut);
    }
    if !is_refusal(error) {
        return Err(Stop::Retry(unreachable(error), None));
    }
    let user = core.user();
    if user.rejected(error).await {
        // Every session of the user is told, this one included.
        return Err(Stop::SignedOut);
    }
    Ok(user.access_token())
}

async fn exchange(core: &Core, call: Call, connected: bool) -> Result<Response, Stop> {
    let response = core.app.remote.send_over(&*core.transport, call).await;
    let response = response.map_err(|error| Stop::Retry(unreachable(&error), None))?;
    if !response.is_failed() {
        return Ok(response);
    }
    let failure = response.failure.as_ref();
    Err(Stop::Retry(policy::broken(failure, connected), None))
}

fn unreachable(error: &Error) -> crate::error::SyncError {
    let text = error.to_string();
    let cause = text
        .strip_prefix("non-zero custom status code considered fatal: ")
        .unwrap_or(&text);
    policy::sync_error(
        Code::SyncConnectFailed,
        format!("Failed to connect to sync: {cause}"),
        false,
    )
}

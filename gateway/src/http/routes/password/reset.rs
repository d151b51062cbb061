//! `reset`, `reset/send`, `reset/call`: a new password for who has forgotten his.

use axum::Json;
use serde::Deserialize;
use serde_json::Value;
use tracing::debug;

use super::{Call, Named, SentToken, done};
use crate::auth::Passwords;
use crate::definition::Reset;
use crate::http::account::AccountError;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::state::Purpose;

#[derive(Deserialize)]
pub struct Replacement {
    password: Option<String>,
    #[serde(flatten)]
    token: SentToken,
}

/// Takes the token of a mail and the new password. Whoever had the old one is logged out.
pub async fn handle(call: Call<Replacement>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let Call {
        gateway,
        app,
        from,
        body,
        ..
    } = call;
    let password = required("password", body.password)?;
    let (id, hash) = body.token.read()?;
    Passwords::check_length(&password)?;
    // A token that is not good costs no hash of a password.
    if !app.state.has_token(Purpose::Reset, &id, hash).await? {
        return Err(AccountError::BadOneTimeToken.into());
    }
    let turn = gateway.passwords.turn_to_register(from).await?;
    let password = gateway.passwords.hash(turn, password).await?;
    if !app.state.reset_password(&id, hash, &password).await? {
        return Err(AccountError::BadOneTimeToken.into());
    }
    debug!("a password was replaced");
    Ok(done())
}

/// Sends a mail with a token.
pub async fn send(mut call: Call<Named>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let email = required("email", call.body.email.take())?;
    call.registration(&email).await?;
    let why = match &call.settings.reset {
        Reset::Mail(mail) => {
            let place = call.place(&email)?;
            call.send_token(place, &email, Purpose::Reset, mail).await?;
            return Ok(done());
        }
        Reset::Function(_) => "please use reset password via function",
        Reset::Off => "error processing request",
    };
    Err(Reject::BadRequest(why.to_owned()))
}

/// Would run the function; none is served.
pub async fn call(mut call: Call<Named>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let email = required("email", call.body.email.take())?;
    let why = match &call.settings.reset {
        Reset::Function(_) => "functions are not served",
        Reset::Off | Reset::Mail(_) => "no reset function is configured",
    };
    Err(Reject::BadRequest(format!(
        "failed to reset password for user \"{email}\": {why}"
    )))
}

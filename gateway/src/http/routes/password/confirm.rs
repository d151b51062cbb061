//! `confirm`, `confirm/send`, `confirm/call`: that an e-mail is its owner's.

use axum::Json;
use serde_json::Value;

use super::{Call, Named, SentToken, done};
use crate::definition::Confirmation;
use crate::http::account::AccountError;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::state::Purpose;

/// Takes the token of a mail.
pub async fn handle(call: Call<SentToken>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let (id, hash) = call.body.read()?;
    if call.app.state.confirm(&id, hash).await? {
        Ok(done())
    } else {
        Err(AccountError::BadOneTimeToken.into())
    }
}

/// Sends another mail.
pub async fn send(mut call: Call<Named>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let email = required("email", call.body.email.take())?;
    if call.registration(&email).await?.confirmed {
        return Err(AccountError::AlreadyConfirmed.into());
    }
    match &call.settings.confirmation {
        Confirmation::Mail(mail) => {
            let place = call.place(&email)?;
            call.send_token(place, &email, Purpose::Confirm, mail).await?;
        }
        Confirmation::Automatic | Confirmation::Function(_) => {
            let text = "error processing request: e-mails are not confirmed by mail";
            return Err(Reject::BadRequest(text.to_owned()));
        }
    }
    Ok(done())
}

/// Would run the function again; none is served.
pub async fn call(mut call: Call<Named>) -> Result<Json<Value>, Reject> {
    call.attempt()?;
    let email = required("email", call.body.email.take())?;
    let registration = call.registration(&email).await?;
    let why = match &call.settings.confirmation {
        Confirmation::Automatic => "automatic confirmation is enabled",
        _ if registration.confirmed => return Err(AccountError::AlreadyConfirmed.into()),
        Confirmation::Mail(_) => "e-mails are confirmed by mail",
        Confirmation::Function(_) => "functions are not served",
    };
    Err(Reject::BadRequest(format!(
        "cannot run confirmation for {email}: {why}"
    )))
}

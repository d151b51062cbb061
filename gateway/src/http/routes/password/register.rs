//! `register`: an e-mail and a password, which its first log-in makes a user, or links to one.

use std::time::Instant;

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tracing::{debug, warn};

use super::{Call, done, refusal};
use crate::auth::{Passwords, check_name};
use crate::definition::Confirmation;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::mail::MailError;
use crate::state::{self, Purpose};
use crate::{ids, mail};

#[derive(Deserialize)]
pub struct Registration {
    email: Option<String>,
    password: Option<String>,
}

/// Adds the registration, and lets its owner confirm it where that is wanted.
pub async fn handle(mut call: Call<Registration>) -> Result<(StatusCode, Json<Value>), Reject> {
    let email = required("email", call.body.email.take().filter(|email| !email.is_empty()))?;
    let password = required("password", call.body.password.take())?;
    check_name(&email)?;
    Passwords::check_length(&password)?;
    match &call.settings.confirmation {
        Confirmation::Function(_) => {
            let text = format!("failed to confirm user \"{email}\": functions are not served");
            return Err(Reject::BadRequest(text));
        }
        Confirmation::Mail(_) if !mail::is_address(&email) => {
            return Err(Reject::BadRequest("'email' is no e-mail address".to_owned()));
        }
        Confirmation::Mail(_) | Confirmation::Automatic => {}
    }
    call.gateway.limits.new_user(call.from, Instant::now())?;
    let place = match &call.settings.confirmation {
        Confirmation::Mail(_) => match call.gateway.mailer.place(&email, call.from) {
            // The operator has been told at the start.
            Err(MailError::Off) => None,
            place => Some(place.map_err(refusal)?),
        },
        Confirmation::Automatic | Confirmation::Function(_) => None,
    };
    add(&call, email.clone(), password).await?;
    if let Confirmation::Mail(mail) = &call.settings.confirmation {
        let sent = match place {
            Some(place) => call
                .send_token(place, &email, Purpose::Confirm, mail)
                .await
                .is_ok(),
            None => false,
        };
        if !sent {
            warn!("a registration is there without its mail, which has to be asked for again");
        }
    }
    Ok((StatusCode::CREATED, done()))
}

async fn add(call: &Call<Registration>, email: String, password: String) -> Result<(), Reject> {
    let state = &call.app.state;
    // A name that is taken costs no hash; whoever asks learns that it is taken either way.
    if state.registration(&email).await?.is_some() {
        return Err(Reject::NameInUse);
    }
    let passwords = &call.gateway.passwords;
    let turn = passwords.turn_to_register(call.from).await?;
    let registration = state::Registration {
        email,
        identity: ids::identity_id(),
        password_hash: passwords.hash(turn, password).await?,
        confirmed: call.settings.confirmation == Confirmation::Automatic,
    };
    let identity = registration.identity.clone();
    if !state.register(registration).await? {
        return Err(Reject::NameInUse);
    }
    debug!(identity, "registered");
    Ok(())
}

//! `POST app/{app}/auth/providers/local-userpass/...`: e-mails and passwords, before anybody is logged in.

pub mod confirm;
pub mod register;
pub mod reset;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequest, Path, Request};
use axum::{Json, RequestPartsExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::error;

use crate::app::App;
use crate::auth::{Address, AuthError, hash_of_secret, new_secret};
use crate::definition::{self, Password};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::account::AccountError;
use crate::http::extract::AppOfPath;
use crate::http::reject::Reject;
use crate::mail::{Mail, MailError, Place};
use crate::state::{AddedToken, OneTimeToken, Provider, Purpose, Registration, SecretHash};
use crate::{clock, ids};

/// Milliseconds for which a one-time token is good: 30 minutes.
const TOKEN_LIFETIME: i64 = 30 * 60 * 1000;

/// What every one of these requests has.
pub struct Call<T> {
    gateway: Arc<Gateway>,
    app: Arc<App>,
    /// How the provider is configured; it is on.
    settings: Password,
    from: Address,
    body: T,
}

#[derive(Deserialize)]
struct Names {
    provider: String,
}

impl<T: DeserializeOwned> FromRequest<Arc<Gateway>> for Call<T> {
    type Rejection = Reject;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let (mut parts, body) = request.into_parts();
        let AppOfPath(app) = parts.extract_with_state(gateway).await?;
        let names = parts.extract::<Path<Names>>().await;
        let Path(Names { provider }) = names.map_err(|error| Reject::BadRequest(error.to_string()))?;
        let settings = app.definition().providers.password.clone();
        let settings = settings.filter(|_| provider == Provider::Password.as_str());
        let settings = settings.ok_or(Reject::UnknownProvider(provider))?;
        let Ok(ClientAddress(address)) = parts.extract().await;
        let mut memory = gateway.memory.budget_of_stranger(address);
        Ok(Self {
            gateway: Arc::clone(gateway),
            app,
            settings,
            from: Address::from(address),
            body: super::json(&parts.headers, body, &mut memory).await?,
        })
    }
}

/// The member that names the user.
#[derive(Deserialize)]
pub struct Named {
    email: Option<String>,
}

/// A one-time token as its mail had it.
#[derive(Deserialize)]
pub struct SentToken {
    token: Option<String>,
    #[serde(rename = "tokenId")]
    id: Option<String>,
}

impl SentToken {
    /// Its id, and the hash of its secret.
    fn read(self) -> Result<(String, SecretHash), Reject> {
        let secret = super::required("token", self.token)?;
        Ok((super::required("tokenId", self.id)?, hash_of_secret(&secret)))
    }
}

impl<T> Call<T> {
    /// Counts a try of the address that asks, since a name or a token may be guessed.
    fn attempt(&self) -> Result<(), AuthError> {
        self.gateway.limits.attempt(self.from, "", Instant::now())
    }

    async fn registration(&self, email: &str) -> Result<Registration, Reject> {
        let found = self.app.state.registration(email).await?;
        found.ok_or(AccountError::UserNotFound.into())
    }

    /// Takes the place of a mail, before its token is made.
    fn place(&self, email: &str) -> Result<Place, Reject> {
        self.gateway.mailer.place(email, self.from).map_err(refusal)
    }

    /// Sends a one-time token.
    async fn send_token(
        &self,
        place: Place,
        email: &str,
        purpose: Purpose,
        mail: &definition::Mail,
    ) -> Result<(), Reject> {
        let secret = new_secret();
        let token = OneTimeToken {
            id: ids::object_id(),
            hash: hash_of_secret(&secret),
            purpose,
            expires: clock::unix_millis() + TOKEN_LIFETIME,
        };
        let link = link(&mail.url, &secret, &token.id);
        match self.app.state.add_token(email, token).await? {
            AddedToken::Added => {}
            AddedToken::NoRegistration => return Err(AccountError::UserNotFound.into()),
            AddedToken::TooMany => return Err(Reject::TooManyMails(None)),
        }
        let mail = Mail {
            subject: mail.subject.clone(),
            text: match purpose {
                Purpose::Confirm => "To confirm your e-mail address, open this link:",
                Purpose::Reset => "To set a new password, open this link:",
            },
            link,
        };
        self.gateway.mailer.send(place, mail).map_err(refusal)
    }
}

/// What a client is told about a mail that is not sent.
fn refusal(error: MailError) -> Reject {
    match error {
        MailError::Busy => Reject::Busy("too many mails wait to be sent"),
        MailError::TooManyToMailbox(wait) => Reject::TooManyMails(Some(wait)),
        MailError::TooManyFromAddress(wait) => Reject::TooManyMailsFromAddress(wait),
        error @ (MailError::Off | MailError::Address | MailError::Message(_)) => {
            error!(%error, "a mail could not be sent");
            Reject::BadRequest("error processing request".to_owned())
        }
    }
}

/// The page with the token in its query, as App Services put it there.
fn link(page: &str, secret: &str, id: &str) -> String {
    let (page, fragment) = page.find('#').map_or((page, ""), |at| page.split_at(at));
    let separator = if page.contains('?') { '&' } else { '?' };
    format!("{page}{separator}token={secret}&tokenId={id}{fragment}")
}

/// Nothing to tell but that it is done.
fn done() -> Json<Value> {
    Json(json!({}))
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_token_is_added_to_any_query() {
        for (page, expected) in [
            ("https://a.example/x", "https://a.example/x?token=s&tokenId=i"),
            (
                "https://a.example/?y=1",
                "https://a.example/?y=1&token=s&tokenId=i",
            ),
            ("app://confirm#top", "app://confirm?token=s&tokenId=i#top"),
            ("", "?token=s&tokenId=i"),
        ] {
            assert_eq!(link(page, "s", "i"), expected);
        }
    }
}

//! `POST app/{app}/auth/providers/{provider}/login`: lets a user in, or adds one more way in to a user who is there.

mod api_key;
mod external;
mod password;

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::debug;

use crate::app::App;
use crate::auth::{Address, AuthError, old_sessions};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::account::AccountError;
use crate::http::extract::{AccessToken, AppOfPath};
use crate::http::reject::Reject;
use crate::state::{Identity, Linked, Provider, Session, User, UserKind};
use crate::{clock, ids};

#[derive(Deserialize)]
pub struct Names {
    provider: String,
}

/// The members that matter; `provider` and `options` say nothing that is not known already.
#[derive(Deserialize)]
struct Credentials {
    username: Option<String>,
    password: Option<String>,
    key: Option<String>,
    token: Option<String>,
    id_token: Option<String>,
    #[serde(rename = "accessToken")]
    access_token: Option<String>,
    #[serde(rename = "authCode")]
    auth_code: Option<String>,
}

/// Who it is, as far as the provider is concerned.
enum Proven {
    /// Whoever has this identity, who may be new.
    Identity(Identity, UserKind),
    /// The same of a registration.
    Password {
        identity: Identity,
        /// Of the password that he knows.
        hash: String,
    },
    /// A user who has made this API key.
    Owner {
        /// Its id.
        key: String,
        /// His id.
        user: String,
    },
}

impl Proven {
    fn identity(provider: Provider, id: String, data: Map<String, Value>) -> Self {
        let identity = Identity { provider, id, data };
        Self::Identity(identity, UserKind::Normal)
    }
}

/// The access token of the user who adds a way in, if that is what is asked for.
pub struct Linking(Option<AccessToken>);

#[derive(Deserialize)]
struct Options {
    link: Option<String>,
}

impl FromRequestParts<Arc<Gateway>> for Linking {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let query = Query::<Options>::from_request_parts(parts, gateway).await;
        let Query(options) = query.map_err(|error| Reject::BadRequest(error.to_string()))?;
        if options.link.as_deref() != Some("true") {
            return Ok(Self(None));
        }
        AccessToken::from_request_parts(parts, gateway)
            .await
            .map(Some)
            .map(Self)
    }
}

/// Finds out who it is, and then lets him in or links him.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AppOfPath(app): AppOfPath,
    ClientAddress(address): ClientAddress,
    Path(Names { provider }): Path<Names>,
    Linking(linking): Linking,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Reject> {
    let definition = app.definition();
    let known = Provider::from_name(&provider).filter(|known| definition.providers.has(*known));
    let provider = known.ok_or(Reject::UnknownProvider(provider))?;
    let mut memory = gateway.memory.budget_of_stranger(address);
    let limit = match definition.providers.tokens(provider) {
        Some(_) => external::MAX_BODY,
        None => super::MAX_JSON,
    };
    let credentials: Credentials = super::json_within(limit, &headers, body, &mut memory).await?;
    let from = Address::from(address);
    let proven = match provider {
        Provider::Anonymous if linking.is_some() => return Err(AccountError::BadLink.into()),
        Provider::Anonymous => anonymous(&gateway, from)?,
        Provider::Password => password::prove(&gateway, &app, &definition, from, credentials).await?,
        Provider::ApiKey => api_key::prove(&gateway, &app, from, credentials).await?,
        Provider::CustomToken | Provider::Google | Provider::Facebook | Provider::Apple => {
            external::prove(&gateway, definition, provider, address, credentials).await?
        }
        Provider::CustomFunction => return Err(Reject::UnknownProvider(provider.as_str().to_owned())),
    };
    match linking {
        None => log_in(&app, proven).await,
        Some(token) => link(&app, &token, proven).await,
    }
}

/// Everybody may be a new user.
fn anonymous(gateway: &Gateway, from: Address) -> Result<Proven, AuthError> {
    gateway.limits.new_user(from, Instant::now())?;
    Ok(Proven::identity(
        Provider::Anonymous,
        ids::identity_id(),
        Map::new(),
    ))
}

/// Opens a session for the user, who is made if he is new.
async fn log_in(app: &App, proven: Proven) -> Result<Json<Value>, Reject> {
    let (user, identity, api_key, password_hash) = match proven {
        Proven::Identity(identity, kind) => {
            let user = app.state.find_or_create(identity.clone(), kind).await?;
            let user = user.ok_or(AccountError::Unauthorized)?;
            let is_key = identity.provider == Provider::ApiKey;
            let key = is_key.then(|| identity.id.clone());
            (user, identity, key, None)
        }
        Proven::Password { identity, hash } => {
            let user = app.state.find_or_create(identity.clone(), UserKind::Normal);
            let user = user.await?.ok_or(AccountError::Unauthorized)?;
            (user, identity, None, Some(hash))
        }
        Proven::Owner { key, user } => {
            let user = app.state.user(&user).await?.ok_or(AccountError::Unauthorized)?;
            let identity = Identity {
                provider: Provider::ApiKey,
                id: key.clone(),
                data: Map::new(),
            };
            (user, identity, Some(key), None)
        }
    };
    if user.disabled {
        return Err(AccountError::UserDisabled.into());
    }
    // Before anything is opened. Who logs in anonymously is new, so there is nothing about him; asked all the same, each attempt
    // would leave a user behind while the answer does not come.
    let data = match identity.provider {
        Provider::Anonymous => None,
        _ => app.data_of_token(&user).await?,
    };
    let now = clock::unix_seconds();
    let session = Session {
        id: ids::object_id(),
        user: user.id,
        device: ids::object_id(),
        api_key,
        expires: app.keyring.lifetimes().end_of_session(identity.provider, now),
    };
    let key = app.state.open_session(session.clone(), password_hash).await?;
    let key = key.ok_or(AccountError::Unauthorized)?;
    let provider = identity.provider.as_str();
    debug!(user = session.user, provider, "logged in");
    let tokens = app.keyring.tokens_with(key, Instant::now()).await?;
    Ok(answer(
        tokens.access(&session, data, clock::unix_millis())?,
        Some(tokens.refresh(&session, &identity, key, now)?),
        session,
    ))
}

/// Adds the identity to the user of the token, whose session goes on.
async fn link(app: &App, token: &AccessToken, proven: Proven) -> Result<Json<Value>, Reject> {
    if old_sessions::is_old(&token.claims.iss) {
        return Err(AccountError::OldSession.into());
    }
    let session = app.state.session(&token.claims.iss).await?;
    let session = session
        .filter(|session| session.user == token.claims.sub)
        .ok_or(Reject::NoSession)?;
    let user = match proven {
        Proven::Identity(_, UserKind::Server) => return Err(AccountError::BadLink.into()),
        Proven::Identity(identity, UserKind::Normal) => add(app, &session, identity, None).await?,
        Proven::Password { identity, hash } => add(app, &session, identity, Some(hash)).await?,
        // Keys are his already, and nobody else's can be.
        Proven::Owner { user, .. } => {
            let own = app.state.user(&user).await?;
            own.filter(|user| user.id == session.user)
                .ok_or(AccountError::BadLink)?
        }
    };
    let data = app.data_of_token(&user).await?;
    let tokens = app.keyring.tokens(Instant::now()).await?;
    let access = tokens.access(&session, data, clock::unix_millis())?;
    Ok(answer(access, None, session))
}

async fn add(
    app: &App,
    session: &Session,
    identity: Identity,
    password_hash: Option<String>,
) -> Result<User, Reject> {
    let provider = identity.provider.as_str();
    match app.state.link(&session.user, identity, password_hash).await? {
        Linked::Done(user) => {
            debug!(user = session.user, provider, "linked");
            Ok(user)
        }
        Linked::Taken => Err(AccountError::IdentityTaken.into()),
        Linked::HasAnother => Err(AccountError::SecondPassword.into()),
        Linked::NotProven => Err(Reject::BadLogin),
        Linked::NoUser => Err(Reject::NoSession),
    }
}

fn answer(access: String, refresh: Option<String>, session: Session) -> Json<Value> {
    Json(json!({
        "access_token": access,
        "refresh_token": refresh,
        "user_id": session.user,
        "device_id": session.device,
    }))
}

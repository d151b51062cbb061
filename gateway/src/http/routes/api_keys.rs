//! `auth/api_keys`: the keys of a user, who shows his refresh token.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::debug;

use crate::app::App;
use crate::auth::{hash_of_secret, is_key_name, new_api_key, old_sessions};
use crate::gateway::Gateway;
use crate::http::ClientAddress;
use crate::http::account::AccountError;
use crate::http::extract::RefreshToken;
use crate::http::reject::Reject;
use crate::state::{AddedKey, ApiKey, KeyOwner, Provider, Session, UserKind};

/// A user who has a session that lasts, in an app whose users may have keys.
pub struct Owner {
    app: Arc<App>,
    session: Session,
    owner: KeyOwner,
}

impl FromRequestParts<Arc<Gateway>> for Owner {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Reject> {
        let RefreshToken { app, user, session } = RefreshToken::from_request_parts(parts, gateway).await?;
        if !app.definition().providers.has(Provider::ApiKey) {
            return Err(Reject::UnknownProvider(Provider::ApiKey.as_str().to_owned()));
        }
        if old_sessions::is_old(&session) {
            return Err(AccountError::OldSession.into());
        }
        let session = app.state.session(&session).await?;
        let session = session
            .filter(|session| session.user == user)
            .ok_or(Reject::NoSession)?;
        let owner = KeyOwner::User(user);
        Ok(Self { app, session, owner })
    }
}

#[derive(Deserialize)]
struct New {
    name: Option<String>,
}

/// Makes a key. This answer alone has its text.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Owner { app, session, owner }: Owner,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Reject> {
    let mut memory = gateway.memory.budget(&session.user, from);
    let New { name } = super::json(&headers, body, &mut memory).await?;
    // A body may take its time, and the session end meanwhile.
    app.state.session(&session.id).await?.ok_or(Reject::NoSession)?;
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or(AccountError::ApiKeyNameMissing)?;
    if !is_key_name(&name) {
        return Err(AccountError::ApiKeyName.into());
    }
    let user = app.state.user(&session.user).await?.ok_or(Reject::NoSession)?;
    let named = user
        .identities
        .iter()
        .any(|identity| identity.provider != Provider::Anonymous);
    if !named || user.kind == UserKind::Server {
        return Err(AccountError::NoApiKeys.into());
    }
    let (key, text) = new_api_key(owner, name);
    match app.state.add_api_key(key.clone(), hash_of_secret(&text)).await? {
        AddedKey::Added => {}
        AddedKey::NameTaken => return Err(AccountError::ApiKeyNameTaken.into()),
        AddedKey::TooMany => return Err(AccountError::TooManyApiKeys.into()),
        AddedKey::NoUser => return Err(Reject::NoSession),
    }
    debug!(user = session.user, key = key.id, "API key made");
    let mut answer = described(&key);
    answer["key"] = text.into();
    Ok((StatusCode::CREATED, Json(answer)))
}

fn described(key: &ApiKey) -> Value {
    json!({"_id": key.id, "name": key.name, "disabled": key.disabled})
}

/// Every key, in the order in which they were made.
pub async fn list(Owner { app, owner, .. }: Owner) -> Result<Json<Value>, Reject> {
    let keys = app.state.api_keys(&owner).await?;
    Ok(Json(keys.iter().map(described).collect()))
}

/// One key.
pub async fn fetch(Owner { app, owner, .. }: Owner, Path(id): Path<String>) -> Result<Json<Value>, Reject> {
    let keys = app.state.api_keys(&owner).await?;
    let key = keys.iter().find(|key| key.id == id);
    key.map(|key| Json(described(key)))
        .ok_or(AccountError::ApiKeyNotFound.into())
}

/// Lets somebody in by it again.
pub async fn enable(owner: Owner, Path(id): Path<String>) -> Result<StatusCode, Reject> {
    owner.set_disabled(&id, false).await
}

/// Lets nobody in by it.
pub async fn disable(owner: Owner, Path(id): Path<String>) -> Result<StatusCode, Reject> {
    owner.set_disabled(&id, true).await
}

/// Forgets it.
pub async fn remove(
    Owner { app, session, owner }: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, Reject> {
    if session.api_key.as_ref() == Some(&id) {
        return Err(AccountError::ApiKeyInUse.into());
    }
    done(app.state.remove_api_key(&owner, &id).await?)
}

impl Owner {
    async fn set_disabled(&self, id: &str, disabled: bool) -> Result<StatusCode, Reject> {
        let state = &self.app.state;
        done(state.set_api_key_disabled(&self.owner, id, disabled).await?)
    }
}

fn done(found: bool) -> Result<StatusCode, Reject> {
    if found {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(AccountError::ApiKeyNotFound.into())
    }
}

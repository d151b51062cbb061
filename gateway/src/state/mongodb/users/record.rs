//! The record of a user.

use bson::{Document, doc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::backend::BackendError;
use crate::state::mongodb::copying::CopiedUser;
use crate::state::mongodb::registrations;
use crate::state::mongodb::store::{Name, Store};
use crate::state::{Identity, Provider, User, UserKind};

#[derive(Serialize, Deserialize)]
pub(in crate::state::mongodb) struct Record {
    #[serde(rename = "_id")]
    pub(super) name: Name,
    pub(super) app: String,
    pub(in crate::state::mongodb) id: String,
    pub(super) kind: String,
    pub(super) disabled: bool,
    pub(super) gone: bool,
    pub(in crate::state::mongodb) identities: Vec<Held>,
    /// How often his sessions were ended.
    pub(super) epoch: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) custom_data: Option<String>,
    pub(super) created: i64,
    pub(super) last_login: i64,
}

/// One way to prove who he is.
#[derive(Serialize, Deserialize)]
pub(in crate::state::mongodb) struct Held {
    /// See [`identity_key`].
    pub(in crate::state::mongodb) key: String,
    provider: String,
    pub(in crate::state::mongodb) id: String,
    /// JSON.
    data: String,
    /// Of a registration, how often its password had been replaced when it became his.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::state::mongodb) generation: Option<i64>,
    /// Whether its password has yet to be looked at once more, see `links.rs`. Then it does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::state::mongodb) unproven: bool,
}

/// An identity in one word, of which one user may have each.
pub(in crate::state::mongodb) fn identity_key(provider: Provider, id: &str) -> String {
    format!("{}/{id}", provider.as_str())
}

impl Held {
    pub(in crate::state::mongodb) fn new(
        identity: &Identity,
        generation: Option<i64>,
    ) -> Result<Self, BackendError> {
        Ok(Self {
            key: identity_key(identity.provider, &identity.id),
            provider: identity.provider.as_str().to_owned(),
            id: identity.id.clone(),
            data: data(identity)?,
            generation,
            unproven: false,
        })
    }

    fn identity(self) -> Result<Identity, BackendError> {
        let provider = Provider::from_name(&self.provider)
            .ok_or_else(|| BackendError::Damaged(format!("there is no provider '{}'", self.provider)))?;
        let data = serde_json::from_str(&self.data).map_err(|error| {
            BackendError::Damaged(format!("what is said about a user cannot be read: {error}"))
        })?;
        Ok(Identity {
            provider,
            id: self.id,
            data,
        })
    }
}

impl Record {
    pub(in crate::state::mongodb) fn user(self) -> Result<User, BackendError> {
        let identities = self.identities.into_iter().map(Held::identity);
        Ok(User {
            id: self.id,
            kind: UserKind::from_name(&self.kind).unwrap_or(UserKind::Normal),
            identities: identities.collect::<Result<_, _>>()?,
            disabled: self.disabled,
            // It was a document when it was written.
            custom_data: self.custom_data.and_then(|text| RawValue::from_string(text).ok()),
            created: self.created,
            last_login: self.last_login,
        })
    }
}

pub(super) fn data(identity: &Identity) -> Result<String, BackendError> {
    let text = serde_json::to_string(&identity.data);
    text.map_err(|error| {
        BackendError::Damaged(format!("what is said about a user cannot be written: {error}"))
    })
}

/// The record of a user who comes from another state, with when his sessions were ended last.
pub(in crate::state::mongodb) fn copied(store: &Store, user: CopiedUser) -> Result<Document, BackendError> {
    let CopiedUser { id, identities, .. } = user;
    let held = identities.into_iter().map(|(provider, id, data)| {
        let is_password = provider == Provider::Password.as_str();
        Held {
            key: format!("{provider}/{id}"),
            provider,
            id,
            data,
            generation: is_password.then_some(0),
            unproven: false,
        }
    });
    let record = Record {
        name: store.name(&id),
        app: store.domain.clone(),
        id,
        kind: user.kind,
        disabled: user.disabled,
        gone: user.gone,
        identities: held.collect(),
        epoch: 0,
        custom_data: user.custom_data,
        created: user.created,
        last_login: user.last_login,
    };
    let mut document = bson::serialize_to_document(&record).map_err(mongodb::error::Error::from)?;
    if record.gone {
        document.insert("identities", vec![none(&record.id)]);
    }
    if let Some(revoked) = user.revoked {
        document.insert("revoked", revoked);
    }
    Ok(document)
}

/// The record of a user who comes from another service.
pub(in crate::state::mongodb) async fn imported(store: &Store, user: &User) -> Result<Record, BackendError> {
    let mut identities = Vec::with_capacity(user.identities.len());
    for identity in &user.identities {
        let generation = match identity.provider {
            Provider::Password => registrations::proof(store, &identity.id).await?,
            _ => None,
        };
        identities.push(Held::new(identity, generation.map(|proof| proof.generation))?);
    }
    Ok(Record {
        name: store.name(&user.id),
        app: store.domain.clone(),
        id: user.id.clone(),
        kind: user.kind.as_str().to_owned(),
        disabled: user.disabled,
        gone: false,
        identities,
        epoch: 0,
        custom_data: user.custom_data.as_ref().map(|data| data.get().to_owned()),
        created: user.created,
        last_login: user.last_login,
    })
}

/// What a user who is gone has for an identity. Users without any would have the same one: none.
pub(super) fn none(user: &str) -> Document {
    doc! {"key": format!("/{user}")}
}

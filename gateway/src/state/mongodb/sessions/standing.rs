//! What a session depends on: what is asked of its user, of his registration and of the API key that opened it.

use bson::doc;
use serde::{Deserialize, Serialize};

use crate::backend::BackendError;
use crate::state::Provider;
use crate::state::mongodb::app::App;
use crate::state::mongodb::store::Store;
use crate::state::mongodb::{API_KEYS, REGISTRATIONS, USERS};

/// What a session was opened under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::state::mongodb) struct Under {
    /// How often the user's sessions had been ended.
    pub(in crate::state::mongodb) epoch: i64,
    /// How often his password had been replaced, if he had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<i64>,
    /// How often the sessions of the API key that opened it had been ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::state::mongodb) key_epoch: Option<i64>,
    /// The key that has signed its refresh token.
    pub(in crate::state::mongodb) key: i64,
}

/// What decides about the sessions of a user at one moment.
pub(in crate::state::mongodb) struct Standing {
    epoch: i64,
    /// Of his registration: how often its password had been replaced when it became his, and how often now.
    registration: Option<(Option<i64>, i64)>,
    pub(super) password_hash: Option<String>,
    key_epoch: Option<i64>,
    app: App,
}

/// What is asked of a user, by its fields.
pub(in crate::state::mongodb) const HOLDER: [&str; 6] =
    ["id", "epoch", "disabled", "gone", "revoked", "identities"];

/// See [`HOLDER`].
#[derive(Deserialize)]
pub(in crate::state::mongodb) struct Holder {
    pub(in crate::state::mongodb) id: String,
    pub(in crate::state::mongodb) epoch: i64,
    pub(in crate::state::mongodb) disabled: bool,
    pub(in crate::state::mongodb) gone: bool,
    #[serde(default)]
    pub(in crate::state::mongodb) revoked: Option<i64>,
    identities: Vec<HeldIdentity>,
}

#[derive(Deserialize)]
struct HeldIdentity {
    key: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    generation: Option<i64>,
    /// Then it does not count yet.
    #[serde(default)]
    unproven: bool,
}

impl Holder {
    /// His registration, as his own record names it.
    fn registration(&self) -> Option<&HeldIdentity> {
        let password = Provider::Password.as_str();
        let mut identities = self.identities.iter();
        identities.find(|one| one.provider == password && !one.unproven)
    }

    /// Whether he has this identity.
    pub(in crate::state::mongodb) fn holds(&self, key: &str) -> bool {
        self.identities.iter().any(|one| one.key == key && !one.unproven)
    }

    /// How often the password of his registration had been replaced when it became his.
    pub(in crate::state::mongodb) fn linked(&self) -> Option<i64> {
        self.registration()?.generation
    }
}

/// What is asked of a registration, by its fields.
pub(in crate::state::mongodb) const HELD_REGISTRATION: [&str; 4] =
    ["identity", "generation", "password_hash", "revoked"];

/// See [`HELD_REGISTRATION`].
#[derive(Deserialize)]
pub(in crate::state::mongodb) struct HeldRegistration {
    pub(in crate::state::mongodb) identity: String,
    pub(in crate::state::mongodb) generation: i64,
    password_hash: String,
    #[serde(default)]
    pub(in crate::state::mongodb) revoked: Option<i64>,
}

/// What is asked of an API key, by its fields.
pub(in crate::state::mongodb) const HELD_KEY: [&str; 5] = ["id", "epoch", "disabled", "gone", "revoked"];

/// See [`HELD_KEY`].
#[derive(Deserialize)]
pub(in crate::state::mongodb) struct HeldKey {
    pub(in crate::state::mongodb) id: String,
    pub(in crate::state::mongodb) epoch: i64,
    disabled: bool,
    gone: bool,
    #[serde(default)]
    pub(in crate::state::mongodb) revoked: Option<i64>,
}

impl Standing {
    /// None when the user or the API key is not there or is disabled.
    pub(super) async fn read(
        store: &Store,
        user: &str,
        api_key: Option<&str>,
    ) -> Result<Option<Self>, BackendError> {
        let Some(holder) = store.find::<Holder>(USERS, store.named(user)).await? else {
            return Ok(None);
        };
        if holder.disabled || holder.gone {
            return Ok(None);
        }
        let registration = async {
            match holder.registration() {
                None => Ok(None),
                Some(held) => {
                    let filter = store.of_app(doc! {"identity": &held.id});
                    store.find::<HeldRegistration>(REGISTRATIONS, filter).await
                }
            }
        };
        let key = async {
            match api_key {
                None => Ok(None),
                Some(key) => store.find::<HeldKey>(API_KEYS, store.named(key)).await,
            }
        };
        let (registration, key, app) = tokio::try_join!(registration, key, store.app())?;
        let key = key.filter(|key| !key.disabled && !key.gone);
        if api_key.is_some() && key.is_none() {
            return Ok(None);
        }
        let linked = holder.linked();
        Ok(Some(Self {
            epoch: holder.epoch,
            registration: registration.as_ref().map(|one| (linked, one.generation)),
            password_hash: registration.map(|one| one.password_hash),
            key_epoch: key.map(|key| key.epoch),
            app,
        }))
    }

    /// What a session is opened under now.
    pub(super) fn under(&self) -> Option<Under> {
        Some(Under {
            epoch: self.epoch,
            generation: self.registration.map(|(_, now)| now),
            key_epoch: self.key_epoch,
            key: self.app.newest()?,
        })
    }

    /// Whether a session that was opened under this goes on.
    pub(super) fn keeps(&self, under: &Under) -> bool {
        self.epoch == under.epoch
            && self.key_epoch == under.key_epoch
            && self.app.has(under.key)
            && self
                .registration
                .is_none_or(|(linked, now)| under.keeps_password(linked, now))
    }
}

impl Under {
    /// Whether the password of the user's registration was not replaced since the session was opened; of a session that is older
    /// than his registration, since that became his, when it had been replaced `linked` times.
    pub(in crate::state::mongodb) fn keeps_password(&self, linked: Option<i64>, now: i64) -> bool {
        self.generation.or(linked) == Some(now)
    }
}

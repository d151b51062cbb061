//! Tokens that others have signed: custom JWTs, and id tokens as OpenID Connect describes them.
//!
//! ```text
//! text -> Token (header, limits) -> keys (configured, or a set that is read) -> claims -> Rules -> subject, data
//! ```
//!
//! Which keys verify a token and by which algorithm is configured; its header only chooses among these. Nothing of a token is
//! in an error.

mod domain;
mod error;
mod fetch;
mod jwks;
mod key;
mod key_set;
mod location;
mod metadata;
mod pace;
mod rules;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

pub use domain::Domain;
pub use error::{KeysError, TokenError};
pub use jwks::{SetError, parse as parse_key_set};
pub use key::{Algorithm, KeyError, VerificationKey};
pub use key_set::KeySets;
pub use location::{Location, LocationError, Reach};
pub use metadata::{FieldError, MetadataField};
pub use rules::Rules;
pub use token::{MAX_TOKEN, Token};

/// How the tokens of one provider are verified, as an operator configured it.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// What verifies their signatures.
    pub keys: KeySource,
    /// What their claims must be.
    pub rules: Rules,
    /// Claims that become data of the user.
    pub metadata: Vec<MetadataField>,
}

/// What verifies signatures.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// One of these.
    Keys(Arc<[VerificationKey]>),
    /// The one of the set there that a token names.
    Set(Location),
}

/// Who somebody is, by a token that is good.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// His name with the provider.
    pub subject: String,
    /// Data of the user.
    pub data: Map<String, Value>,
}

/// The keys that may have signed one token.
pub struct Candidates {
    keys: Arc<[VerificationKey]>,
    /// Only those of this name.
    name: Option<String>,
}

impl TokenConfig {
    /// The keys that may have signed the token. Waits for a set to be read, for a few seconds at most.
    ///
    /// # Errors
    /// When the token does not name its key, though it must, or the set cannot be read.
    pub async fn candidates(
        &self,
        token: &Token,
        sets: &KeySets,
        now: Instant,
    ) -> Result<Candidates, ExternalError> {
        match &self.keys {
            KeySource::Keys(keys) => Ok(Candidates {
                keys: Arc::clone(keys),
                name: None,
            }),
            KeySource::Set(location) => {
                let name = token.key().ok_or(TokenError::NoKeyNamed)?;
                Ok(Candidates {
                    keys: sets.at(location).keys(name, now).await?,
                    name: Some(name.to_owned()),
                })
            }
        }
    }

    /// Who the token says somebody is to the app of this id, if it is good at `now`, in seconds since 1970. Takes a processor
    /// for a moment.
    ///
    /// # Errors
    /// When it is not good.
    pub fn check(
        &self,
        token: &Token,
        candidates: &Candidates,
        app_id: Option<&str>,
        now: i64,
    ) -> Result<Person, TokenError> {
        let named =
            |key: &&VerificationKey| candidates.name.is_none() || key.name() == candidates.name.as_deref();
        let claims = token.claims(candidates.keys.iter().filter(named))?;
        Ok(Person {
            subject: self.rules.check(&claims, app_id, now)?,
            data: metadata::data(&self.metadata, &claims)?,
        })
    }
}

/// Why somebody is not let in with a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalError {
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It cannot be told.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

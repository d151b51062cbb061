//! Tokens that others have signed: custom JWTs, and the id tokens of Google, Apple and Facebook.
//!
//! ```text
//! text -> Token (header, limits) -> keys (configured, or a set that is read) -> claims -> Rules -> subject, data
//! ```
//!
//! Which keys verify a token and by which algorithm is configured; its header only chooses among these. Nothing of a token is
//! in an error.

mod error;
mod fetch;
mod jwks;
mod key;
mod key_set;
mod location;
mod metadata;
mod openid;
mod rules;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

pub use error::{KeysError, TokenError};
pub use key::{Algorithm, KeyError, VerificationKey};
use key_set::KeySet;
pub use location::{Location, LocationError, Reach};
pub use metadata::{FieldError, MetadataField};
pub use openid::Vendor;
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
    Keys(Vec<VerificationKey>),
    /// The one of the set there that a token names.
    Set(Location),
}

/// Who somebody is, by a token that is good.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// His name with the provider.
    pub subject: String,
    /// Data of the user.
    pub data: Map<String, Value>,
}

/// Verifies the tokens of one provider. Any thread may ask.
pub struct Verifier {
    keys: Source,
    rules: Rules,
    metadata: Vec<MetadataField>,
}

enum Source {
    Keys(Arc<[VerificationKey]>),
    Set(Arc<KeySet>),
}

/// The keys that may have signed one token.
pub struct Candidates {
    keys: Arc<[VerificationKey]>,
    /// Only those of this name.
    name: Option<String>,
}

impl Verifier {
    /// Where `former` has keys from the same place, they stay known.
    #[must_use]
    pub fn new(config: TokenConfig, former: Option<&Self>) -> Self {
        let keys = match config.keys {
            KeySource::Keys(keys) => Source::Keys(keys.into()),
            KeySource::Set(location) => Source::Set(match former.map(|former| &former.keys) {
                Some(Source::Set(set)) if *set.location() == location => Arc::clone(set),
                _ => Arc::new(KeySet::new(location)),
            }),
        };
        Self {
            keys,
            rules: config.rules,
            metadata: config.metadata,
        }
    }

    /// The keys that may have signed the token. Waits for a set to be read, for a few seconds at most.
    ///
    /// # Errors
    /// When the token does not name its key, though it must, or the set cannot be read.
    pub async fn candidates(&self, token: &Token, now: Instant) -> Result<Candidates, ExternalError> {
        match &self.keys {
            Source::Keys(keys) => Ok(Candidates {
                keys: Arc::clone(keys),
                name: None,
            }),
            Source::Set(set) => {
                let name = token.key().ok_or(TokenError::NoKeyNamed)?;
                Ok(Candidates {
                    keys: set.keys(name, now).await?,
                    name: Some(name.to_owned()),
                })
            }
        }
    }

    /// Who the token says somebody is, if it is good at `now`, in seconds since 1970. Takes a processor for a moment.
    ///
    /// # Errors
    /// When it is not good.
    pub fn check(&self, token: &Token, candidates: &Candidates, now: i64) -> Result<Identity, TokenError> {
        let named = |key: &&VerificationKey| candidates.name.is_none() || key.name == candidates.name;
        let claims = token.claims(candidates.keys.iter().filter(named))?;
        Ok(Identity {
            subject: self.rules.check(&claims, now)?,
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

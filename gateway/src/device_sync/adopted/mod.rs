//! What the classes of a client file are that said so before it was known here: to a gateway that has lost its state, or to the service
//! that the application was made for. It never says it again.
//!
//! Property by property, the first of these who knows it decides:
//!  1. the application's directory, by the schema of the collection;
//!  2. other devices, by what is accepted of the class;
//!  3. the values that the file sends. That is a guess, which is made again when they show more, and which no other device is compared
//!     with.
//!
//! Where an application is not in development mode, its directory says all there is to a class that it describes; then the rest of a
//! document is for the core to refuse.

mod seen;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use realm_ingest_protocol::Schema;
use realm_ingest_protocol::schema::validation_text;

use self::seen::Seen;
use self::sources::{Found, Sources, found};
use super::changeset::{ChangesetError, Reader};
use super::registry::{Registry, RegistryError};
use crate::backend::BackendError;
use crate::definition::Definition;
use crate::state::Schemas;

/// What is known of classes elsewhere.
pub struct Elsewhere<'a> {
    /// The application's directory.
    pub definition: &'a Definition,
    /// What is accepted of the classes that are asked for, by their names.
    pub accepted: &'a BTreeMap<String, Schema>,
}

/// Why classes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The changeset cannot be read.
    #[error(transparent)]
    Changeset(#[from] ChangesetError),
    /// There is too much of them.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// They are no schema.
    #[error("{0}")]
    Schema(String),
}

/// What is accepted of classes, for [`define`]. Nothing where it does not count.
///
/// # Errors
/// When the state cannot be read.
pub async fn accepted(
    state: &(impl Schemas + Sync + ?Sized),
    definition: &Definition,
    classes: &[String],
) -> Result<BTreeMap<String, Schema>, BackendError> {
    let mut accepted = BTreeMap::new();
    if definition.sync.development_mode {
        for class in classes {
            if let Some(schema) = state.accepted_class(class).await? {
                accepted.insert(class.clone(), schema);
            }
        }
    }
    Ok(accepted)
}

/// Tells a registry what these classes are of which it does not know all that a changeset has, or has guessed it. Blocks.
///
/// # Errors
/// When the changeset cannot be read, there is too much of them, or they are no schema. Then the registry is as it was.
pub fn define(
    changeset: &[u8],
    classes: &[String],
    registry: &mut Registry,
    elsewhere: &Elsewhere<'_>,
) -> Result<(), AdoptError> {
    let mut told = registry.clone();
    for class in found(changeset, classes, &said(changeset, registry)?, elsewhere)? {
        match class {
            Found::Class { class, is_ordered } => {
                let is_new = told.kind(&class.name).is_none();
                told.define(&class)?;
                if is_new && !is_ordered {
                    told.forget_order(&class.name);
                }
            }
            Found::Regular(class, key) => told.define_regular(&class, key)?,
        }
    }
    let schema = told.schema();
    schema.check_limits().map_err(AdoptError::Schema)?;
    let valid = schema.validate();
    valid.map_err(|findings| AdoptError::Schema(validation_text(&findings)))?;
    *registry = told;
    Ok(())
}

/// Classes of a registry of which the values of a changeset show that what was guessed of them is not all. None where nothing was
/// guessed, or it is no changeset.
#[must_use]
pub fn outgrown(changeset: &[u8], registry: &Registry) -> Vec<String> {
    let mut guessed = registry.guessed();
    if guessed.is_empty() {
        return guessed;
    }
    let nobody = Sources::nobody(registry);
    let seen = Seen::read(changeset, &|class, property| nobody.name_of(class, property));
    guessed.retain(|name| {
        let class = seen.as_ref().ok().and_then(|seen| seen.class(name));
        class.is_some_and(|class| !registry.holds(name, class.properties(|_| true)))
    });
    guessed
}

/// The registry with what the changeset itself says of classes.
fn said(changeset: &[u8], registry: &Registry) -> Result<Registry, AdoptError> {
    let mut said = registry.clone();
    let mut reader = Reader::new(changeset);
    while let Some(instruction) = reader.next_instruction()? {
        said.apply(&instruction)?;
    }
    Ok(said)
}

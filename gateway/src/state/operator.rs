//! What the operator's commands ask of a state beyond what the server does, beside a running server or without one.

use std::collections::BTreeMap;

use realm_ingest_protocol::Schema;

use super::{ClientFile, Imports, KnownSchema, State};
use crate::backend::Answer;

/// One key that signs tokens, or signed some, for the operator. The secret itself is nobody's business.
#[derive(Debug)]
pub struct ListedKey {
    /// Its number, which tokens carry.
    pub id: i64,
    /// Milliseconds since 1970 when it was made.
    pub created: i64,
    /// Whether it signs new tokens.
    pub signs: bool,
    /// Sessions that go on and whose refresh tokens it has signed.
    pub sessions: i64,
    /// Milliseconds since 1970 when one of them was used last, to the hour.
    pub used: Option<i64>,
    /// Milliseconds since 1970 when the last of them ends.
    pub until: Option<i64>,
}

/// One schema, for the operator.
#[derive(Debug)]
pub struct ListedSchema {
    /// Its name.
    pub fingerprint: String,
    /// Milliseconds since 1970 when it came.
    pub created: i64,
    /// The user who sent it first, none where an earlier release did not note that.
    pub user: Option<String>,
    /// The names of its classes.
    pub classes: Vec<String>,
    /// Its classes that the operator chose.
    pub chosen: Vec<String>,
    /// Its classes that are in conflict.
    pub conflicts: Vec<Conflict>,
}

/// A class whose documents become dead letters.
#[derive(Debug)]
pub struct Conflict {
    /// The class.
    pub class: String,
    /// Milliseconds since 1970 when it came to be so.
    pub since: i64,
    /// What contradicts what.
    pub reason: String,
}

/// See the module.
pub trait Operator {
    /// Number of users who are there.
    fn count_users(&self) -> Answer<'_, u64>;
    /// Every key that signs or signed tokens, from the oldest on.
    fn signing_keys(&self) -> Answer<'_, Vec<ListedKey>>;
    /// Makes a key that signs from now on; the answer is its number.
    fn rotate_keys(&self) -> Answer<'_, i64>;
    /// Removes a key that does not sign any more. The sessions whose refresh tokens it has signed end; without `force` there
    /// must be none. The answer is their number, or what is wrong with the request.
    fn retire_key(&self, key: i64, force: bool) -> Answer<'_, Result<i64, String>>;
    /// Every schema in the order they came.
    fn list_schemas(&self) -> Answer<'_, Vec<ListedSchema>>;
    /// Every schema by its fingerprint.
    fn known_schemas(&self) -> Answer<'_, BTreeMap<String, KnownSchema>>;
    /// The schema of this fingerprint, as it was sent.
    fn sent_schema(&self, fingerprint: &str) -> Answer<'_, Option<Schema>>;
    /// The accepted definition of every class.
    fn accepted_schema(&self) -> Answer<'_, Schema>;
    /// Makes the schema's definition of the class accepted, with the embedded classes in it; of all its classes in
    /// conflict when none is named. The answer is the classes that were chosen, or what is wrong with the request.
    fn choose_schema(
        &self,
        fingerprint: &str,
        class: Option<&str>,
    ) -> Answer<'_, Result<Vec<String>, String>>;
    /// Forgets a schema and what was chosen of it; false when there is none. Who still writes under it sends it again.
    fn forget_schema(&self, fingerprint: &str) -> Answer<'_, bool>;
    /// Forgets every schema under which nobody has written and of which nothing was chosen; the answer is their fingerprints.
    fn forget_unused_schemas(&self) -> Answer<'_, Vec<String>>;
    /// Up to `limit` client files behind this one, by their names.
    fn client_files(&self, after: Option<&ClientFile>, limit: usize) -> Answer<'_, Vec<ClientFile>>;
}

/// A state as commands have it.
pub trait Managed: State + Operator + Imports {}

impl<T: State + Operator + Imports> Managed for T {}

/// The sessions that end when this one of the keys is retired, or why it is not.
pub(super) fn may_retire(keys: &[ListedKey], id: i64, force: bool) -> Result<i64, String> {
    match keys.iter().find(|key| key.id == id) {
        None => Err(format!("there is no key {id}; 'keys list' shows those there are")),
        Some(key) if key.signs => Err(format!("key {id} signs; 'keys rotate' makes another one sign")),
        Some(key) if key.sessions > 0 && !force => Err(format!(
            "{} refresh tokens of key {id} are good; whoever has one would be logged out, and an anonymous user come back \
             as a new one. Add --force to retire the key all the same",
            key.sessions
        )),
        Some(key) => Ok(key.sessions),
    }
}

/// Which classes of a schema are chosen when this one is wanted, or when none is named those in conflict: with each the embedded
/// ones in it. Only what is `compared` can be. An error says what is wrong with the request.
pub(super) fn chosen_classes(
    sent: &Schema,
    compared: &Schema,
    accepted: &Schema,
    class: Option<&str>,
) -> Result<Vec<String>, String> {
    let conflicts = super::acceptance::conflicts(accepted, compared);
    let wanted: Vec<_> = match class {
        None => {
            let classes = compared.classes.iter();
            classes
                .filter(|class| conflicts.contains_key(&class.name))
                .collect()
        }
        Some(name) => match compared.class(name) {
            Some(class) => vec![class],
            None if sent.class(name).is_some() => {
                return Err(format!(
                    "class '{name}' of schema {} is described by the app's directory, which it contradicts: \
                     change the directory, or the application",
                    sent.fingerprint()
                ));
            }
            None => return Err(format!("schema {} has no class '{name}'", sent.fingerprint())),
        },
    };
    let mut chosen: Vec<_> = wanted
        .into_iter()
        .flat_map(|class| compared.with_embedded(class))
        .map(|class| class.name.clone())
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// What is wrong with the name of a schema.
pub(super) fn no_schema(fingerprint: &str) -> String {
    format!("there is no schema {fingerprint}; 'schemas list' shows those there are")
}

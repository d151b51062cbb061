//! What the app's definition lets in: which classes, and of those which documents. Pure.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use realm_ingest_protocol::{Class, Document, RefusalCode, Schema, Violation};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::described::{asymmetric, described};
use crate::collection_schema::CollectionSchema;
use crate::definition::Definition;
use crate::rules::{Facts, Verdict};
use crate::state::User;

/// What has to be known of a user before rules are asked about him.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// More than his id.
    pub user: bool,
    /// What the application keeps about him, too.
    pub custom_data: bool,
}

/// What the rules of the classes ask for.
#[must_use]
pub fn needs(definition: &Definition, schema: &Schema) -> Needs {
    let mut needs = Needs::default();
    let source = definition.synced();
    let rules = |class: &Class| source.map(|source| source.rules_of(&class.name));
    for rules in asymmetric(schema).filter_map(rules) {
        needs.user |= rules.need_user();
        needs.custom_data |= rules.need_custom_data();
    }
    needs
}

/// `%%user` as rules see it, as far as he is known, with what the application keeps about him.
#[must_use]
pub fn user_facts(id: &str, user: Option<&User>, custom_data: Option<&RawValue>) -> Value {
    let Some(user) = user else {
        return json!({ "id": id });
    };
    let identities = user.identities.iter().map(|identity| {
        let provider = identity.provider.as_str();
        // Both spellings are in use.
        json!({"id": identity.id, "provider_type": provider, "providerType": provider})
    });
    let mut facts = json!({
        "id": id,
        "type": user.kind.as_str(),
        "data": user.data(),
        "identities": identities.collect::<Value>(),
    });
    if let Some(Ok(data)) = custom_data.map(|data| serde_json::from_str::<Value>(data.get())) {
        facts["custom_data"] = data;
    }
    facts
}

/// What one user may insert, decided for each class when its first document comes.
pub struct Permits<'a> {
    definition: &'a Definition,
    user: &'a Value,
    by_class: HashMap<Arc<str>, Rc<Permit<'a>>>,
}

/// What documents of one class have to pass.
pub struct Permit<'a> {
    /// Where it says more of documents than their class does.
    schema: Option<&'a CollectionSchema>,
    verdict: Verdict<'a>,
}

impl<'a> Permits<'a> {
    /// Of the user with these facts.
    #[must_use]
    pub fn new(definition: &'a Definition, user: &'a Value) -> Self {
        Self {
            definition,
            user,
            by_class: HashMap::new(),
        }
    }

    /// Of one class. They are kept, so it has to be one of a schema, of which there are not many.
    pub fn of(&mut self, class: &Arc<str>) -> Rc<Permit<'a>> {
        let (definition, user) = (self.definition, self.user);
        let permits = self.by_class.entry(Arc::clone(class));
        let permit = permits.or_insert_with(|| Rc::new(Permit::new(definition, user, class)));
        Rc::clone(permit)
    }
}

impl<'a> Permit<'a> {
    fn new(definition: &'a Definition, user: &Value, class: &str) -> Self {
        let schema = described(definition, class);
        let facts = Facts {
            user,
            values: &definition.values,
            tag: &definition.environment.tag,
            environment: &definition.environment.values,
        };
        let verdict = match definition.synced() {
            Some(source) => source.rules_of(class).decide(&facts),
            None => Verdict::Deny("the app has no data source for documents of devices".to_owned()),
        };
        Self {
            schema: schema.filter(|schema| schema.has_constraints()),
            verdict,
        }
    }

    /// Whether a sound document may be stored.
    ///
    /// # Errors
    /// With the first thing that is against it.
    pub fn check(&self, document: &Document<'_>) -> Result<(), Violation> {
        if let Some(schema) = self.schema {
            schema.check(document)?;
        }
        let refused = match &self.verdict {
            Verdict::Allow => None,
            Verdict::Deny(reason) => Some(reason.clone()),
            Verdict::PerDocument(check) => check.check(document).err(),
        };
        let code = RefusalCode::NotPermitted;
        refused.map_or(Ok(()), |reason| Err(Violation { code, reason }))
    }
}

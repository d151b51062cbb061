//! What the app's definition lets in: which classes, and of those which documents. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{Class, Document, RefusalCode, Schema, Violation};
use serde_json::{Value, json};

use crate::collection_schema::CollectionSchema;
use crate::definition::Definition;
use crate::rules::{Facts, Rules, Verdict};
use crate::state::User;

/// Contradictions of a class that are told.
const MAX_TOLD: usize = 3;

/// The classes of `schema` whose documents do not belong into the app's collections, each with the reason in one sentence.
#[must_use]
pub fn contradictions(definition: &Definition, schema: &Schema) -> BTreeMap<String, String> {
    let found = asymmetric(schema).filter_map(|class| {
        let reason = contradiction(definition, schema, class)?;
        Some((class.name.clone(), reason))
    });
    found.collect()
}

fn contradiction(definition: &Definition, schema: &Schema, class: &Class) -> Option<String> {
    let (name, development) = (&class.name, definition.sync.development_mode);
    if !development && !definition.sync.classes.contains(name) {
        return Some(format!(
            "class '{name}' is not among the application's asymmetric_tables"
        ));
    }
    let known = definition.collection_of(name).and_then(|one| one.schema.as_ref());
    let Some(known) = known else {
        return (!development).then(|| format!("class '{name}' is not in the application's schema"));
    };
    let mut found = known.contradictions(schema, class, development);
    let more = found.len().saturating_sub(MAX_TOLD);
    if more > 0 {
        found.truncate(MAX_TOLD);
        found.push(format!("... and {more} more"));
    }
    let found = found.join("; ");
    (!found.is_empty()).then(|| format!("class '{name}' contradicts the application's schema: {found}"))
}

/// Whether the rules of one of the classes ask more of the user than his id.
#[must_use]
pub fn need_user(definition: &Definition, schema: &Schema) -> bool {
    let source = definition.synced();
    let rules = |class: &Class| source.map(|source| source.rules_of(&class.name));
    asymmetric(schema).filter_map(rules).any(Rules::need_user)
}

fn asymmetric(schema: &Schema) -> impl Iterator<Item = &Class> {
    let classes = schema.classes.iter();
    classes.filter(|class| class.kind == Kind::Asymmetric)
}

/// `%%user` as rules see it, as far as he is known.
#[must_use]
pub fn user_facts(id: &str, user: Option<&User>) -> Value {
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
    let custom_data = user.custom_data.as_ref();
    if let Some(Ok(data)) = custom_data.map(|data| serde_json::from_str::<Value>(data.get())) {
        facts["custom_data"] = data;
    }
    facts
}

/// What one user may insert, decided for each class when its first document comes.
pub struct Permits<'a> {
    definition: &'a Definition,
    user: &'a Value,
    by_class: HashMap<Arc<str>, Permit<'a>>,
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
    pub fn of(&mut self, class: &Arc<str>) -> &Permit<'a> {
        let (definition, user) = (self.definition, self.user);
        let permits = self.by_class.entry(Arc::clone(class));
        permits.or_insert_with(|| Permit::new(definition, user, class))
    }
}

impl<'a> Permit<'a> {
    fn new(definition: &'a Definition, user: &Value, class: &str) -> Self {
        let schema = definition
            .collection_of(class)
            .and_then(|one| one.schema.as_ref());
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

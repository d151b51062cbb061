//! Who may insert what: the roles of one collection, as App Services decides by them. Pure.
//!
//! ```text
//! rules.json --Role::parse--> Role --Rules::new--> Rules --decide(facts), once a batch--> Verdict --check--> each document
//! ```
//!
//! The first role that applies to the user decides, also when it forbids. What depends on the user, the values and the
//! environment is settled once a batch; what is left asks fields of the document and costs neither I/O nor memory.

mod condition;
mod expression;
mod facts;
mod fields;
mod role;

pub use facts::Facts;
pub use role::Role;

use realm_ingest_protocol::Document;
use serde_json::Value;

use crate::json_path::shown;
use condition::Condition;
use expression::MAX_LIST;
use fields::FieldRules;

/// The roles of one collection, in their order.
#[derive(Clone, Debug)]
pub struct Rules {
    roles: Vec<Role>,
}

/// What is decided before a document is seen.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// Every document may be inserted.
    Allow,
    /// None may, for this reason.
    Deny(String),
    /// It depends on the document.
    PerDocument(Check<'a>),
}

/// What each document has to pass.
#[derive(Debug)]
pub struct Check<'a> {
    role: &'a str,
    filter: Condition<'a>,
    insert: Condition<'a>,
    /// None when all fields may be written.
    fields: Option<&'a FieldRules>,
}

impl Rules {
    /// Of roles in their order. `queryable` says of a field of the collection whether filters may ask it; they may always
    /// ask `_id`.
    #[must_use]
    pub fn new(mut roles: Vec<Role>, queryable: impl Fn(&str) -> bool) -> Self {
        for role in &mut roles {
            let is_known = |field: &String| field == "_id" || queryable(field);
            if let Some(field) = role.asked.iter().find(|field| !is_known(field))
                && role.unusable.is_none()
            {
                role.unusable = Some(format!("it asks '{field}', which is no queryable field"));
            }
        }
        Self { roles }
    }

    /// The roles that nobody can stream with, each with the reason.
    pub fn unusable(&self) -> impl Iterator<Item = (&Role, &str)> {
        let roles = self.roles.iter();
        roles.filter_map(|role| Some((role, role.unusable.as_deref()?)))
    }

    /// Whether more has to be known of the user than his id.
    #[must_use]
    pub fn need_user(&self) -> bool {
        let mut needed = false;
        for role in &self.roles {
            role.for_each_fact(&mut |fact| needed |= fact.is_of_user());
        }
        needed
    }

    /// Whether what the application keeps about the user has to be known.
    #[must_use]
    pub fn need_custom_data(&self) -> bool {
        let mut needed = false;
        for role in &self.roles {
            role.for_each_fact(&mut |fact| needed |= fact.is_custom_data());
        }
        needed
    }

    /// What roles ask of the app and its environment that nobody can be tested against, each with the place of the role.
    #[must_use]
    pub fn unanswered(&self, facts: &Facts<'_>) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, role) in self.roles.iter().enumerate() {
            role.for_each_fact(&mut |fact| {
                let list = fact.of(facts);
                let list = list.as_deref().and_then(Value::as_array);
                let name = fact.to_string();
                if fact.is_missing(facts) {
                    found.push((at, format!("asks for '{}', which has no value", shown(&name))));
                } else if list.is_some_and(|list| list.len() > MAX_LIST) {
                    let text = format!(
                        "asks for '{}', a list of more than {MAX_LIST} values",
                        shown(&name)
                    );
                    found.push((at, text));
                }
            });
        }
        found.dedup();
        found
    }

    /// What holds for all documents of a user.
    #[must_use]
    pub fn decide(&self, facts: &Facts<'_>) -> Verdict<'_> {
        let applies = |role: &&Role| matches!(role.apply_when.given(facts), Condition::Literal(true));
        let Some(role) = self.roles.iter().find(applies) else {
            return Verdict::Deny("no role applies to the user".to_owned());
        };
        let name = &role.name;
        if let Some(reason) = &role.unusable {
            return Verdict::Deny(format!("role '{name}' cannot be used to stream: {reason}"));
        }
        let forbids = |what: &str| Verdict::Deny(format!("role '{name}' forbids it: '{what}' is false"));
        let filter = role.filter.given(facts);
        if matches!(filter, Condition::Literal(false)) {
            return forbids("document_filters.write");
        }
        if role.write == Some(false) {
            return forbids("write");
        }
        let insert = role.insert.given(facts);
        if matches!(insert, Condition::Literal(false)) {
            return forbids("insert");
        }
        let fields = role.write.is_none().then_some(&role.fields);
        if let (Condition::Literal(_), Condition::Literal(_), None) = (&filter, &insert, fields) {
            return Verdict::Allow;
        }
        Verdict::PerDocument(Check {
            role: name,
            filter,
            insert,
            fields,
        })
    }
}

impl Check<'_> {
    /// Whether a sound document may be inserted.
    ///
    /// # Errors
    /// With the reason why not.
    pub fn check(&self, document: &Document<'_>) -> Result<(), String> {
        let role = self.role;
        if !self.filter.holds(document) {
            return Err(format!(
                "role '{role}' forbids it: 'document_filters.write' does not hold"
            ));
        }
        if let Some(field) = self.fields.and_then(|fields| fields.forbidden(document)) {
            let field = crate::json_path::shown(field);
            return Err(format!(
                "role '{role}' forbids it: field '{field}' may not be written"
            ));
        }
        if !self.insert.holds(document) {
            return Err(format!("role '{role}' forbids it: 'insert' does not hold"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

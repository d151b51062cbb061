//! `rules.json` and `default_rule.json`: the roles that decide who may write what.

use serde_json::Value;

use super::json::Object;
use super::reading::Reading;
use crate::json_path::{Findings, shown};
use crate::rules::{Facts, Role, Rules};

/// The roles of the collections that have none of their own.
pub(super) fn default(reading: &Reading<'_>, file: &str) -> Vec<Value> {
    let Some(document) = reading.document(file) else {
        return Vec::new();
    };
    let Some(object) = document.root().object() else {
        return Vec::new();
    };
    let roles = roles(&object).unwrap_or_default();
    object.finish();
    reading.honoured(file, format!("default roles: {}", roles.len()));
    roles
}

/// A collection's own roles, if it has any.
pub(super) fn of_collection(
    reading: &Reading<'_>,
    file: &str,
    database: &str,
    collection: &str,
) -> Option<Vec<Value>> {
    let document = reading.document(file)?;
    let object = document.root().object()?;
    for (key, name) in [("database", database), ("collection", collection)] {
        if let Some(node) = object.required(key)
            && node.string().is_some_and(|found| found != name)
        {
            node.expected(&format!("\"{name}\", as the folder is called"));
        }
    }
    let roles = roles(&object);
    object.ignore(&["schema"]);
    object.finish();
    match &roles {
        Some(roles) => reading.honoured(file, format!("roles: {}", roles.len())),
        None => reading.ignored(file, "it has no roles, so the default ones hold"),
    }
    roles
}

/// The roles, if there are any.
fn roles(object: &Object<'_>) -> Option<Vec<Value>> {
    // They choose what is read.
    object.ignore(&["id", "_id", "filters"]);
    let list = object.get("roles")?.list()?;
    let roles: Vec<_> = list.iter().map(|node| node.value.clone()).collect();
    (!roles.is_empty()).then_some(roles)
}

/// The roles in their order.
pub(super) fn parse(roles: &[Value], findings: &mut Findings) -> Vec<Role> {
    let roles = roles.iter().enumerate();
    roles
        .filter_map(|(at, role)| Role::parse(role, &format!("$.roles[{at}]"), findings))
        .collect()
}

/// What decides who may write. A mistake is refused where it `counts`. `queryable` says which fields of documents may be asked,
/// `facts` what is known of the app and its environment.
pub(super) fn build(
    reading: &Reading<'_>,
    file: &str,
    roles: &[Value],
    counts: bool,
    facts: &Facts<'_>,
    queryable: impl Fn(&str) -> bool,
) -> Rules {
    let mut findings = Vec::new();
    let rules = Rules::new(parse(roles, &mut findings), queryable);
    for (at, expansion) in rules.missing(facts) {
        let text = format!("asks for '{}', which has no value", shown(&expansion));
        findings.push((format!("$.roles[{at}]"), text));
    }
    let is_sound = findings.is_empty();
    reading.found(file, findings, counts);
    if counts && is_sound {
        let unusable: Vec<_> = rules.unusable().collect();
        for (role, reason) in &unusable {
            reading.warn(
                file,
                format!("nobody can stream with the role '{}': {reason}", role.name),
            );
        }
        if !unusable.is_empty() && unusable.len() == roles.len() {
            reading.refuse_at(file, "$.roles", "there is no role with which anybody can stream");
        }
    }
    rules
}

//! `rules.json` and `default_rule.json`: the roles that decide who may write what.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::Object;
use super::reading::Reading;
use crate::json_path::Findings;
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

/// Tells what is wrong with roles: refused where there are `takers`, which are the collections that classes of devices have
/// with these roles. `queryable` says which fields of a collection may be asked, `facts` what is known of the app and its
/// environment.
pub(super) fn check(
    reading: &Reading<'_>,
    file: &str,
    roles: &[Value],
    takers: &[&str],
    facts: &Facts<'_>,
    queryable: impl Fn(&str, &str) -> bool,
) {
    let mut findings = Vec::new();
    let parsed = parse(roles, &mut findings);
    for (at, text) in Rules::new(parsed.clone(), |_| true).unanswered(facts) {
        findings.push((format!("$.roles[{at}]"), text));
    }
    let is_sound = findings.is_empty();
    reading.found(file, findings, !takers.is_empty());
    if roles.is_empty() || takers.is_empty() || !is_sound {
        return;
    }
    let mut told = BTreeSet::new();
    let mut usable = false;
    for taker in takers {
        let rules = Rules::new(parsed.clone(), |field| queryable(taker, field));
        let unusable: Vec<_> = rules.unusable().collect();
        usable |= unusable.len() < roles.len();
        for (role, reason) in unusable {
            told.insert(format!(
                "nobody can stream with the role '{}': {reason}",
                role.name
            ));
        }
    }
    for text in told {
        reading.warn(file, text);
    }
    if !usable {
        reading.refuse_at(file, "$.roles", "there is no role with which anybody can stream");
    }
}

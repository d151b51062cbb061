#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod not_served;
mod of_documents;
mod of_users;

use bson::doc;
use serde_json::{Value, json};

use super::*;
use crate::json_path::Findings;

const OID: &str = "0123456789abcdef01234567";

fn role(json: &Value) -> (Role, Findings) {
    let mut findings = Findings::new();
    let role = Role::parse(json, "$.roles[0]", &mut findings).unwrap();
    (role, findings)
}

/// A role that allows everything, but for what `changes` say.
fn sound(changes: &Value) -> Role {
    let mut json = json!({
        "name": "all", "apply_when": {}, "document_filters": {"read": true, "write": true},
        "read": true, "write": true, "insert": true, "delete": true, "search": true
    });
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            json.as_object_mut().unwrap().remove(key);
        } else {
            json[key] = value.clone();
        }
    }
    let (role, findings) = role(&json);
    assert_eq!(findings, [], "{json}");
    role
}

fn rules(changes: &Value) -> Rules {
    Rules::new(vec![sound(changes)], |field| field == "owner" || field == "count")
}

fn given<R>(user: &Value, run: impl FnOnce(&Facts<'_>) -> R) -> R {
    let values = json!({"region": "eu", "allowed": ["one", "two"], "limit": 5});
    let environment = json!({"open": true});
    run(&Facts {
        user,
        values: &serde_json::from_value(values).unwrap(),
        tag: "production",
        environment: &serde_json::from_value(environment).unwrap(),
    })
}

fn user() -> Value {
    json!({
        "id": OID, "type": "normal", "data": {"email": "a@b.c"},
        "custom_data": {"team": "red", "teams": ["red", "blue"], "owner": {"$oid": OID}, "level": 3},
        "identities": [{"id": "x", "provider_type": "anon-user"}],
    })
}

/// What becomes of a document: nothing when it is inserted, and otherwise why not.
fn outcome(rules: &Rules, document: &bson::Document) -> Option<String> {
    let bytes = document.to_vec().unwrap();
    given(&user(), |facts| match rules.decide(facts) {
        Verdict::Allow => None,
        Verdict::Deny(reason) => Some(reason),
        Verdict::PerDocument(check) => check.check(&Document::assume_valid(&bytes)).err(),
    })
}

fn applies(expression: &Value) -> bool {
    outcome(&rules(&json!({"apply_when": expression})), &doc! {"_id": 1}).is_none()
}

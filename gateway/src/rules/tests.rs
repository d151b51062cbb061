#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
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

#[test]
fn a_role_that_allows_everything_is_decided_without_looking_at_documents() {
    let rules = rules(&json!({}));
    assert!(given(&user(), |facts| matches!(
        rules.decide(facts),
        Verdict::Allow
    )));
}

#[test]
fn expressions_about_the_user_choose_the_role() {
    for expression in [
        json!(true),
        json!({}),
        json!({"%%true": true}),
        json!({"%%true": {"%%user.id": OID}}),
        json!({"%%false": {"%%user.id": "other"}}),
        json!({"%%true": {"$ne": false}}),
        json!({"%%user.type": "normal", "%%user.data.email": "a@b.c"}),
        json!({"%%user.custom_data.team": {"$in": ["red", "green"]}}),
        json!({"%%user.custom_data.team": {"$in": "%%user.custom_data.teams"}}),
        json!({"%%user.custom_data.team": {"$nin": ["green"]}}),
        json!({"%%user.custom_data.teams": "blue"}),
        json!({"%%user.custom_data.level": {"$gt": 2, "$lte": 3.0}}),
        json!({"%%user.custom_data.level": {"$lt": "%%values.limit"}}),
        json!({"%%user.custom_data.owner": {"%stringToOid": "%%user.id"}}),
        json!({"%%user.custom_data.owner": {"$oid": OID}}),
        json!({"%%user.id": {"%oidToString": "%%user.custom_data.owner"}}),
        json!({"%%user.identities.0.provider_type": "anon-user"}),
        json!({"%%user.custom_data": {"$exists": true}}),
        json!({"%%user.custom_data.banned": {"%exists": false}}),
        json!({"%%user.custom_data.banned": null}),
        json!({"%%values.region": "eu", "%%environment.tag": "production", "%%environment.values.open": true}),
        json!({"%%environment.values.open": "%%true"}),
        json!({"%or": [{"%%user.id": "other"}, {"%%user.id": OID}]}),
        json!({"%and": [{"%%user.id": OID}, {}]}),
        json!({"%not": {"%%user.id": "other"}}),
        json!({"%nor": [{"%%user.id": "other"}, false]}),
    ] {
        assert!(applies(&expression), "{expression}");
    }
    for expression in [
        json!(false),
        json!({"%%false": true}),
        json!({"%%user.id": OID, "%%user.type": "server"}),
        json!({"%%user.data.email": {"$in": []}}),
        json!({"%%user.custom_data.level": {"$gt": "2"}}),
        json!({"%%user.custom_data.owner": OID}),
        json!({"%%user.custom_data.teams": {"$exists": false}}),
        json!({"%or": [false, {"%%user.id": "other"}]}),
        json!({"%nor": [{"%%user.id": OID}]}),
    ] {
        assert!(!applies(&expression), "{expression}");
    }
}

#[test]
fn nobody_passes_a_test_against_something_that_is_not_there() {
    for expression in [
        json!({"%%user.data.none": "%%user.data.nothing"}),
        json!({"%%user.id": {"$ne": "%%user.data.nothing"}}),
        json!({"%%user.id": {"$nin": "%%values.nothing"}}),
        json!({"%%user.id": {"$in": "%%user.id"}}),
        json!({"%%user.data.none": {"%stringToOid": "no id"}}),
    ] {
        for expression in [
            json!({"%not": expression}),
            json!({"%nor": [expression]}),
            json!({"%%false": expression}),
            json!({"%not": {"%not": expression}}),
            json!({"%not": {"%and": [true, expression]}}),
            json!({"%not": {"%or": [false, expression]}}),
            expression,
        ] {
            assert!(!applies(&expression), "{expression}");
        }
    }
    for expression in [
        json!({"%not": {"%%user.id": "other", "%%user.type": "%%values.nothing"}}),
        json!({"%or": [true, {"%%user.id": "%%values.nothing"}]}),
    ] {
        assert!(applies(&expression), "the rest decides: {expression}");
    }
}

#[test]
fn a_list_of_an_expansion_is_no_longer_than_one_in_a_rule() {
    let rules = rules(&json!({"apply_when": {"%%user.id": {"$nin": "%%user.custom_data.blocked"}}}));
    for (length, passes) in [(1_000, true), (1_001, false)] {
        let user = json!({"id": OID, "custom_data": {"blocked": vec!["x"; length]}});
        let allowed = given(&user, |facts| matches!(rules.decide(facts), Verdict::Allow));
        assert_eq!(allowed, passes, "{length}");
    }
}

#[test]
fn of_a_document_the_opposite_can_be_asked() {
    let other = |expression: Value| rules(&json!({"insert": expression}));
    for rules in [
        other(json!({"%not": {"owner": OID, "count": 1}})),
        other(json!({"%nor": [{"%and": [{"owner": OID}, {"count": 1}]}]})),
        other(json!({"%or": [{"%not": {"owner": OID}}, {"count": {"$ne": 1}}]})),
    ] {
        assert_eq!(outcome(&rules, &doc! {"owner": OID, "count": 2}), None);
        assert_eq!(outcome(&rules, &doc! {"count": 1}), None);
        assert!(outcome(&rules, &doc! {"owner": OID, "count": 1}).is_some());
    }
    let rules = other(json!({"%not": {"owner": "%%user.data.nothing"}}));
    assert!(
        outcome(&rules, &doc! {"owner": OID}).is_some(),
        "nothing is compared"
    );
}

#[test]
fn the_first_role_that_applies_decides_also_when_it_forbids() {
    let of = |roles: [Value; 2]| Rules::new(roles.iter().map(sound).collect(), |_| false);
    let document = doc! {"_id": 1};
    let rules = of([json!({"name": "reader", "write": false}), json!({})]);
    let reason = outcome(&rules, &document).unwrap();
    assert_eq!(reason, "role 'reader' forbids it: 'write' is false");
    let rules = of([
        json!({"apply_when": {"%%user.id": "other"}, "write": false}),
        json!({}),
    ]);
    assert_eq!(outcome(&rules, &document), None);
    let rules = of([json!({"apply_when": false}), json!({"apply_when": false})]);
    assert_eq!(outcome(&rules, &document).unwrap(), "no role applies to the user");
}

#[test]
fn inserting_takes_the_filter_write_and_insert() {
    let document = doc! {"_id": 1, "a": 1};
    for (changes, reason) in [
        (
            json!({"document_filters": {"read": true, "write": false}}),
            "role 'all' forbids it: 'document_filters.write' is false",
        ),
        (json!({"write": false}), "role 'all' forbids it: 'write' is false"),
        (
            json!({"insert": false}),
            "role 'all' forbids it: 'insert' is false",
        ),
        (
            json!({"insert": {"%%user.type": "server"}}),
            "role 'all' forbids it: 'insert' is false",
        ),
    ] {
        assert_eq!(outcome(&rules(&changes), &document).as_deref(), Some(reason));
    }
    for changes in [
        json!({"insert": null}),
        json!({"read": false}),
        json!({"delete": false}),
        json!({"document_filters": {"read": false, "write": true}}),
    ] {
        assert_eq!(outcome(&rules(&changes), &document), None, "{changes}");
    }
}

#[test]
fn a_filter_asks_fields_of_each_document() {
    let rules = rules(&json!({
        "document_filters": {"read": true, "write": {"owner": "%%user.id"}},
        "insert": {"count": {"$lt": "%%values.limit"}},
    }));
    assert_eq!(
        outcome(&rules, &doc! {"_id": 1, "owner": OID, "count": 4_i64}),
        None
    );
    assert_eq!(
        outcome(&rules, &doc! {"_id": 1, "owner": ["other", OID], "count": 4.5}),
        None
    );
    for document in [
        doc! {"_id": 1, "owner": "other", "count": 1},
        doc! {"_id": 1, "count": 1},
    ] {
        let reason = outcome(&rules, &document).unwrap();
        assert_eq!(
            reason,
            "role 'all' forbids it: 'document_filters.write' does not hold"
        );
    }
    let reason = outcome(&rules, &doc! {"_id": 1, "owner": OID, "count": 5}).unwrap();
    assert_eq!(reason, "role 'all' forbids it: 'insert' does not hold");
}

#[test]
fn fields_inside_a_document_can_be_asked() {
    let role = sound(&json!({"insert": {"where.country": {"$in": ["at", "de"]}}}));
    let rules = Rules::new(vec![role], |field| field == "where.country");
    assert_eq!(
        outcome(&rules, &doc! {"_id": 1, "where": {"country": "at"}}),
        None
    );
    for document in [doc! {"where": {"country": "fr"}}, doc! {"where": "at"}, doc! {}] {
        assert!(outcome(&rules, &document).is_some(), "{document}");
    }
}

#[test]
fn without_write_each_field_must_be_writable() {
    let named = json!({"write": null, "fields": {
        "a": {"write": true}, "b": {"write": false}, "c": {"fields": {"d": {"read": true, "write": true}}}
    }});
    let rules_named = rules(&named);
    let mut others = named;
    others["additional_fields"] = json!({"write": true});
    let rules_others = rules(&others);
    for document in [
        doc! {"_id": 1},
        doc! {"_id": 1, "a": 1},
        doc! {"_id": 1, "a": {"x": 1}, "c": {"d": 1}},
        doc! {"c": [{"d": 1}, {}]},
        doc! {"c": bson::Bson::Null},
    ] {
        assert_eq!(outcome(&rules_named, &document), None, "{document}");
        assert_eq!(outcome(&rules_others, &document), None, "{document}");
    }
    for document in [doc! {"a": 1, "b": 1}, doc! {"c": {"d": 1, "e": 1}}, doc! {"c": 1}] {
        assert!(outcome(&rules_others, &document).is_some(), "{document}");
    }
    let other = doc! {"x": 1};
    let reason = outcome(&rules_named, &other).unwrap();
    assert_eq!(reason, "role 'all' forbids it: field 'x' may not be written");
    assert_eq!(outcome(&rules_others, &other), None);
}

#[test]
fn a_role_that_cannot_stream_forbids_everything_and_says_why() {
    for (changes, reason) in [
        (json!({"document_filters": null}), "document_filters.read"),
        (
            json!({"document_filters": {"read": true}}),
            "document_filters.read",
        ),
        (
            json!({"document_filters": {"write": true}}),
            "document_filters.read",
        ),
        (
            json!({"write": {"%%user.id": OID}}),
            "$.roles[0].write is neither true nor false",
        ),
        (json!({"read": {}}), "$.roles[0].read is neither"),
        (
            json!({"fields": {"a": {"write": {}}}}),
            "$.roles[0].fields.a.write is neither",
        ),
        (
            json!({"additional_fields": {"read": {}}}),
            "$.roles[0].additional_fields.read is",
        ),
        (json!({"fields": {"_id": {"write": true}}}), "_id"),
        (json!({"write": null}), "'write' is not set"),
        (
            json!({"insert": {"other": 1}}),
            "'other', which is no queryable field",
        ),
        (
            json!({"delete": {"%not": {"other": 1}}}),
            "'other', which is no queryable field",
        ),
    ] {
        let rules = rules(&changes);
        let (_, why) = rules.unusable().next().unwrap();
        assert!(why.contains(reason), "{changes}: {why}");
        let refused = outcome(&rules, &doc! {"_id": 1}).unwrap();
        assert!(refused.ends_with(why), "{refused}");
    }
    let rules = rules(&json!({"insert": {"_id": 1}}));
    assert_eq!(rules.unusable().count(), 0, "_id can always be asked");
}

#[test]
fn what_is_not_served_is_found_with_its_path_and_nobody_passes() {
    let deep = (0..100).fold(json!(true), |inner, _| json!({ "%not": inner }));
    for (changes, path, text) in [
        (
            json!({"apply_when": {"%%true": {"%function": {"name": "f"}}}}),
            "$.roles[0].apply_when.%%true.%function",
            "functions are not served yet",
        ),
        (
            json!({"apply_when": {"%not": {"%%user.id": {"$regex": "a"}}}}),
            "$.roles[0].apply_when.%not[\"%%user.id\"].$regex",
            "operator '$regex' is not served here",
        ),
        (
            json!({"apply_when": {"%%root.owner": "a"}}),
            "$.roles[0].apply_when[\"%%root.owner\"]",
            "expansion '%%root.owner' is not served here",
        ),
        (
            json!({"apply_when": {"owner": "a"}}),
            "$.roles[0].apply_when.owner",
            "before there is a document",
        ),
        (
            json!({"apply_when": {"$or": []}}),
            "$.roles[0].apply_when.$or",
            "operator '$or'",
        ),
        (
            json!({"apply_when": "yes"}),
            "$.roles[0].apply_when",
            "expected true, false or an object, found a text",
        ),
        (
            json!({"apply_when": {"%%user.name": "a"}}),
            "$.roles[0].apply_when[\"%%user.name\"]",
            "expansion",
        ),
        (
            json!({"document_filters": {"read": true, "write": {"a": {"$in": ["%%user.id"]}}}}),
            "$.roles[0].document_filters.write.a.$in",
            "the list may have",
        ),
        (
            json!({"insert": {"a": [1]}}),
            "$.roles[0].insert.a",
            "found an array",
        ),
        (
            json!({"insert": {"a": {"b": 1}}}),
            "$.roles[0].insert.a",
            "found an object",
        ),
        (
            json!({"insert": {"a": "%%request.id"}}),
            "$.roles[0].insert.a",
            "expansion '%%request.id'",
        ),
        (
            json!({"insert": {"a": {"%stringToOid": {"%oidToString": "b"}}}}),
            "$.roles[0].insert.a.%stringToOid",
            "no other operator",
        ),
        (
            json!({"insert": {"%and": {}}}),
            "$.roles[0].insert.%and",
            "expected an array",
        ),
        (
            json!({"insert": {"a": {"$exists": 1}}}),
            "$.roles[0].insert.a.$exists",
            "expected true or false",
        ),
        (json!({"wirte": true}), "$.roles[0].wirte", "no member 'wirte'"),
        (json!({"name": 1}), "$.roles[0].name", "expected a text"),
    ] {
        let mut json = json!({"document_filters": {"read": true, "write": true}, "write": true});
        let (key, value) = changes.as_object().unwrap().iter().next().unwrap();
        json[key] = value.clone();
        let (role, findings) = role(&json);
        let [(found, what)] = &findings[..] else {
            panic!("{json}: {findings:?}")
        };
        assert_eq!(found, path);
        assert!(what.contains(text), "{what}");
        let rules = Rules::new(vec![role, sound(&json!({}))], |_| true);
        assert!(outcome(&rules, &doc! {"_id": 1}).is_some(), "{json}");
    }
    let (_, findings) = role(&json!({"apply_when": deep}));
    assert_eq!(findings.len(), 1);
    assert!(findings[0].1.contains("nested deeper"), "{findings:?}");
}

#[test]
fn all_findings_of_a_role_are_told_at_once() {
    let (_, findings) =
        role(&json!({"apply_when": {"%and": [{"a": 1}, {"%%request": 1}]}, "insert": 1, "x": 1}));
    let paths: Vec<_> = findings.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "$.roles[0].apply_when.%and[0].a",
            "$.roles[0].apply_when.%and[1].%%request",
            "$.roles[0].insert",
            "$.roles[0].x",
        ]
    );
}

#[test]
fn the_user_is_needed_only_where_a_rule_asks_for_more_than_his_id() {
    for changes in [
        json!({}),
        json!({"apply_when": {"%%values.a": "%%user.id"}, "insert": {"owner": "%%user.id"}}),
    ] {
        assert!(!rules(&changes).need_user(), "{changes}");
    }
    for changes in [
        json!({"apply_when": {"%not": {"%%user.custom_data.a": 1}}}),
        json!({"apply_when": {"%%user.type": "normal"}}),
        json!({"insert": {"owner": {"%stringToOid": "%%user.data.a"}}}),
        json!({"document_filters": {"read": true, "write": {"owner": {"$in": "%%user.custom_data"}}}}),
    ] {
        assert!(rules(&changes).need_user(), "{changes}");
    }
}

//! What is asked of the user.

use super::*;

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

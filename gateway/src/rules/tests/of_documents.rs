//! What is asked of documents.

use super::*;

#[test]
fn a_role_that_allows_everything_is_decided_without_looking_at_documents() {
    let rules = rules(&json!({}));
    assert!(given(&user(), |facts| matches!(
        rules.decide(facts),
        Verdict::Allow
    )));
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

//! What is not served forbids, and is told.

use super::*;

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

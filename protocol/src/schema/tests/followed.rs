//! Which schemas can follow each other.

use super::*;

#[test]
fn only_additions_and_removals_can_follow() {
    let old = schema(&format!(
        "{},{E}",
        w(
            r#"{"name":"n","type":"int"},{"name":"o","type":"int","optional":true},{"name":"e","type":"object","object":"E"},{"name":"l","type":"string","collection":"list"}"#
        )
    ));
    let changes = |properties: &str| additive_changes(&old, &schema(&format!("{},{E}", w(properties))));
    assert_eq!(changes(""), Ok(()), "removed properties");
    assert_eq!(
        changes(r#"{"name":"n","type":"int"},{"name":"x","type":"uuid"}"#),
        Ok(()),
        "an added property"
    );
    assert_eq!(additive_changes(&old, &schema(E)), Ok(()), "a removed class");
    assert_eq!(additive_changes(&schema(E), &old), Ok(()), "an added class");
    for (property, text) in [
        (
            r#"{"name":"n","type":"string"}"#,
            "Property 'W.n' has been changed from 'int' to 'string'.",
        ),
        (
            r#"{"name":"n","type":"int","optional":true}"#,
            "Property 'W.n' has been made optional.",
        ),
        (
            r#"{"name":"o","type":"int"}"#,
            "Property 'W.o' has been made required.",
        ),
        (
            r#"{"name":"e","type":"object","object":"E","collection":"list"}"#,
            "Property 'W.e' has been changed from '<E>' to 'array<E>'.",
        ),
        (
            r#"{"name":"l","type":"string","collection":"dictionary"}"#,
            "Property 'W.l' has been changed from 'array<string>' to 'dictionary<string, string>'.",
        ),
    ] {
        assert_eq!(changes(property).unwrap_err(), [text]);
    }
    let embedded = schema(r#"{"name":"W","kind":"embedded","properties":[]}"#);
    assert_eq!(
        additive_changes(&old, &embedded).unwrap_err(),
        [
            "Class 'W' has been changed from TopLevelAsymmetric to Embedded.",
            "Primary Key for class 'W' has been removed."
        ]
    );
}

#[test]
fn conflicts_are_told_by_class_through_embedded_ones() {
    let one = |inner: &str, outer: &str, more: &str| {
        schema(&format!(
            r#"{{"name":"Inner","kind":"embedded","properties":[{{"name":"n","type":"{inner}"}}]}},
               {{"name":"Outer","kind":"embedded","properties":[{{"name":"in","type":"object","object":"Inner","collection":"list"}}]}},
               {{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[
                 {{"name":"_id","type":"int"}},{{"name":"out","type":"object","object":"Outer"}}]}},
               {{"name":"B","kind":"asymmetric","primary_key":"_id","properties":[
                 {{"name":"_id","type":"int"}},{{"name":"v","type":"{outer}"}}{more}]}}"#
        ))
    };
    let accepted = one("int", "int", "");
    assert!(conflicts(&accepted, &one("int", "int", r#",{"name":"w","type":"int"}"#)).is_empty());
    let inner = "Property 'Inner.n' has been changed from 'int' to 'double'.".to_owned();
    let found = conflicts(&accepted, &one("double", "int", ""));
    let wanted = ["A", "Inner", "Outer"].map(|name| (name.to_owned(), vec![inner.clone()]));
    assert_eq!(found, wanted.into());
    let found = conflicts(&accepted, &one("int", "string", ""));
    let of_b = "Property 'B.v' has been changed from 'int' to 'string'.".to_owned();
    assert_eq!(found, [("B".to_owned(), vec![of_b])].into());
}

#[test]
fn of_the_contradictions_of_a_class_the_first_are_told() {
    let one = |kind: &str| {
        let properties = (0..8).map(|n| format!(r#"{{"name":"p{n}","type":"{kind}"}}"#));
        let properties = properties.collect::<Vec<_>>().join(",");
        schema(&format!(
            r#"{{"name":"Inner","kind":"embedded","properties":[{properties}]}},
               {{"name":"Outer","kind":"embedded","properties":[{{"name":"in","type":"object","object":"Inner"}}]}}"#
        ))
    };
    let found = conflicts(&one("int"), &one("double"));
    assert_eq!(found["Outer"], found["Inner"]);
    assert_eq!(found["Outer"].len(), MAX_CONFLICTS + 1);
    assert_eq!(found["Outer"][MAX_CONFLICTS], "... and 3 more");
}

#[test]
fn merging_keeps_what_either_has() {
    let old = schema(&w(r#"{"name":"a","type":"int"}"#));
    let new = schema(&format!("{E},{}", w(r#"{"name":"b","type":"int"}"#)));
    let both = merge(&old, &new);
    assert_eq!(
        both,
        schema(&format!(
            "{E},{}",
            w(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#)
        ))
    );
    assert_eq!(merge(&both, &old), both);
}

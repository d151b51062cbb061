#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use super::changes::MAX_CONFLICTS;
use super::validate::{CYCLES, MAX_FINDINGS};
use super::*;

fn schema(classes: &str) -> Schema {
    Schema::parse(&format!(r#"{{"classes":[{classes}]}}"#)).unwrap()
}

/// An asymmetric class `W` with these properties behind a proper key.
fn w(properties: &str) -> String {
    format!(
        r#"{{"name":"W","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"objectId"}}{}{properties}]}}"#,
        if properties.is_empty() { "" } else { "," }
    )
}

fn findings(classes: &str) -> Vec<String> {
    schema(classes).validate().unwrap_err()
}

const E: &str = r#"{"name":"E","kind":"embedded","properties":[{"name":"x","type":"int"}]}"#;

#[test]
fn canonical_form_and_fingerprint_do_not_depend_on_the_order_of_classes() {
    let a = schema(&format!("{},{E}", w("")));
    let b = schema(&format!("{E},{}", w("")));
    assert_eq!(a.to_json(), b.to_json());
    assert_eq!(a.fingerprint(), b.fingerprint());
    assert_eq!(
        b.to_json(),
        r#"{"classes":[{"name":"E","kind":"embedded","properties":[{"name":"x","type":"int"}]},{"name":"W","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"objectId"}]}]}"#
    );
    assert!(crate::batch::is_identity(&a.fingerprint()));
    assert_eq!(Schema::parse(&a.to_json()).unwrap(), a);
    // What is false or none is left out, however it was written.
    let long = schema(&w(
        r#"{"name":"a","type":"int","optional":false,"collection":null}"#,
    ));
    assert!(long.to_json().contains(r#"{"name":"a","type":"int"}"#));
    assert_ne!(long.fingerprint(), a.fingerprint());
    // Pinned, because outboxes store it: `printf '%s' '{"classes":[]}' | sha256sum | head -c 32`.
    assert_eq!(schema("").fingerprint(), "40f3b3b0ab7f2fac6d224621789c7be4");
}

#[test]
fn every_type_is_read() {
    let names = [
        "int",
        "bool",
        "string",
        "data",
        "date",
        "float",
        "double",
        "decimal128",
        "objectId",
        "uuid",
        "mixed",
        "object",
    ];
    for name in names {
        let read: PropertyType = serde_json::from_str(&format!("\"{name}\"")).unwrap();
        assert_eq!(read.as_str().replace(" id", "Id"), name);
    }
}

#[test]
fn what_is_not_documented_is_not_read() {
    for json in [
        "",
        "[]",
        r#"{"classes":[],"extra":1}"#,
        r#"{"classes":[{"name":"A","kind":"regular","properties":[]}]}"#,
        r#"{"classes":[{"name":"A","kind":"asymmetric","properties":[{"name":"a","type":"text"}]}]}"#,
        r#"{"classes":[{"name":"A","kind":"asymmetric","properties":[{"name":"a"}]}]}"#,
    ] {
        assert!(Schema::parse(json).is_err(), "{json}");
    }
}

#[test]
fn a_good_schema_is_valid() {
    let good = schema(&format!(
        "{},{E}",
        w(
            r#"{"name":"e","type":"object","object":"E"},{"name":"l","type":"object","collection":"list","object":"E"},
            {"name":"d","type":"object","collection":"dictionary","object":"E","optional":true},
            {"name":"m","type":"mixed","optional":true},{"name":"s","type":"string","collection":"set"}"#
        )
    ));
    assert_eq!(good.validate(), Ok(()));
    assert_eq!(good.check_limits(), Ok(()));
    assert_eq!(
        schema(E).validate(),
        Ok(()),
        "an embedded class nobody uses is accepted"
    );
    assert!(good.class("W").is_some() && good.class("X").is_none());
}

#[test]
fn primary_keys_are_checked() {
    assert_eq!(
        findings(r#"{"name":"A","kind":"asymmetric","properties":[{"name":"a","type":"int"}]}"#),
        [
            "There must be a primary key property named '_id' on a synchronized Realm but none was found for type 'A'"
        ]
    );
    assert_eq!(
        findings(
            r#"{"name":"A","kind":"asymmetric","primary_key":"a","properties":[{"name":"a","type":"int"}]}"#
        ),
        ["The primary key property on a synchronized Realm must be named '_id' but found 'a' for type 'A'"]
    );
    assert_eq!(
        findings(r#"{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[]}"#),
        ["Specified primary key 'A._id' does not exist."]
    );
    assert_eq!(
        findings(
            r#"{"name":"E","kind":"embedded","primary_key":"_id","properties":[{"name":"_id","type":"int"}]}"#
        ),
        ["Embedded object type 'E' cannot have a primary key."]
    );
    assert_eq!(
        findings(
            r#"{"name":"A","kind":"asymmetric","primary_key":["_id","b"],"properties":[{"name":"_id","type":"int"},{"name":"b","type":"int"}]}"#
        ),
        ["Properties 'b' and '_id' are both marked as the primary key of 'A'."]
    );
    for (kind, text) in [
        (r#""type":"double""#, "double"),
        (r#""type":"bool""#, "bool"),
        (r#""type":"date""#, "date"),
        (r#""type":"data""#, "data"),
        (r#""type":"decimal128""#, "decimal128"),
        (r#""type":"mixed""#, "mixed"),
        (r#""type":"int","collection":"list""#, "array"),
        (r#""type":"int","collection":"set""#, "set"),
        (r#""type":"int","collection":"dictionary""#, "dictionary"),
    ] {
        let class = format!(
            r#"{{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id",{kind}}}]}}"#
        );
        assert_eq!(
            findings(&class),
            [format!(
                "Property 'A._id' of type '{text}' cannot be made the primary key."
            )]
        );
    }
    for kind in ["int", "string", "objectId", "uuid"] {
        let class = format!(
            r#"{{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"{kind}"}}]}}"#
        );
        assert_eq!(schema(&class).validate(), Ok(()));
    }
}

#[test]
fn object_types_are_checked() {
    assert_eq!(
        findings(&w(r#"{"name":"e","type":"object","object":"Nobody"}"#)),
        ["Property 'W.e' of type 'object' has unknown object type 'Nobody'"]
    );
    assert_eq!(
        findings(&w(
            r#"{"name":"e","type":"object","collection":"list","object":"Nobody"}"#
        )),
        ["Property 'W.e' of type 'array' has unknown object type 'Nobody'"]
    );
    assert_eq!(
        findings(&w(r#"{"name":"e","type":"object"}"#)),
        ["Property 'W.e' of type 'object' has unknown object type ''"]
    );
    assert_eq!(
        findings(&w(r#"{"name":"e","type":"int","object":"E"}"#)),
        ["Property 'W.e' of type 'int' cannot have an object type."]
    );
    assert_eq!(
        findings(&w(r#"{"name":"w","type":"object","object":"W"}"#)),
        ["Property 'W.w' of type 'object' cannot be a link to an asymmetric object."]
    );
    assert_eq!(
        findings(&w(
            r#"{"name":"w","type":"object","collection":"dictionary","object":"W"}"#
        )),
        ["Property 'W.w' of type 'dictionary' cannot be a link to an asymmetric object."]
    );
    assert_eq!(
        findings(&format!(
            "{},{E}",
            w(r#"{"name":"s","type":"object","collection":"set","object":"E"}"#)
        )),
        [
            "Set property 'W.s' cannot contain embedded object type 'E'. Set semantics are not applicable to embedded objects."
        ]
    );
}

#[test]
fn doubles_are_found() {
    assert_eq!(
        findings(&format!("{},{}", w(""), w(""))),
        ["Type 'W' appears more than once in the schema."]
    );
    assert_eq!(
        findings(&w(r#"{"name":"a","type":"int"},{"name":"a","type":"string"}"#)),
        ["Property 'a' appears more than once in the schema for type 'W'."]
    );
}

#[test]
fn cycles_are_found() {
    let own =
        r#"{"name":"E","kind":"embedded","properties":[{"name":"child","type":"object","object":"E"}]}"#;
    assert_eq!(
        findings(own),
        ["Cycles containing embedded objects are not currently supported: 'E.child'"]
    );
    let two = r#"{"name":"A","kind":"embedded","properties":[{"name":"b","type":"object","object":"B"}]},
        {"name":"B","kind":"embedded","properties":[{"name":"a","type":"object","collection":"list","object":"A"}]},
        {"name":"C","kind":"embedded","properties":[{"name":"a","type":"object","object":"A"}]}"#;
    assert_eq!(
        findings(two),
        [
            "Cycles containing embedded objects are not currently supported: 'A.b.a'",
            "Cycles containing embedded objects are not currently supported: 'B.a.b'"
        ]
    );
}

#[test]
fn long_names_are_refused() {
    let class = |name: &str| {
        schema(&format!(
            r#"{{"name":"{name}","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"int"}}]}}"#
        ))
    };
    assert_eq!(class(&"n".repeat(57)).check_limits(), Ok(()));
    assert_eq!(
        class(&"n".repeat(58)).check_limits(),
        Err(format!("Name too long: class_{}", "n".repeat(58)))
    );
    let property = |length: usize| {
        schema(&w(&format!(
            r#"{{"name":"{}","type":"int"}}"#,
            "p".repeat(length)
        )))
    };
    assert_eq!(property(63).check_limits(), Ok(()));
    assert_eq!(
        property(64).check_limits(),
        Err(format!("Name too long: {}", "p".repeat(64)))
    );
}

#[test]
fn messages_are_put_together_as_realm_does() {
    let lines = ["one".to_owned(), "two".to_owned()];
    assert_eq!(
        validation_text(&lines),
        "Schema validation failed due to the following errors:\n- one\n- two"
    );
    assert_eq!(
        additive_text(&lines[..1]),
        "The following changes cannot be made in additive-only schema mode:\n- one\nIf your app is running in \
         development mode, you can delete the realm and restart the app to update your schema."
    );
}

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

#[test]
fn names_that_no_collection_or_field_can_have_are_refused() {
    let named = |class: &str, property: &str| {
        let json = serde_json::json!({"classes": [{
            "name": class, "kind": "asymmetric", "primary_key": "_id",
            "properties": [{"name": "_id", "type": "int"}, {"name": property, "type": "int"}],
        }]});
        Schema::parse(&json.to_string()).unwrap().check_limits()
    };
    assert_eq!(named("Reading", "celsius"), Ok(()));
    assert_eq!(named("Größe", "größe"), Ok(()));
    for class in [
        "",
        "system.views",
        "__realm_ingest_x",
        "a$b",
        "a\u{1b}[31m",
        "a\0b",
    ] {
        assert!(
            named(class, "x").unwrap_err().contains("cannot have the name"),
            "{class:?}"
        );
    }
    for property in ["", "$set", "a.b", "a\nb", "a\0b"] {
        let error = named("Reading", property).unwrap_err();
        assert!(error.contains("cannot have the name"), "{property:?}: {error}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn there_are_limits_to_how_much_a_schema_has() {
    let classes = |count: usize| {
        let class = |n| serde_json::json!({"name": format!("E{n}"), "kind": "embedded", "properties": []});
        let json = serde_json::json!({"classes": (0..count).map(class).collect::<Vec<_>>()});
        Schema::parse(&json.to_string()).unwrap().check_limits()
    };
    assert_eq!(classes(MAX_CLASSES), Ok(()));
    assert!(
        classes(MAX_CLASSES + 1)
            .unwrap_err()
            .contains("more than 1000 classes")
    );
    let properties = |count: usize| {
        let property = |n| serde_json::json!({"name": format!("p{n}"), "type": "int"});
        let properties: Vec<_> = (0..count).map(property).collect();
        let json =
            serde_json::json!({"classes": [{"name": "E", "kind": "embedded", "properties": properties}]});
        Schema::parse(&json.to_string()).unwrap().check_limits()
    };
    assert_eq!(properties(MAX_PROPERTIES), Ok(()));
    assert!(
        properties(MAX_PROPERTIES + 1)
            .unwrap_err()
            .contains("more than 1000 properties")
    );
}

/// Embedded classes of which each holds the next, and the last one what `last` says.
fn chain(count: usize, last: &str) -> Schema {
    let class = |n: usize| {
        let next = if n + 1 < count {
            format!("E{:04}", n + 1)
        } else {
            last.to_owned()
        };
        let properties = if next.is_empty() {
            serde_json::json!([])
        } else {
            serde_json::json!([{"name": "next", "type": "object", "object": next}])
        };
        serde_json::json!({"name": format!("E{n:04}"), "kind": "embedded", "properties": properties})
    };
    let json = serde_json::json!({"classes": (0..count).map(class).collect::<Vec<_>>()});
    Schema::parse(&json.to_string()).unwrap()
}

#[test]
fn a_long_chain_of_classes_is_no_cycle() {
    assert_eq!(chain(20_000, "").validate(), Ok(()));
}

#[test]
fn a_long_cycle_is_told_in_a_bounded_answer() {
    let findings = chain(2_000, "E0000").validate().unwrap_err();
    assert!(findings.len() <= MAX_FINDINGS + 1, "{}", findings.len());
    assert!(findings[0].starts_with(CYCLES));
}

#[test]
fn a_cycle_that_is_not_found_in_time_is_told_all_the_same() {
    let findings = chain(20_000, "E19999").validate().unwrap_err();
    assert!(findings[0].starts_with(CYCLES));
}

#[test]
fn findings_are_bounded() {
    let class = |n| format!(r#"{{"name":"A{n}","kind":"asymmetric","properties":[]}}"#);
    let all: Vec<_> = (0..1_000).map(class).collect();
    let findings = findings(&all.join(","));
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    assert_eq!(findings[MAX_FINDINGS], "... and 950 more");
}

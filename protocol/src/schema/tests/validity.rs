//! Which schemas are valid.

use super::*;

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

//! What is read, and its canonical form.

use super::*;

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

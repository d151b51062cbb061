//! How much a schema can have, and how much is said about it.

use super::*;

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

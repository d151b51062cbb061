//! Schemas that are there to be expensive.

use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use super::beside::Attacked;
use crate::common::APP;

fn schema(classes: &[Value]) -> Schema {
    Schema::parse(&json!({ "classes": classes }).to_string()).unwrap()
}

/// The most classes that a schema may have.
const CLASSES: usize = 1_000;

/// Embedded classes of which each holds the next, so often, and as many integers or whatever `kind` names; the last holds the
/// first where it is a cycle.
fn chain(count: usize, cycle: bool, times: usize, kind: &str, of_kind: usize) -> Schema {
    let class = |n: usize| {
        let next = match n + 1 {
            next if next < count => Some(next),
            _ if cycle => Some(0),
            _ => None,
        };
        let held = next.into_iter().flat_map(|next| {
            (0..times).map(move |time| {
                json!({"name": format!("next{time}"), "type": "object", "object": format!("E{next:05}")})
            })
        });
        let others = (0..of_kind).map(|n| json!({"name": format!("p{n:02}"), "type": kind}));
        let properties: Vec<_> = held.chain(others).collect();
        json!({"name": format!("E{n:05}"), "kind": "embedded", "properties": properties})
    };
    schema(&(0..count).map(class).collect::<Vec<_>>())
}

#[test]
fn chains_and_cycles_of_classes_are_judged_at_once() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let put = |schema: &Schema| attacked.server.put_schema(&attacked.token, schema);
        assert_eq!(put(&chain(CLASSES, false, 1, "int", 0)), 204);
        assert_eq!(put(&chain(CLASSES, true, 1, "int", 0)), 400);
        // There are more ways from the first to the last than anybody can go.
        assert_eq!(put(&chain(CLASSES, false, 2, "int", 0)), 204);
        assert_eq!(put(&chain(CLASSES, true, 2, "int", 0)), 400);
    });
}

#[test]
fn a_schema_of_too_many_classes_is_refused() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let put = |schema: &Schema| attacked.server.put_schema(&attacked.token, schema);
        assert_eq!(put(&chain(CLASSES + 1, false, 1, "int", 0)), 400);
        assert_eq!(put(&chain(6 * CLASSES, false, 1, "int", 0)), 400);
    });
}

#[test]
fn contradictions_are_not_told_again_for_each_class_that_holds_one() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let put = |schema: &Schema| attacked.server.put_schema(&attacked.token, schema);
        assert_eq!(put(&chain(CLASSES, false, 1, "int", 20)), 204);
        assert_eq!(put(&chain(CLASSES, false, 1, "double", 20)), 204);
    });
}

#[test]
fn the_number_of_schemas_of_a_user_is_limited_and_others_go_on() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        // About 100 KB each, all of classes that nobody else has.
        let large = |n: usize| {
            let class = |c: usize| {
                let properties: Vec<_> = (0..50)
                    .map(|p| json!({"name": format!("property{p:04}"), "type": "int", "optional": true}))
                    .collect();
                json!({"name": format!("S{n}E{c}"), "kind": "embedded", "properties": properties})
            };
            schema(&(0..40).map(class).collect::<Vec<_>>())
        };
        let status = |n| attacked.server.put_schema(&attacked.token, &large(n));
        let refused = (0..60).map(status).position(|status| status == 429);
        // One was sent before.
        assert_eq!(refused, Some(49));
        assert_eq!(
            attacked.server.put_schema(&attacked.token, &large(0)),
            204,
            "known ones stay known"
        );
        // Another user has a share of its own.
        drop(attacked.server.token());
    });
}

#[test]
fn a_contradiction_with_a_large_class_is_told_in_a_bounded_answer() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let large = |kind: &str| {
            let mut properties: Vec<_> = (0..900)
                .map(|p| json!({"name": format!("p{p}"), "type": kind}))
                .collect();
            properties.push(json!({"name": "_id", "type": "objectId"}));
            schema(&[json!({"name": "Large", "kind": "asymmetric", "primary_key": "_id", "properties": properties})])
        };
        assert_eq!(attacked.server.put_schema(&attacked.token, &large("int")), 204);
        assert_eq!(attacked.server.put_schema(&attacked.token, &large("double")), 204);
    });
}

#[test]
fn names_that_steer_a_database_or_a_terminal_are_refused() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        for name in ["system.users", "$cmd", "__realm_ingest_state", "a\u{1b}[2J", ""] {
            let class = json!({"name": name, "kind": "embedded", "properties": []});
            let body = schema(&[class]);
            assert_eq!(
                attacked.server.put_schema(&attacked.token, &body),
                400,
                "{name:?}"
            );
        }
        let body = json!({"classes": [], "more": "x".repeat(1 << 20)}).to_string();
        let bearer = format!("Bearer {}", attacked.token);
        let path = format!("{APP}/ingest/schemas/{}", "0".repeat(32));
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let answer = attacked
            .server
            .client()
            .call("PUT", &path, &headers, body.as_bytes());
        assert_eq!(answer.unwrap().status, 413);
    });
}

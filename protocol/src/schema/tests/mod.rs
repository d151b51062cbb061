#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod bounds;
mod followed;
mod read;
mod validity;

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

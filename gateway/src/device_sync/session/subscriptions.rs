//! Which classes a set of subscriptions selects. Data Ingest needs none, so the set that is served is the empty one.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

/// Classes that are named.
const MAX_NAMED: usize = 5;

/// Bytes of a name that are told.
const MAX_NAME_BYTES: usize = 100;

/// The classes of a set, for a sentence about them. None when there are none.
pub(super) fn classes(body: &str) -> Option<String> {
    let Ok(queries) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(body) else {
        return Some("what is not a JSON object".to_owned());
    };
    let names = queries.keys().take(MAX_NAMED);
    let named: Vec<_> = names
        .map(|name| match name.get(..MAX_NAME_BYTES) {
            Some(start) if start.len() < name.len() => format!("'{start}...'"),
            _ => format!("'{name}'"),
        })
        .collect();
    let more = queries.len().saturating_sub(MAX_NAMED);
    match (named.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named.join(", ")),
        (false, more) => Some(format!("{} and {more} more", named.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::classes;

    #[test]
    fn the_classes_of_a_set_are_named() {
        assert_eq!(classes("{}"), None);
        assert_eq!(classes(" {} "), None);
        let one = r#"{"Top":"(TRUEPREDICATE)"}"#;
        assert_eq!(classes(one).as_deref(), Some("'Top'"));
        let seven = r#"{"G":"","A":"","B":"","C":"","D":"","E":"","F":""}"#;
        let named = "'A', 'B', 'C', 'D', 'E' and 2 more";
        assert_eq!(classes(seven).as_deref(), Some(named));
        let long = format!(r#"{{"{}":""}}"#, "x".repeat(101));
        let named = format!("'{}...'", "x".repeat(100));
        assert_eq!(classes(&long).as_deref(), Some(&*named));
    }

    #[test]
    fn what_is_no_set_is_not_served() {
        for body in ["", "[]", "{", "null", "{} {}"] {
            assert_eq!(
                classes(body).as_deref(),
                Some("what is not a JSON object"),
                "{body}"
            );
        }
    }
}

//! Claims that become data of the user.

use serde_json::{Map, Value};

use super::error::TokenError;
use super::token::Claims;

/// Bytes of one value, as with App Services.
pub const MAX_VALUE: usize = 4_096;

/// Characters of a name in the user's data, as with App Services.
const MAX_NAME: usize = 63;

/// Why a field cannot be what is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The path leads nowhere.
    #[error(
        "a path of names parted by dots was expected, with a backslash before a dot that is part of a name"
    )]
    Path,
    /// The name is empty or too long.
    #[error("a name of 1 to {MAX_NAME} characters was expected")]
    Name,
}

/// A claim and its name in the user's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataField {
    path: Vec<String>,
    name: String,
    required: bool,
}

impl MetadataField {
    /// The claim at `path` (`address.city`; `\.` is a dot within a name), under `name` or else the last one of its path.
    ///
    /// # Errors
    /// When the path or the name is none.
    pub fn new(path: &str, name: Option<&str>, required: bool) -> Result<Self, FieldError> {
        let path = parts(path);
        let last = path.last().filter(|_| path.iter().all(|part| !part.is_empty()));
        let name = name.unwrap_or(last.ok_or(FieldError::Path)?).to_owned();
        if !(1..=MAX_NAME).contains(&name.chars().count()) {
            return Err(FieldError::Name);
        }
        Ok(Self { path, name, required })
    }

    fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        let found = rest
            .iter()
            .try_fold(claims.get(first)?, |value, name| value.get(name));
        found.filter(|value| !value.is_null())
    }
}

fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next_if_eq(&'.').is_some() => push(&mut parts, '.'),
            '.' => parts.push(String::new()),
            other => push(&mut parts, other),
        }
    }
    parts
}

fn push(parts: &mut [String], character: char) {
    if let Some(part) = parts.last_mut() {
        part.push(character);
    }
}

/// The user's data: of these fields those that the token has.
///
/// # Errors
/// When a required one is missing, or a value is too large.
pub fn data(fields: &[MetadataField], claims: &Claims) -> Result<Map<String, Value>, TokenError> {
    let mut data = Map::new();
    for field in fields {
        let path = || field.path.join(".");
        match field.find(claims) {
            None if field.required => return Err(TokenError::Required(path())),
            None => {}
            Some(value) if size(value) > MAX_VALUE => return Err(TokenError::Value(path())),
            Some(value) => {
                data.insert(field.name.clone(), value.clone());
            }
        }
    }
    Ok(data)
}

fn size(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().len(), str::len)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    fn field(path: &str, name: Option<&str>, required: bool) -> MetadataField {
        MetadataField::new(path, name, required).unwrap()
    }

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn claims_are_found_by_their_paths_and_named_after_the_last_part() {
        let claims = claims(json!({
            "email": "a@b.example", "address": {"city": "Bonn"}, "https://x.example/role": "admin",
            "nothing": null, "list": [1, 2]
        }));
        let fields = [
            field("email", None, true),
            field("address.city", None, false),
            field("address.city", Some("town"), false),
            field(r"https://x\.example/role", None, false),
            field("nothing", None, false),
            field("email.city", None, false),
            field("list", None, false),
        ];
        assert_eq!(
            Value::Object(data(&fields, &claims).unwrap()),
            json!({"email": "a@b.example", "city": "Bonn", "town": "Bonn", "https://x.example/role": "admin",
                   "list": [1, 2]})
        );
    }

    #[test]
    fn a_required_claim_that_is_missing_or_null_is_told_by_its_path() {
        let claims = claims(json!({"nothing": null}));
        for path in ["address.city", "nothing"] {
            let missing = data(&[field(path, None, true)], &claims);
            assert_eq!(missing, Err(TokenError::Required(path.to_owned())));
        }
    }

    #[test]
    fn a_value_has_4096_bytes_at_most() {
        let fields = [field("text", None, false)];
        let of = |length| data(&fields, &claims(json!({"text": "t".repeat(length)})));
        assert_eq!(of(4_096).unwrap()["text"].as_str().unwrap().len(), 4_096);
        assert_eq!(of(4_097), Err(TokenError::Value("text".to_owned())));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        for path in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(
                MetadataField::new(path, None, false),
                Err(FieldError::Path),
                "{path}"
            );
        }
        assert_eq!(MetadataField::new("a", Some(""), false), Err(FieldError::Name));
        assert_eq!(
            MetadataField::new(&"a".repeat(64), None, false),
            Err(FieldError::Name)
        );
    }
}

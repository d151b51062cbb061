//! Secrets by name. They are never exported, so whoever runs the gateway gives them: in a file, or in the environment.

use std::collections::BTreeMap;
use std::path::Path;

use super::reading::Reading;
use crate::definition::Secret;
use crate::toml_file::{self, TomlFileError};

/// What variables of the environment begin with.
const PREFIX: &str = "REALM_INGEST_SECRET_";
/// Bytes of a secret: more than any key in PEM.
const MAX_SECRET: usize = 16 * 1024;
const LEGACY: &str = "secrets.json";

/// Secrets by name. No text is ever shown.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    file: BTreeMap<String, Secret>,
    environment: BTreeMap<String, Secret>,
}

impl Secrets {
    /// Those of a file, if one is given, in TOML: `name = "value"`; and those of the environment, which go before: of a secret
    /// `signing-key` in the variable `REALM_INGEST_SECRET_SIGNING_KEY`.
    ///
    /// # Errors
    /// When the file cannot be read, or has anything else in it.
    pub fn read(file: Option<&Path>) -> Result<Self, TomlFileError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, Secret::new(value.into_string().ok()?)))
        });
        Ok(Self {
            file: file
                .map(|file| toml_file::read(file, parse))
                .transpose()?
                .unwrap_or_default(),
            environment: variables.collect(),
        })
    }

    /// The secret of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        let variable = name.to_ascii_uppercase().replace('-', "_");
        let found = self.environment.get(&variable);
        found.or_else(|| self.file.get(name)).cloned()
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, Secret>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // Its message may show what is there.
        let line = toml_file::line(text, &error);
        format!("line {line} is not TOML of the form: name = \"value\"")
    })?;
    let mut secrets = BTreeMap::new();
    for (name, value) in table {
        if !is_name(&name) {
            return Err(
                "the name of a secret has 1 to 64 letters, digits, '_' and '-', and begins with a letter or digit".to_owned(),
            );
        }
        let value = value
            .as_str()
            .ok_or_else(|| format!("'{name}' is no text; put it in quotes"))?;
        if value.is_empty() || value.len() > MAX_SECRET {
            return Err(format!(
                "'{name}' is empty or longer than {} KiB",
                MAX_SECRET >> 10
            ));
        }
        secrets.insert(name, Secret::new(value));
    }
    Ok(secrets)
}

/// Whether a secret can have this name.
fn is_name(name: &str) -> bool {
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    (1..=64).contains(&name.len()) && name.chars().all(fits) && !name.starts_with(['_', '-'])
}

/// Secrets of a hand-written `secrets.json`, by the provider or service and the key that would name them.
#[derive(Default)]
pub(super) struct Legacy(BTreeMap<(String, String), Secret>);

impl Legacy {
    pub(super) fn get(&self, owner: &str, key: &str) -> Option<Secret> {
        self.0.get(&(owner.to_owned(), key.to_owned())).cloned()
    }
}

/// Reads `secrets.json`, if there is one.
pub(super) fn read_legacy(reading: &mut Reading<'_>) {
    let mut legacy = Legacy::default();
    if let Some(document) = reading.document(LEGACY) {
        let Some(object) = document.root().hidden().object() else {
            return;
        };
        for kind in ["auth_providers", "services"] {
            let Some(owners) = object.object(kind) else {
                continue;
            };
            for (owner, secrets) in owners.all() {
                let secrets = secrets.object().map(|secrets| secrets.all()).unwrap_or_default();
                for (key, secret) in secrets {
                    if let Some(secret) = secret.string() {
                        legacy
                            .0
                            .insert((owner.to_owned(), key.to_owned()), Secret::new(secret));
                    }
                }
            }
        }
        object.finish();
        reading.honoured(LEGACY, format!("secrets: {}", legacy.0.len()));
    }
    reading.legacy_secrets = legacy;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_environment_goes_before_the_file_and_nothing_is_shown() {
        let secrets = Secrets {
            file: parse("signing-key = \"from file\"\nother = '''two\nlines'''").unwrap(),
            environment: [("SIGNING_KEY".to_owned(), Secret::new("from environment"))].into(),
        };
        assert_eq!(secrets.get("signing-key").unwrap().expose(), "from environment");
        assert_eq!(secrets.get("other").unwrap().expose(), "two\nlines");
        assert_eq!(secrets.get("SIGNING"), None);
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("from") && !shown.contains("lines"), "{shown}");
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_without_what_is_in_it() {
        for (text, said) in [
            (
                "a = \"1\"\nhunter2",
                "line 2 is not TOML of the form: name = \"value\"",
            ),
            ("a = \"hunter2\nb = 1", "line 1 is not TOML"),
            ("a = 4711", "'a' is no text; put it in quotes"),
            ("a = \"\"", "'a' is empty"),
            ("-hunter2 = \"x\"", "the name of a secret has 1 to 64"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("4711"), "{error}");
        }
    }
}

//! What the parts of a directory share while they are read.

use std::cell::RefCell;
use std::path::Path;

use serde_json::Value;

use super::Store;
use super::environments;
use super::files::Files;
use super::json::Node;
use super::report::{Level, Report};
use super::secrets::{Legacy, Secrets};
use super::unique::Unique;
use crate::definition::{Environment, Secret};
use crate::json_path::Findings;

pub(super) struct Reading<'a> {
    pub(super) files: Files,
    pub(super) store: Store,
    report: RefCell<Report>,
    secrets: &'a Secrets,
    pub(super) legacy_secrets: Legacy,
    /// Once it is known, names of its values are replaced.
    environment: Option<Environment>,
}

/// A file with JSON.
pub(super) struct Document<'a> {
    file: String,
    value: Value,
    report: &'a RefCell<Report>,
}

impl Document<'_> {
    pub(super) const fn root(&self) -> Node<'_> {
        Node::root(self.file.as_str(), &self.value, self.report)
    }
}

impl<'a> Reading<'a> {
    pub(super) fn start(directory: &Path, secrets: &'a Secrets, store: Store) -> Self {
        let mut report = Report::default();
        let mut files = Files::list(directory, &mut report);
        if !super::root::is_app(&files) {
            // A project made from a template has the app there, and the client beside it.
            let backend = directory.join("backend");
            if backend.is_dir() {
                report = Report::default();
                files = Files::list(&backend, &mut report);
            }
        }
        Self {
            files,
            store,
            report: RefCell::new(report),
            secrets,
            legacy_secrets: Legacy::default(),
            environment: None,
        }
    }

    pub(super) fn expand_with(&mut self, environment: Environment) {
        self.environment = Some(environment);
    }

    /// A file with JSON, if it is there and can be read.
    pub(super) fn document(&self, file: &str) -> Option<Document<'_>> {
        let text = self.files.text(file, &self.report)?;
        let mut value = match serde_json::from_str(&text) {
            Ok(Unique(value)) => value,
            Err(error) => {
                self.refuse(file, format!("is not JSON: {error}"));
                return None;
            }
        };
        if let Some(environment) = &self.environment {
            for (path, text) in environments::expand(&mut value, environment) {
                self.refuse_at(file, &path, text);
            }
        }
        Some(Document {
            file: file.to_owned(),
            value,
            report: &self.report,
        })
    }

    pub(super) fn text(&self, file: &str) -> Option<String> {
        self.files.text(file, &self.report)
    }

    /// The secret of this name; `provider` and `key` say where else it may be.
    pub(super) fn secret(&self, name: &str, provider: &str, key: &str) -> Option<Secret> {
        let named = self.secrets.get(name);
        named.or_else(|| self.legacy_secrets.get(provider, key))
    }

    pub(super) fn honoured(&self, file: &str, text: impl Into<String>) {
        self.say(Level::Honoured, file, text);
    }

    pub(super) fn ignored(&self, file: &str, text: impl Into<String>) {
        self.say(Level::Ignored, file, text);
    }

    pub(super) fn warn(&self, file: &str, text: impl Into<String>) {
        self.say(Level::Warning, file, text);
    }

    pub(super) fn refuse(&self, file: &str, text: impl Into<String>) {
        self.say(Level::Refused, file, text);
    }

    /// The same at a place in the file.
    pub(super) fn refuse_at(&self, file: &str, path: &str, text: impl Into<String>) {
        self.report.borrow_mut().add(Level::Refused, file, path, text);
    }

    /// What is wrong with a file, each with its place: refused where it `counts`.
    pub(super) fn found(&self, file: &str, findings: Findings, counts: bool) {
        let level = if counts { Level::Refused } else { Level::Warning };
        for (path, text) in findings {
            self.report.borrow_mut().add(level, file, &path, text);
        }
    }

    fn say(&self, level: Level, file: &str, text: impl Into<String>) {
        self.report.borrow_mut().add(level, file, "", text);
    }

    pub(super) fn finish(self) -> Report {
        self.report.into_inner()
    }
}

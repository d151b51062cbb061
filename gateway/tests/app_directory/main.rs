//! Directories of App Services apps: what is taken of them, and what is said about them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod broken;
mod commands;
mod good;
mod hostile;

use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest_gateway::app_directory::{Entry, Loaded, Report, Secrets, load};
use serde_json::Value;
use tempfile::TempDir;

/// Nothing that is said may have a part of it.
const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/apps")
        .join(name)
}

/// A copy to be changed.
fn copy(name: &str) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_folder(&fixture(name), to.path());
    to
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The secrets of the weather app.
fn secrets() -> Secrets {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.toml");
    let text = format!("signing-key = \"{SECRET}\"\nupstream-password = \"{SECRET}\"\n");
    fs::write(&file, text).unwrap();
    Secrets::read(Some(&file)).unwrap()
}

fn loaded(directory: &Path) -> Loaded {
    let loaded = load(directory, &secrets(), None);
    for line in lines(&loaded.report) {
        assert!(!line.contains(SECRET), "{line}");
    }
    assert_eq!(loaded.definition.is_some(), loaded.report.is_good());
    assert!(!format!("{loaded:?}").contains(SECRET));
    loaded
}

fn lines(report: &Report) -> Vec<String> {
    report.entries().iter().map(Entry::to_string).collect()
}

fn refusals(directory: &Path) -> Vec<String> {
    let report = loaded(directory).report;
    report.refusals().map(Entry::to_string).collect()
}

fn change_json(directory: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = directory.join(file);
    let mut value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

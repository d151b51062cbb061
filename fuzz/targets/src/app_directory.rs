//! Whatever a file of an app's directory holds: all that is said of it is bounded and shows no secret, and what is not refused
//! can be served.

use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest_gateway::app_directory::{Secrets, load};
use tempfile::TempDir;

/// A sound app, of which one file is replaced.
const APP: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../gateway/tests/data/apps/weather"
);

/// The files that are replaced: the first byte says which.
const FILES: [&str; 12] = [
    "root_config.json",
    ".mdb/meta.json",
    "auth/providers.json",
    "auth/custom_user_data.json",
    "data_sources/mongodb-atlas/config.json",
    "data_sources/mongodb-atlas/weather/Reading/rules.json",
    "data_sources/mongodb-atlas/weather/Reading/schema.json",
    "data_sources/mongodb-atlas/weather/Reading/relationships.json",
    "environments/production.json",
    "functions/config.json",
    "values/upstream.json",
    "sync/config.json",
];

/// Of the two secrets that the app names.
const SECRET: &str = "0123456789-secret-0123456789-secret";

/// Bytes of all that is said beside what was given.
const MAX_TEXT: usize = 1024 * 1024;

thread_local! {
    static COPY: (TempDir, Secrets) = copy();
}

fn copy() -> (TempDir, Secrets) {
    let to = tempfile::tempdir().unwrap();
    copy_folder(Path::new(APP), to.path());
    let file = to.path().join("secrets.toml");
    fs::write(
        &file,
        format!("signing-key = \"{SECRET}\"\nupstream-password = \"{SECRET}\"\n"),
    )
    .unwrap();
    let secrets = Secrets::read(Some(&file)).unwrap();
    (to, secrets)
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

/// The sound file is put back, also after a finding.
struct Replaced(PathBuf, &'static str);

impl Drop for Replaced {
    fn drop(&mut self) {
        fs::copy(Path::new(APP).join(self.1), &self.0).unwrap();
    }
}

pub(crate) fn run(data: &[u8]) {
    let Some((which, text)) = data.split_first() else {
        return;
    };
    let file = FILES[usize::from(*which) % FILES.len()];
    COPY.with(|(directory, secrets)| {
        let replaced = Replaced(directory.path().join(file), file);
        fs::write(&replaced.0, text).unwrap();
        let loaded = load(directory.path(), secrets, None);
        assert_eq!(loaded.definition.is_some(), loaded.report.is_good());
        let said = loaded.report.entries().iter();
        let said: String = said.map(|entry| format!("{entry}\n")).collect();
        assert!(!said.contains(SECRET) && !format!("{loaded:?}").contains(SECRET));
        assert!(said.len() <= MAX_TEXT + 100 * text.len(), "{}", said.len());
    });
}

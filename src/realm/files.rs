//! The files of outboxes, and their deletion. Nothing else deletes an outbox; what was moved aside stays.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::app::realm_file;
use crate::uploader::registry;

/// What lies beside an outbox and belongs to it.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", ".lock"];

/// Deletes the outboxes of users that were removed, which is what logging an anonymous user out asks for. Returns those
/// of whom nothing is left.
pub(crate) fn delete_removed(directory: &Path, ids: Vec<String>) -> Vec<String> {
    let mut done = Vec::new();
    for id in ids {
        let Ok(file) = realm_file(directory, &id) else {
            continue;
        };
        // A realm that is still open in this process keeps its files until the next time.
        if registry::is_open(&file) {
            continue;
        }
        match delete(&file) {
            Ok(()) => done.push(id),
            Err(error) => {
                log::warn!(target: "ingest::app", "the files of removed user {id} stay: {error}");
            }
        }
        // Only if nothing else is in it.
        if let Some(folder) = file.parent().filter(|folder| *folder != directory) {
            let _ = std::fs::remove_dir(folder);
        }
    }
    done
}

/// Deletes an outbox, the file itself last: what is left of an interrupted deletion is an outbox still.
fn delete(path: &Path) -> std::io::Result<()> {
    for ending in ENDINGS.iter().rev() {
        let mut name = path.to_owned().into_os_string();
        name.push(ending);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

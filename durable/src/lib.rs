//! Folders and files that are still there after the power was cut.
//!
//! POSIX keeps a name only once the folder it is in was synced, whatever was done to the file behind it. Every folder
//! and every replaced file of the library and of the gateway is made here. All of it may wait for the disk, and may be
//! called from any thread.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

#[cfg(not(unix))]
#[path = "elsewhere.rs"]
mod os;
#[cfg(unix)]
#[path = "unix.rs"]
mod os;

/// Makes the folder and those above it that are missing, and returns once they outlast a power cut.
///
/// # Errors
/// A folder could not be made, or not be made durable.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.is_dir()).collect();
    // Each folder is durable before the next one is made. So a process that ended in here has left at most one that is
    // not: the lowest that exists.
    let lowest = missing.last().and_then(|folder| folder.parent()).unwrap_or(&path);
    sync_parent(lowest)?;
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => {}
            // Another process was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
        sync_parent(folder)?;
    }
    Ok(())
}

/// Puts a file with these bytes at `path` in one step: after a power cut the former file is there, or this one. `private`
/// keeps everybody but the owner from reading it. The caller sees to it that nobody else replaces the file meanwhile;
/// the name with `.new` behind it is used on the way.
///
/// # Errors
/// The file at `path` is the former one; only if syncing the folder is what failed, it may be either.
pub fn replace(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = if private { owner_only() } else { OpenOptions::new() };
    options.write(true).create(true).truncate(true);
    let written = options
        .open(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // On a full disk half a file would keep what room there is.
        let _ = fs::remove_file(&new);
    }
    written?;
    sync_parent(path)
}

/// Makes the names in the folder of `path` durable: files that were made, renamed or removed there.
///
/// # Errors
/// The disk failed. A file system without a way to sync a folder is none.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(folder) => sync_folder(folder),
        // The root is in no folder.
        None => Ok(()),
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// As [`sync_parent`].
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match os::sync_folder(folder) {
        // A folder above the application's own may be closed to it.
        Err(error) if !os::cannot_sync_folders(&error) && error.kind() != ErrorKind::PermissionDenied => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// What opens files that, where it makes them, only their owner may read and write.
pub fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    os::owner_only(&mut options);
    options
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn missing_folders_are_made_and_existing_ones_are_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_dir_all(&deep).unwrap();
        create_dir_all(&deep).unwrap();
        assert!(deep.is_dir());
        fs::write(deep.join("file"), b"").unwrap();
        assert!(create_dir_all(&deep.join("file/below")).is_err());
        assert!(create_dir_all(&deep.join("file")).is_err());
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        replace(&path, b"first", true).unwrap();
        replace(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::create_dir(folder.path().join("taken")).unwrap();
        fs::write(folder.path().join("taken/file"), b"").unwrap();
        assert!(replace(&folder.path().join("taken"), b"third", false).is_err());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing is left beside it");
    }
}

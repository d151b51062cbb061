//! Where the files of an app and its users are, in the layout that Realm's SDKs use.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// SQLite takes paths of up to 512 bytes, and adds endings such as `-journal`.
const MAX_PATH: usize = 480;
/// File systems take names of up to 255 bytes.
const MAX_NAME: usize = 255;
const REALM_FILE: &str = "flx_sync_default";

/// The name as a file name: every byte but letters, digits, `-`, `_` and `.` becomes `%XX`.
fn escaped(identifier: &str) -> Result<String> {
    if identifier == "." || identifier == ".." {
        return Err(Error::InvalidArgument(format!(
            "A path can't have an identifier reserved by the filesystem: '{identifier}'"
        )));
    }
    let mut name = String::with_capacity(identifier.len());
    for byte in identifier.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    Ok(name)
}

/// The user whose directory this is.
pub(crate) fn user_of_directory(directory: &Path) -> Option<String> {
    let name = directory.file_name()?.to_str()?;
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        bytes.push(match (first, more) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                let digits = [*high, *low];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => *first,
        });
    }
    String::from_utf8(bytes).ok()
}

/// `<base>/mongodb-realm/<app id>`.
pub(crate) fn app_directory(base: &Path, app_id: &str) -> Result<PathBuf> {
    Ok(base.join("mongodb-realm").join(escaped(app_id)?))
}

/// `<app directory>/server-utility/metadata`, where users are kept.
pub(crate) fn metadata_directory(app_directory: &Path) -> PathBuf {
    app_directory.join("server-utility").join("metadata")
}

pub(crate) fn user_directory(app_directory: &Path, user_id: &str) -> Result<PathBuf> {
    Ok(app_directory.join(escaped(user_id)?))
}

/// `<app directory>/<user id>/flx_sync_default.realm`, or a name made by a hash beside it where that is too long.
pub(crate) fn realm_file(app_directory: &Path, user_id: &str) -> Result<PathBuf> {
    let directory = user_directory(app_directory, user_id)?;
    let preferred = directory.join(REALM_FILE);
    let name = directory.file_name().map_or(0, |name| name.len());
    if name <= MAX_NAME && preferred.as_os_str().len() + ".realm".len() <= MAX_PATH {
        return Ok(preferred.with_extension("realm"));
    }
    let hash = Sha256::digest(preferred.as_os_str().as_encoded_bytes());
    let mut name = String::with_capacity(64);
    for byte in hash {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(app_directory.join(name).with_extension("realm"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn the_layout_is_the_one_realm_uses() {
        let app = app_directory(Path::new("/data"), "my app-ä/1").unwrap();
        assert_eq!(app, Path::new("/data/mongodb-realm/my%20app-%C3%A4%2F1"));
        assert_eq!(metadata_directory(&app), app.join("server-utility/metadata"));
        assert_eq!(
            realm_file(&app, "6500aa").unwrap(),
            app.join("6500aa/flx_sync_default.realm")
        );
    }

    #[test]
    fn a_directory_says_whose_it_is() {
        for user in ["6500aa", "a@b.c", "ä/%41 "] {
            let directory = user_directory(Path::new("/data"), user).unwrap();
            assert_eq!(user_of_directory(&directory).as_deref(), Some(user));
        }
    }

    #[test]
    fn names_that_mean_directories_are_refused() {
        let error = app_directory(Path::new("/data"), "..").unwrap_err();
        assert_eq!(
            error.to_string(),
            "A path can't have an identifier reserved by the filesystem: '..'"
        );
        assert!(realm_file(Path::new("/data"), ".").is_err());
    }

    #[test]
    fn a_long_user_id_falls_back_to_a_hash_that_stays_the_same() {
        let long = "u".repeat(300);
        let file = realm_file(Path::new("/data"), &long).unwrap();
        assert_eq!(file.parent().unwrap(), Path::new("/data"));
        assert_eq!(file.file_name().unwrap().len(), 64 + ".realm".len());
        assert_eq!(file, realm_file(Path::new("/data"), &long).unwrap());
        assert_ne!(file, realm_file(Path::new("/data"), &"v".repeat(300)).unwrap());
    }
}

//! What tells a file from all others, asked without asking for anything else.
//!
//! A look at a file's times has its price: from Linux 6.13 on, the next write after one gets a time of its own, which the
//! next sync has to bring to the disk, so that a small commit takes half as long again.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The numbers of the device and of the inode.
pub(crate) type FileId = (u64, u64);

/// What stands at the path, links followed; `None` if it cannot be looked at.
pub(crate) fn device_and_inode(path: &Path) -> Option<FileId> {
    asked_alone(path).or_else(|| asked_with_all(path))
}

/// What was looked at for another reason.
pub(crate) fn of(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// Whether one file is there under both names.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    device_and_inode(one).is_some_and(|file| device_and_inode(other) == Some(file))
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn asked_alone(path: &Path) -> Option<FileId> {
    use std::ffi::CString;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path ends with a NUL, and the structure exists; it may be all zeros.
    let found = unsafe {
        if libc::statx(
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            libc::STATX_INO,
            found.as_mut_ptr(),
        ) != 0
        {
            return None;
        }
        found.assume_init()
    };
    let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
    (found.stx_mask & libc::STATX_INO != 0).then_some((device, found.stx_ino))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn asked_alone(_: &Path) -> Option<FileId> {
    None
}

fn asked_with_all(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().as_ref().map(of)
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn both_ways_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert_eq!(device_and_inode(&file), None);
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, folder.path().join("link")).unwrap();
        for path in [&file, &folder.path().join("link"), &folder.path().to_owned()] {
            assert_eq!(asked_alone(path).or(asked_with_all(path)), asked_with_all(path));
            assert!(device_and_inode(path).is_some());
        }
    }
}

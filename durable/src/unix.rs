//! Folders and rights of Unix.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Network and FUSE file systems that have no way to sync a folder say so in several ways.
pub(crate) fn cannot_sync_folders(error: &io::Error) -> bool {
    [
        libc::EINVAL,
        libc::ENOTSUP,
        libc::EOPNOTSUPP,
        libc::ENOSYS,
        libc::EBADF,
        libc::EROFS,
    ]
    .iter()
    .any(|code| error.raw_os_error() == Some(*code))
}

pub(crate) fn owner_only(options: &mut OpenOptions) {
    options.mode(0o600);
}

//! Errors of the system that std has no name for.

use std::io;

/// Whether something was not opened because the process, or the system, has too many open.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    is_one_of(error, [libc::EMFILE, libc::ENFILE])
}

/// Whether the disk failed to read or write. Of such a read SQLite says that the file is malformed.
pub(crate) fn is_bad_sector(error: &io::Error) -> bool {
    is_one_of(error, [libc::EIO, libc::ENXIO])
}

fn is_one_of(error: &io::Error, codes: [i32; 2]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

//! A system that is not Unix: what std can do, and nothing where the library can do without. Each module says what its
//! port has to write. It compiles for Windows; it was never run there.

/// A clock that nobody sets. Whether it goes on while the device sleeps is the system's.
pub(crate) mod boot_time {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub(crate) fn now() -> Duration {
        BEGIN.elapsed()
    }
}

/// To be written: a plugin may be unloaded while the library still has callbacks of it. Until then the program must not.
pub(crate) mod code {
    use std::ffi::c_void;

    pub(crate) fn keep_loaded(_: *const c_void) {}

    pub(crate) fn keep_callers_loaded() {}
}

/// Files have handles, of which no small ones are special.
pub(crate) mod descriptors {
    pub(crate) fn occupy_standard() {}
}

/// To be written: the numbers that tell a file from its copies. Until then all files are one, which is enough to see that
/// one is gone. Where a file in use cannot be renamed, it is not exchanged while it is open; but a copied file is only
/// noticed by its time of creation.
pub(crate) mod file_id {
    use std::fs::{self, Metadata};
    use std::path::Path;

    pub(crate) type FileId = (u64, u64);

    pub(crate) fn device_and_inode(path: &Path) -> Option<FileId> {
        fs::metadata(path).ok().as_ref().map(of)
    }

    pub(crate) fn of(_: &Metadata) -> FileId {
        (0, 0)
    }

    pub(crate) fn is_same(_: &Path, _: &Path) -> bool {
        false
    }
}

/// Processes do not fork.
pub(crate) mod fork {
    pub(crate) fn notice() -> bool {
        true
    }

    pub(crate) fn happened() -> bool {
        false
    }
}

/// To be written: the local time. Until then time windows for uploads are in UTC.
pub(crate) mod local_time {
    use std::time::{SystemTime, UNIX_EPOCH};

    const SECONDS_A_DAY: u64 = 24 * 60 * 60;

    pub(crate) fn second_of_day() -> u32 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (now.as_secs() % SECONDS_A_DAY) as u32
    }
}

/// Paths are UTF-8 at both doors.
pub(crate) mod path {
    use std::path::{Path, PathBuf};

    /// What is not UTF-8 becomes a path that no system opens.
    pub(crate) fn from_bytes(bytes: &[u8]) -> &Path {
        Path::new(std::str::from_utf8(bytes).unwrap_or("\0"))
    }

    pub(crate) fn into_bytes(path: PathBuf) -> Vec<u8> {
        path.to_string_lossy().into_owned().into_bytes()
    }
}

/// Writes raise no signals.
pub(crate) mod signals {
    #[derive(Clone, Copy)]
    pub(crate) struct Mask;

    pub(crate) fn host_mask() -> Mask {
        Mask
    }

    pub(crate) fn keep_out(_: Mask) {}

    pub(crate) fn shielded<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    pub(crate) fn as_host<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
}

pub(crate) mod system_errors {
    use std::io;

    /// `ERROR_TOO_MANY_OPEN_FILES` of Windows.
    const TOO_MANY_OPEN_FILES: i32 = 4;
    /// `ERROR_CRC` of Windows.
    const BAD_CHECKSUM: i32 = 23;

    pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
        error.raw_os_error() == Some(TOO_MANY_OPEN_FILES)
    }

    pub(crate) fn is_bad_sector(error: &io::Error) -> bool {
        error.raw_os_error() == Some(BAD_CHECKSUM)
    }
}

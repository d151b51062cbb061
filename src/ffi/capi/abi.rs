//! Whether a program and the library fit together.

use std::ffi::c_char;

use super::{enter, realm_ingest_code, realm_ingest_error, registry};
use crate::error::{Error, Result};
use crate::ffi::guard_or;

/// The version of this header. Its upper 16 bits are the number in the library's soname, which is raised by a change that
/// breaks programs; its lower 16 are raised by an addition.
pub const REALM_INGEST_ABI_VERSION: u32 = 1;

/// Bits of an ABI version that count additions.
const MINOR_BITS: u32 = 16;

/// The release of the library, such as `0.1.0`. The text is never freed.
///
/// Threads: any. Ownership: the library keeps what it returns.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// REALM_INGEST_ABI_VERSION as it was when the library was built.
///
/// Threads: any. Ownership: none.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_abi_version() -> u32 {
    REALM_INGEST_ABI_VERSION
}

/// Whether the library serves programs of that header, in words where it does not: call it first, with
/// REALM_INGEST_ABI_VERSION, in programs that load the library by themselves. It fails with REALM_INGEST_NOT_SUPPORTED where the
/// upper halves of the versions differ, or the header is newer than the library.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_check_abi(
    header_version: u32,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises it.
    unsafe { enter(error, || check(header_version, REALM_INGEST_ABI_VERSION)) }
}

fn check(header: u32, library: u32) -> Result<()> {
    if header >> MINOR_BITS == library >> MINOR_BITS && header <= library {
        return Ok(());
    }
    let name = |version: u32| {
        let (major, minor) = (version >> MINOR_BITS, version & ((1 << MINOR_BITS) - 1));
        format!("{major}.{minor}")
    };
    Err(Error::NotSupported(format!(
        "the program was built with a realm_ingest.h of ABI version {}, and this library, realm-ingest {}, has {}: build the \
         program with the header of this library, or give it a library of that version or a later one of the same first \
         number",
        name(header),
        env!("CARGO_PKG_VERSION"),
        name(library)
    )))
}

/// How many objects of this interface the program holds at this moment, those that callbacks look at included: a test that
/// frees everything ends with the number that it began with.
///
/// Threads: any. Ownership: none.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_live_objects() -> usize {
    guard_or(0, registry::count)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;

    #[test]
    fn the_soname_is_the_upper_half() {
        let major = env!("CARGO_PKG_VERSION_MAJOR").parse::<u32>().unwrap();
        assert_eq!(REALM_INGEST_ABI_VERSION >> MINOR_BITS, major);
    }

    #[test]
    fn an_older_header_of_the_same_soname_fits_and_no_other() {
        let library = 0x0003_0005;
        for (header, fits) in [
            (0x0003_0005, true),
            (0x0003_0000, true),
            (0x0003_0006, false),
            (0x0002_0005, false),
            (0x0004_0001, false),
            (0, false),
        ] {
            assert_eq!(check(header, library).is_ok(), fits, "{header:#x}");
        }
        let told = check(0x0004_0001, library).unwrap_err().to_string();
        assert!(
            told.contains("ABI version 4.1") && told.contains("has 3.5"),
            "{told}"
        );
    }
}

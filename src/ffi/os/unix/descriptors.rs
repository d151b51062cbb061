//! Descriptors that every program has.

/// Gives `/dev/null` to those of the descriptors 0 to 2 that are closed: otherwise a socket or a file of the library
/// could get one of them, and what the host prints would go into it.
pub(crate) fn occupy_standard() {
    loop {
        // SAFETY: the path is a C string.
        let descriptor = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if (0..=libc::STDERR_FILENO).contains(&descriptor) {
            log::warn!(
                target: "ingest::ffi",
                "descriptor {descriptor} was closed and is /dev/null now: what the program prints must not reach files \
                 and connections"
            );
            continue;
        }
        if descriptor >= 0 {
            // SAFETY: it was opened above, and nobody else knows it.
            unsafe { libc::close(descriptor) };
        }
        return;
    }
}

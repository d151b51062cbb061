//! What a Rust `main` sees to before it begins, for programs that have another one: where panics are told, and what the
//! descriptors 0 to 2 are.

use std::sync::Once;

/// Called by every call of the two doors that opens something.
pub(super) fn prepare() {
    static PANICS: Once = Once::new();
    PANICS.call_once(|| {
        // A panic is caught at the door and becomes an error. The standard hook would print it to a stderr that is the
        // host's; this library has a standard library of its own, so that no other Rust code's hook is replaced.
        std::panic::set_hook(Box::new(|panic| {
            log::error!(target: "ingest::panic", "{panic}");
        }));
    });
    occupy_standard_descriptors();
}

/// Gives `/dev/null` to those of the descriptors 0 to 2 that are closed: otherwise a socket or a file of the library
/// could get one of them, and what the host prints would go into it.
fn occupy_standard_descriptors() {
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

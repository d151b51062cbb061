//! What a Rust `main` sees to before it begins, for programs that have another one: where panics are told, and what the
//! descriptors 0 to 2 are. And what such programs may do that Rust's do not: unload code while it is in use.

use std::ffi::c_void;
use std::sync::Once;

use super::os::{code, descriptors};

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
    descriptors::occupy_standard();
    // Threads of the library run on when a plugin that the library is linked into is unloaded.
    code::keep_loaded(prepare as *const c_void);
}

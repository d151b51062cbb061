//! What SQLite is told before it is used for the first time in a process, and what it is asked directly.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Once;

use rusqlite::{Connection, ffi};

/// What a connection has at hand for small allocations: statements are prepared once and kept, so this is little.
const SMALL_BYTES: c_int = 128;
const SMALL_COUNT: c_int = 32;

/// Connections of a process with thousands of outboxes take little memory each: by default one takes 130 KB at once,
/// for statements and pages that an outbox does not have. Where the application has used SQLite before, its settings
/// stay.
pub(crate) fn spare_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the arguments are of the types that these settings take. SQLite refuses them once it is in use, and
        // this library has no connection yet.
        unsafe {
            ffi::sqlite3_config(
                ffi::SQLITE_CONFIG_PAGECACHE,
                null_mut::<c_void>(),
                0 as c_int,
                0 as c_int,
            );
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOOKASIDE, SMALL_BYTES, SMALL_COUNT);
            // A lock of the whole process around each allocation, for figures that nobody asks for.
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0 as c_int);
        }
    });
}

/// Whether the file that the connection has open was deleted, moved or replaced. Where a file in use cannot be, it never
/// was.
pub(crate) fn has_moved(connection: &Connection) -> bool {
    let mut moved: c_int = 0;
    // SAFETY: the handle is of an open connection, which nobody else uses meanwhile as it is not `Sync`; this call wants
    // a pointer to an int, which outlives it.
    let asked = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_HAS_MOVED,
            (&raw mut moved).cast::<c_void>(),
        )
    };
    asked == ffi::SQLITE_OK && moved != 0
}

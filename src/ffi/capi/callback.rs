//! Callbacks of the application: a function, the data that it gets, and how that ends.

use std::ffi::c_void;

use crate::ffi::os::{code, signals};

/// Ends the life of what `userdata` points to. Called once, when the library has no more use for the callback.
///
/// Threads: any. Ownership: takes `userdata`.
pub type realm_ingest_free_callback = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// A function of the application, `unsafe extern "C" fn(*mut c_void, ..)`, with its data. Dropping it ends the data.
pub(super) struct Callback<F> {
    function: F,
    data: UserData,
}

impl<F: Function> Callback<F> {
    /// `None` without a function; then the data ends at once.
    pub(super) fn new(
        function: Option<F>,
        userdata: *mut c_void,
        free: realm_ingest_free_callback,
    ) -> Option<Callback<F>> {
        let data = UserData {
            pointer: userdata,
            free,
        };
        let function = function?;
        // The data may come from where the function does, or from elsewhere.
        code::keep_loaded(function.address());
        code::keep_loaded(free.map_or(std::ptr::null(), Function::address));
        Some(Callback { function, data })
    }

    /// Runs `call`, which calls the function with the pointer to the data, as code of the application.
    pub(super) fn call<T>(&self, call: impl FnOnce(F, *mut c_void) -> T) -> T {
        signals::as_host(|| call(self.function, self.data.pointer))
    }
}

/// A callback's data and how it ends.
struct UserData {
    pointer: *mut c_void,
    free: realm_ingest_free_callback,
}

// SAFETY: the header asks for callbacks whose data may be used and freed on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above, by several threads at once.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the caller gave the function for this pointer, and this is the one call of it.
            signals::as_host(|| unsafe { free(self.pointer) });
        }
    }
}

/// A function pointer of C.
pub(super) trait Function: Copy {
    /// Where its code lies.
    fn address(self) -> *const c_void;
}

/// For functions of so many arguments.
macro_rules! function_of {
    ($($argument:ident)*) => {
        impl<R, $($argument),*> Function for unsafe extern "C" fn($($argument),*) -> R {
            fn address(self) -> *const c_void {
                self as *const c_void
            }
        }
    };
}

function_of!(A);
function_of!(A B);
function_of!(A B C);
function_of!(A B C D);

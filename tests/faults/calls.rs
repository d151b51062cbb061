//! Lets calls of this process on the files of a watched folder fail. For a process that `Place::watch` started.

#![allow(unsafe_code, reason = "the shim is found by the names of its functions")]

use std::ffi::{CStr, c_int, c_long};
use std::fs::File;

use crate::disk::{Event, recorded_here};

/// What calls do. The numbers are those of `unreliable_disk.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sync,
    Read,
    Open,
    Write,
    /// A write of which a part is done.
    Short,
    Truncate,
    Rename,
    Link,
    Unlink,
    Lock,
    Map,
}

/// How many calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// This one, and the one that follows where SQLite or the system tries again by itself.
    Once,
    FromThenOn,
}

/// Lets the `number`-th call of a kind from now on fail with this error of the system. Until [`heal`].
pub fn fail(kind: Kind, number: usize, times: Times, error: i32) {
    let times = match times {
        // An opening that fails is tried again at once, without writing; what follows a short write is its rest.
        Times::Once if [Kind::Open, Kind::Short].contains(&kind) => 2,
        Times::Once => 1,
        Times::FromThenOn => -1,
    };
    arm(kind, number as c_long, times, error);
}

/// No call of the kind fails any more; returns how many there were since [`fail`] or [`heal`].
pub fn heal(kind: Kind) -> usize {
    arm(kind, 0, 0, 0) as usize
}

fn arm(kind: Kind, number: c_long, times: c_long, error: c_int) -> c_long {
    type Fail = unsafe extern "C" fn(c_int, c_long, c_long, c_int) -> c_long;
    let function = shims(c"unreliable_fail");
    // SAFETY: the shim defines it so.
    let fail: Fail = unsafe { std::mem::transmute(function) };
    // SAFETY: it may be called from any thread.
    unsafe { fail(kind as c_int, number, times, error) }
}

/// Syncs take no time from now on.
pub fn hurry() {
    let function = shims(c"unreliable_pace");
    // SAFETY: the shim defines it so.
    let pace: unsafe extern "C" fn(c_long) = unsafe { std::mem::transmute(function) };
    // SAFETY: it changes a number that nobody else uses.
    unsafe { pace(0) }
}

fn shims(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name is one, and the handle stands for all that is loaded.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    assert!(!function.is_null(), "this process is not watched");
    function
}

/// Forgets what was recorded until now.
pub fn begin_record() {
    File::create(recorded_here()).unwrap();
}

/// What was recorded since [`begin_record`].
pub fn events() -> Vec<Event> {
    crate::disk::events(&std::fs::read(recorded_here()).unwrap())
}

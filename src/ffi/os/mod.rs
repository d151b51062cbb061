//! What operating systems do differently. A port to another one begins here: the same functions for all of them, so that
//! no other module of this library asks which system it is on.
//!
//! `unix` is Linux, and what other Unixes have in common with it; `elsewhere` is what the library does with on a system
//! that has nothing of the kind, and so the list of what its port has to write.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;
#[cfg(target_os = "linux")]
#[path = "inotify.rs"]
pub(crate) mod watch;
#[cfg(not(target_os = "linux"))]
#[path = "no_watch.rs"]
pub(crate) mod watch;

#[cfg(not(unix))]
pub(crate) use elsewhere::{
    boot_time, code, descriptors, file_id, fork, local_time, path, signals, system_errors,
};
#[cfg(unix)]
pub(crate) use unix::{
    boot_time, code, descriptors, file_id, fork, local_time, path, signals, system_errors,
};

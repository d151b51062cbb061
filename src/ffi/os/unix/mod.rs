//! Unix: written for Linux; what another one lacks is told apart in each file.

pub(crate) mod boot_time;
pub(crate) mod code;
pub(crate) mod descriptors;
pub(crate) mod file_id;
pub(crate) mod fork;
pub(crate) mod local_time;
pub(crate) mod path;
pub(crate) mod signals;
pub(crate) mod system_errors;

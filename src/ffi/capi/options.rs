//! What an application chooses for a realm beyond its classes and its file.

use std::ffi::c_char;

use super::realm_config::realm_ingest_realm_config;
use super::{change, realm_ingest_code, realm_ingest_error, text};
use crate::ffi::options;

/// What a commit that returned has survived: one of the REALM_INGEST_DURABILITY_ constants; full by default. Where the
/// path is already open with another one, opening fails with REALM_INGEST_MISMATCHED_CONFIG; so it does for another cap,
/// other urgent classes and another upload policy, of which it counts whether there is a callback, and not which.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_durability(
    config: *mut realm_ingest_realm_config,
    durability: u8,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.durability = options::durability(durability)?;
            Ok(())
        })
    }
}

/// How much may wait in the file: bytes as they are stored, documents, and milliseconds since the oldest was written, by
/// the device's clock; each may be REALM_INGEST_NO_LIMIT, as all are by default. `policy` is one of the REALM_INGEST_CAP_
/// constants and says what becomes of a write beyond. What is dropped is told to the error callback.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_cap(
    config: *mut realm_ingest_realm_config,
    max_bytes: u64,
    max_documents: u64,
    max_age_ms: u64,
    policy: u8,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.cap = options::cap(max_bytes, max_documents, max_age_ms, policy)?;
            Ok(())
        })
    }
}

/// One more class whose documents overtake those of the others. They wait in a file of their own beside the realm's:
/// `default.urgent.realm` beside `default.realm`, with a cap as large. A transaction with documents of urgent classes and of
/// others is refused with REALM_INGEST_INVALID_ARGUMENT. Each class keeps its order.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `class_name` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_add_urgent_class(
    config: *mut realm_ingest_realm_config,
    class_name: *const c_char,
    class_name_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let name = text(class_name, class_name_length, "class_name")?;
            config.settings.urgent.push(name.to_owned());
            Ok(())
        })
    }
}

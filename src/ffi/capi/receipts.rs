//! Receipts: what became of a transaction, by its number.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::realm::realm_ingest_realm;
use super::{
    Callback, Text, enter, free, give, lend, live, output, realm_ingest_code, realm_ingest_error,
    realm_ingest_free_callback, seen, shown,
};
use crate::error::Result;
use crate::outbox::RefusedObject;
use crate::realm::{Outcome, Receipts};

/// What became of a transaction.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_outcome_free`; in a callback the library's, until that returns.
pub struct realm_ingest_outcome {
    state: u8,
    complete: bool,
    refusals: Vec<Refusal>,
}

struct Refusal {
    index: u32,
    class: Text,
    primary_key: Text,
    reason: Text,
}

impl From<Outcome> for realm_ingest_outcome {
    fn from(outcome: Outcome) -> Self {
        realm_ingest_outcome {
            state: outcome.state as u8,
            complete: outcome.refusals.complete,
            refusals: outcome.refusals.objects.into_iter().map(Refusal::from).collect(),
        }
    }
}

impl From<RefusedObject> for Refusal {
    fn from(object: RefusedObject) -> Self {
        Refusal {
            index: object.index,
            class: Text::new(object.class),
            primary_key: Text::new(object.primary_key),
            reason: Text::new(object.reason),
        }
    }
}

/// Gets what became of a transaction, once.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: borrows `outcome`.
pub type realm_ingest_settled_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, number: u64, outcome: *const realm_ingest_outcome)>;

fn receipts(realm: *const realm_ingest_realm) -> Result<Receipts> {
    live(realm, "realm")?.handle().call(|realm| Ok(realm.receipts()))
}

/// What is known of the transaction that got this number, from this program or an earlier start of it: one of the
/// REALM_INGEST_STATE_ constants. Reads the file, and asks no server. Numbers are of one file: one that was deleted or
/// discarded begins with the same ones again, and one that was put back from a backup does not know what was written after
/// that.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; `state` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_state_of(
    realm: *const realm_ingest_realm,
    number: u64,
    error: *mut *mut realm_ingest_error,
    state: *mut u8,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(state, "state")?;
            *slot = receipts(realm)?.outcome(number)?.state as u8;
            Ok(())
        })
    }
}

/// As `realm_ingest_realm_state_of`, with what was refused. Free what it gives with `realm_ingest_outcome_free`.
///
/// Threads: any. Ownership: gives `outcome`, which `realm_ingest_outcome_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `outcome` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_outcome_of(
    realm: *const realm_ingest_realm,
    number: u64,
    error: *mut *mut realm_ingest_error,
    outcome: *mut *mut realm_ingest_outcome,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(outcome, "outcome")?;
            give(slot, receipts(realm)?.outcome(number)?.into());
            Ok(())
        })
    }
}

/// Waits until the state of the transaction is final, and gives it. After `timeout_ms` milliseconds (below 0: never), or
/// when the realm is closed, it gives the state of then, with success. A session that is paused, offline or has no user who
/// is logged in does not end the wait. Refused in a callback.
///
/// Threads: any, in no callback. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; `state` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_wait_for(
    realm: *const realm_ingest_realm,
    number: u64,
    timeout_ms: i64,
    error: *mut *mut realm_ingest_error,
    state: *mut u8,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(state, "state")?;
            let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            *slot = receipts(realm)?.wait(number, timeout)?.state as u8;
            Ok(())
        })
    }
}

/// Calls back once, when the state of the transaction is final, or with the one of then when the realm is closed.
/// `free_userdata` and `token`, which may be NULL, are as of `realm_ingest_realm_on_upload`.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` and `token` are NULL or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_on_settled(
    realm: *const realm_ingest_realm,
    number: u64,
    callback: realm_ingest_settled_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
    token: *mut u64,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let callback = callback.ok_or_else(|| super::missing("callback"))?;
            let begun = receipts(realm)?.on_settled(number, move |outcome| {
                lend(realm_ingest_outcome::from(outcome), |outcome| {
                    callback.call(|function, userdata| function(userdata, number, outcome));
                });
            })?;
            if let Some(token) = token.as_mut() {
                *token = begun;
            }
            Ok(())
        })
    }
}

/// One of the REALM_INGEST_STATE_ constants; REALM_INGEST_STATE_UNKNOWN for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_outcome_state(outcome: *const realm_ingest_outcome) -> u8 {
    seen(outcome, super::code::REALM_INGEST_STATE_UNKNOWN, |outcome| {
        outcome.state
    })
}

/// Of a transaction that was refused, whether all its refused documents are here, so that all others are stored.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_outcome_is_complete(outcome: *const realm_ingest_outcome) -> bool {
    seen(outcome, false, |outcome| outcome.complete)
}

/// How many refused documents are here; 0 for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_outcome_refusal_count(outcome: *const realm_ingest_outcome) -> usize {
    seen(outcome, 0, |outcome| outcome.refusals.len())
}

/// The place of a refused document in its transaction, from 0: documents of a class stand together, in the order in which
/// they were appended, and classes in the order of their first one. 0 where `index` is not below the count.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_outcome_refusal_index(
    outcome: *const realm_ingest_outcome,
    index: usize,
) -> u32 {
    seen(outcome, 0, |outcome| {
        outcome.refusals.get(index).map_or(0, |refusal| refusal.index)
    })
}

/// The class of a refused document; NULL where `index` is not below the count. Text as of `realm_ingest_error_name`.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_outcome_refusal_class(
    outcome: *const realm_ingest_outcome,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        shown(outcome, length, |outcome| {
            Some(&outcome.refusals.get(index)?.class)
        })
    }
}

/// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_outcome_refusal_primary_key(
    outcome: *const realm_ingest_outcome,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        shown(outcome, length, |outcome| {
            Some(&outcome.refusals.get(index)?.primary_key)
        })
    }
}

/// Why a document was refused, in the server's words.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_outcome_refusal_reason(
    outcome: *const realm_ingest_outcome,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        shown(outcome, length, |outcome| {
            Some(&outcome.refusals.get(index)?.reason)
        })
    }
}

/// Frees what `realm_ingest_realm_outcome_of` gave; NULL is fine.
///
/// Threads: any. Ownership: takes `outcome`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_outcome_free(outcome: *mut realm_ingest_outcome) {
    free(outcome)
}

//! The file's format: what a file has, and how it is opened.
//!
//! Format 2. `tx` has one row per write transaction, numbered without gaps, or one for several: where
//! `first` is not null, a row stands for the transactions `first..=seq` (`packs.rs`, which has the form
//! of it). `meta.tidied` says up to which number rows were looked at for that (`tidy.rs`). `meta.guarded` says that only
//! who opens the file for an application may send what waits.
//! `objects_through` and `bytes_through` are running sums over the rows since the table was last empty:
//! the difference between the newest and the oldest row is what waits, without a counter that every
//! commit would have to write to a page of its own. `meta.high_seq` is only raised when the newest row
//! leaves (or, with relaxed durability, is about to be sent) and when damage took it; the highest number
//! given out is this one or the newest row's.
//! `loss` is the record of what was taken away (`ledger.rs`), `recovery` what is to be reported of a
//! damaged file that this one replaced (`reports.rs`). The `json` of a schema is empty if damage took it.
//! `seal` has a row where the file is encrypted (`seals.rs`): then what rows hold (`content.rs`), the schemas,
//! the owner's columns of `meta` and what is said of refused objects are sealed, and all else is as it is.
//! `epoch` says which numbers were given out with which mark (`epochs.rs`), `refused` and `refusal` what the
//! gateway did not store (`answers.rs`); what became of transactions is on record from number
//! `meta.known_from` on. The columns behind it count (`meta.rs`). `meta.origin_sum` is over the names that the file goes by and
//! what was settled under them; rows have sums of their own (`content.rs`).
//! Format 1 had none of these six tables, nor the columns of `meta` from `lineage` on, nor `tx.first`; it is
//! upgraded when it is opened.

mod connection;
mod create;
mod identity;
mod opening;
mod upgrade;
mod validate;

use std::path::Path;

use crate::outbox::Error;
pub(super) use connection::{
    format, is_busy, keep_log_on_close, leave_as_found, leave_log, open, sync_commits,
};
#[cfg(test)]
pub(super) use create::create_tables;
pub(super) use opening::{check_key, check_sqlite_version, open_damaged, open_uploader, open_writer};
pub(super) use validate::is_damage;

/// The format of this release, in `user_version`.
const FORMAT: i64 = 2;

/// The first format in which a file can be encrypted.
pub(super) const FIRST_SEALED: i64 = 2;

/// The first format that says who may send what waits.
pub(super) const FIRST_GUARDED: i64 = 2;

/// Marks the file as an outbox: "RIob" in ASCII, in `application_id`.
pub(super) const APPLICATION_ID: i64 = 0x5249_6f62;

/// Marks an outbox in which damage was found: "RIod". What can be read of it is to be carried over.
pub(super) const DAMAGED_ID: i64 = 0x5249_6f64;

/// 4 KiB is the unit of the disk and of the system's cache. A commit of one small row writes one
/// page, so a smaller page would not sync faster, and a larger one would write more for nothing;
/// large payloads span pages anyway.
pub(super) const PAGE_BYTES: i64 = 4096;

/// The log is emptied into the database when it has this many pages (800 KiB). Small commits rewrite
/// the same few pages in the log, so the checkpoint is cheap, and one in two hundred commits pays for
/// it. More pages would spare some of those, fewer would keep the log smaller, which counts where
/// little is pending.
pub(super) const WAL_PAGES: i64 = 200;

/// The log's file is kept at that size when it is emptied, as overwriting blocks takes less of a file
/// system than adding them; what a large transaction adds beyond it is cut off again.
pub(super) const WAL_BYTES: u64 = (WAL_PAGES * (PAGE_BYTES + 24)) as u64 + 32;

/// Why a file did not open.
pub(super) enum Refused {
    /// It cannot be used, now or later: it is to be moved aside.
    Damaged(String),
    /// It may be a good file; it must stay where it is.
    Error(Error),
    /// It was taken from the path while it was being opened. Whatever was met in it, the path has another one.
    Exchanged,
}

impl Refused {
    /// For a file that was just made, which nobody would move aside.
    pub(super) fn into_error(self, path: &Path) -> Error {
        match self {
            Refused::Damaged(reason) => Error::Corrupt {
                path: path.to_owned(),
                reason,
            },
            Refused::Error(error) => error,
            Refused::Exchanged => Error::Gone {
                path: path.to_owned(),
            },
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        match error {
            Error::Corrupt { reason, .. } => Refused::Damaged(reason),
            error => Refused::Error(error),
        }
    }
}

//! Takes dead letters away for good, beside a running server or without one.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::schema::{FILE, FORMAT};
use super::which;
use crate::sink::Which;
use crate::sqlite::{OpenError, open_existing};

/// A connection that takes letters away.
pub struct Purge {
    connection: Connection,
}

impl Purge {
    /// Opens the file in the directory `data`, which must be there and have the format of this version.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let connection = open_existing(&data.join(FILE), FORMAT)?;
        Ok(Self { connection })
    }

    /// Takes away those letters that there are now and are meant; `tell` is told how many are gone by now. The answer is how many
    /// that were.
    ///
    /// # Errors
    /// When the file cannot be read or written. What was taken away is gone; running it again does the rest.
    pub fn run(&mut self, which: &Which, mut tell: impl FnMut(u64)) -> rusqlite::Result<u64> {
        let until = which::newest(&self.connection)?;
        let (mut after, mut purged) = (0, 0);
        loop {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some(found) = which.next(&transaction, after, until)? else {
                return Ok(purged);
            };
            for number in &found.numbers {
                transaction
                    .prepare_cached("DELETE FROM dead_letters WHERE number = ?1")?
                    .execute([number])?;
            }
            transaction.commit()?;
            purged += found.numbers.len() as u64;
            after = found.until;
            tell(purged);
        }
    }
}

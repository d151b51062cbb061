//! Giving an outbox in which nothing waits to somebody else.

use std::path::Path;
use std::time::Duration;

use super::readings::Readings;
use super::writing::Writing;
use super::{meta, rows, schema, seals};
use crate::outbox::{Error, Key, Owner, Result, new_identity};

/// Makes the outbox this owner's, under a new name, while nobody has it open: what others write there later would be
/// taken for this owner's. False, and nothing done, if anything waits in it.
///
/// # Errors
/// [`Error::Locked`] if others have it open for as long as `wait`, also in another process.
pub(crate) fn give(path: &Path, key: Option<&Key>, owner: &Owner, wait: Duration) -> Result<bool> {
    let failed = |source| Error::sqlite(path, source);
    let Some(mut alone) = schema::open_damaged(path, wait, &Readings::default())? else {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            reason: "it is not an outbox".to_owned(),
        });
    };
    let seal = seals::unlock(&alone, path, key).map_err(|refused| refused.into_error(path))?;
    // It is sound, unlike most that are opened so.
    schema::keep_log_on_close(&alone, false).map_err(failed)?;
    let transaction = Writing::begin(&mut alone).map_err(failed)?;
    if rows::ends(&transaction).map_err(failed)?.is_some() {
        return Ok(false);
    }
    meta::set_identity(&transaction, &new_identity()).map_err(failed)?;
    meta::set_owner(&transaction, &seal, owner).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(true)
}

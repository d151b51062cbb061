//! One request to the database: how long it may take, and what its reads are worth.

use std::time::Duration;

use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria};
use mongodb::{Collection, Database};

use crate::backend::BackendError;
use crate::cluster::within;

/// How long the database may take to answer one request. A write that a majority of a sound deployment has not taken by then
/// waits for something that is broken; its sender comes again.
const ANSWER: Duration = Duration::from_secs(20);

/// Another document has this `_id`, or this value in another unique index.
pub(super) const DUPLICATE_KEY: i32 = 11_000;

/// The answer, if it comes in time.
pub(super) async fn answered<T>(
    request: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<T, BackendError> {
    within(ANSWER, request).await
}

/// The answer to an insert of one document, if it comes in time: false when its `_id` is there.
pub(super) async fn inserted<T>(
    request: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<bool, BackendError> {
    let answer = answered(async {
        match request.await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error),
        }
    });
    answer.await
}

fn is_duplicate(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE_KEY,
        ErrorKind::Command(error) => error.code == DUPLICATE_KEY,
        _ => false,
    }
}

/// A collection whose reads tell what the primary knows a majority to have, so that nothing is decided by what may be rolled
/// back.
pub(crate) fn collection<T: Send + Sync>(database: &Database, name: &str) -> Collection<T> {
    reading(database, name, ReadConcern::majority())
}

/// A collection whose reads also tell what the primary alone has.
pub(super) fn local<T: Send + Sync>(database: &Database, name: &str) -> Collection<T> {
    reading(database, name, ReadConcern::local())
}

fn reading<T: Send + Sync>(database: &Database, name: &str, concern: ReadConcern) -> Collection<T> {
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    let options = CollectionOptions::builder()
        .read_concern(concern)
        .selection_criteria(primary)
        .build();
    database.collection_with_options(name, options)
}

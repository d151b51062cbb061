//! The records of one app, and how they are asked for: as a majority of the deployment has them, and within a bounded time.

use std::future::IntoFuture;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{
    DatabaseOptions, IndexOptions, ReadConcern, ReadPreference, ReturnDocument, SelectionCriteria,
};
use mongodb::{Collection, Cursor, Database, IndexModel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::backend::BackendError;
use crate::cluster;

/// How long one request may take, an election included. Devices come again; people have given up by then.
const LIMIT: Duration = Duration::from_secs(15);

/// How often something is tried that others change at the same moment. Each time one of them has got on.
pub(super) const TRIES: usize = 100;

/// Code of the server where a unique index has the value already.
const DUPLICATE: i32 = 11_000;

/// The same where it is DocumentDB, which speaks MongoDB over PostgreSQL: an index over arrays says so in text alone, and two that
/// add to one index may have to be parted, which has a code of its own or only the text of PostgreSQL.
const EXCLUDED: &str = "violates exclusion constraint";
const DEADLOCK: i32 = 16_908_292;
const DEADLOCKED: &str = "deadlock detected";

/// The name of a record: of whose app it is comes first, so that each app's records lie together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Name {
    pub(super) app: String,
    pub(super) id: String,
}

/// The records of one app.
#[derive(Clone)]
pub(super) struct Store {
    database: Database,
    /// Internal id of the app.
    pub(super) domain: String,
    /// Client app id, empty for the one app of development mode.
    pub(super) client_app_id: String,
}

impl Store {
    pub(super) const fn new(database: Database, domain: String, client_app_id: String) -> Self {
        Self {
            database,
            domain,
            client_app_id,
        }
    }

    pub(super) fn records<T: Send + Sync>(&self, collection: &str) -> Collection<T> {
        self.database.collection(collection)
    }

    /// The name of the app's record of this id.
    pub(super) fn name(&self, id: &str) -> Name {
        Name {
            app: self.domain.clone(),
            id: id.to_owned(),
        }
    }

    /// What finds the app's record of this id. The app is named twice, as a sharded collection is asked by it.
    pub(super) fn named(&self, id: &str) -> Document {
        doc! {"_id": {"app": &self.domain, "id": id}, "app": &self.domain}
    }

    /// What finds the app's records of which this holds.
    pub(super) fn of_app(&self, mut filter: Document) -> Document {
        filter.insert("app", &self.domain);
        filter
    }

    /// The record that the filter finds.
    pub(super) async fn find<T: DeserializeOwned + Send + Sync>(
        &self,
        collection: &str,
        filter: Document,
    ) -> Result<Option<T>, BackendError> {
        within(self.records(collection).find_one(filter)).await
    }

    /// The records that the filter finds, in this order if it names one.
    pub(super) async fn all<T: DeserializeOwned + Send + Sync>(
        &self,
        collection: &str,
        filter: Document,
        sort: Document,
        limit: Option<usize>,
    ) -> Result<Vec<T>, BackendError> {
        let records = self.records::<T>(collection);
        let mut find = records.find(filter);
        if !sort.is_empty() {
            find = find.sort(sort);
        }
        if let Some(limit) = limit {
            find = find.limit(i64::try_from(limit).unwrap_or(i64::MAX));
        }
        collected(find).await
    }

    /// Of the records that the filter finds, these fields and no others.
    pub(super) async fn fields<T: DeserializeOwned + Send + Sync>(
        &self,
        collection: &str,
        filter: Document,
        fields: &[&str],
    ) -> Result<Vec<T>, BackendError> {
        let mut wanted = doc! {"_id": 0};
        wanted.extend(fields.iter().map(|field| ((*field).to_owned(), Bson::Int32(1))));
        let records = self.records::<T>(collection);
        collected(records.find(filter).projection(wanted)).await
    }

    /// Adds a record. False when another was quicker, as far as unique indexes tell.
    pub(super) async fn insert<T: Serialize + Send + Sync>(
        &self,
        collection: &str,
        record: &T,
    ) -> Result<bool, BackendError> {
        unless_overtaken(self.records::<T>(collection).insert_one(record)).await
    }

    /// Changes the record that the filter finds in one step. False when there is none.
    pub(super) async fn update(
        &self,
        collection: &str,
        filter: Document,
        change: Document,
    ) -> Result<bool, BackendError> {
        let records = &self.records::<Document>(collection);
        let update = || async { records.update_one(filter.clone(), change.clone()).await };
        Ok(until_alone(update).await?.matched_count > 0)
    }

    /// The same; the answer is the record as it is after it.
    pub(super) async fn updated<T: DeserializeOwned + Send + Sync>(
        &self,
        collection: &str,
        filter: Document,
        change: Document,
    ) -> Result<Option<T>, BackendError> {
        let records = &self.records::<T>(collection);
        until_alone(|| async {
            let update = records.find_one_and_update(filter.clone(), change.clone());
            update.return_document(ReturnDocument::After).await
        })
        .await
    }

    /// The same, unless another was quicker, as far as unique indexes tell: then the answer is none, as if nothing had been found.
    pub(super) async fn updated_unless_overtaken<T: DeserializeOwned + Send + Sync>(
        &self,
        collection: &str,
        filter: Document,
        change: Document,
    ) -> Result<Option<T>, BackendError> {
        let records = self.records::<T>(collection);
        let update = records.find_one_and_update(filter, change);
        let update = update.return_document(ReturnDocument::After);
        within(async {
            match update.await {
                Err(error) if is_overtaken(&error) => Ok(None),
                answer => answer,
            }
        })
        .await
    }

    /// Removes every record that the filter finds. The answer is how many there were.
    pub(super) async fn delete(&self, collection: &str, filter: Document) -> Result<u64, BackendError> {
        let records = self.records::<Document>(collection);
        Ok(within(records.delete_many(filter)).await?.deleted_count)
    }
}

/// The database with what every decision needs: what a majority has, as the primary tells it. Writes are answered as its own
/// write concern asks for.
pub(super) fn decisive(database: &Database) -> Database {
    let options = DatabaseOptions::builder()
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .write_concern(database.write_concern().cloned())
        .build();
    database.client().database_with_options(database.name(), options)
}

/// Every record of an answer, each part of which comes within the time.
async fn collected<T: DeserializeOwned + Send + Sync>(
    find: impl IntoFuture<Output = Result<Cursor<T>, Error>>,
) -> Result<Vec<T>, BackendError> {
    let mut cursor = within(find).await?;
    let mut all = Vec::new();
    while within(cursor.advance()).await? {
        all.push(cursor.deserialize_current()?);
    }
    Ok(all)
}

/// The answer of the database, unless it takes too long.
pub(super) async fn within<T>(
    request: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<T, BackendError> {
    cluster::within(LIMIT, request).await
}

/// The same of a change that is tried anew where the database has parted it from another: nothing of it was done then.
async fn until_alone<T, R>(mut request: impl FnMut() -> R) -> Result<T, BackendError>
where
    R: Future<Output = Result<T, Error>>,
{
    for _ in 0..TRIES {
        let answer = within(async {
            match request().await {
                Err(error) if is_parted(&error) => Ok(None),
                answer => answer.map(Some),
            }
        });
        if let Some(answer) = answer.await? {
            return Ok(answer);
        }
        pause().await;
    }
    Err(contended("records"))
}

/// Whether it was done; not when another was quicker, as far as unique indexes tell.
pub(super) async fn unless_overtaken<T>(
    request: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<bool, BackendError> {
    let request = request.into_future();
    within(async {
        match request.await {
            Ok(_) => Ok(true),
            Err(error) if is_overtaken(&error) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Whether a unique index has the value already, or gets it at this moment.
fn is_overtaken(error: &Error) -> bool {
    is_parted(error) || said(error).is_some_and(|(code, text)| code == DUPLICATE || text.contains(EXCLUDED))
}

/// Whether the database let another go on where two waited for each other.
fn is_parted(error: &Error) -> bool {
    said(error).is_some_and(|(code, text)| code == DEADLOCK || text.contains(DEADLOCKED))
}

/// The code and the text of a request that the server refused.
fn said(error: &Error) -> Option<(i32, &str)> {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some((error.code, &error.message)),
        ErrorKind::Command(error) => Some((error.code, &error.message)),
        _ => None,
    }
}

/// Others change the same record all the time.
pub(super) fn contended(what: &str) -> BackendError {
    BackendError::Unavailable(format!("MongoDB: others change {what} at the same moment"))
}

/// The moment at which the database may remove a record that ends then, in milliseconds since 1970.
pub(super) fn date(millis: i64) -> Bson {
    DateTime::from_millis(millis).into()
}

/// An index; one with `unique` takes each value once.
pub(super) fn index(keys: Document, unique: bool) -> IndexModel {
    let options = IndexOptions::builder().unique(unique.then_some(true)).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The index by which records go at the time that they name.
pub(super) fn expiry() -> IndexModel {
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
    IndexModel::builder()
        .keys(doc! {"remove_at": 1})
        .options(options)
        .build()
}

/// Lets who was first get on.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

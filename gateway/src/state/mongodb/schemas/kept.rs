//! Which schemas are kept: there is room for so many.

use bson::{Document, doc};
use realm_ingest_protocol::Schema;
use serde::Deserialize;

use super::{record, version};
use crate::backend::BackendError;
use crate::clock;
use crate::state::mongodb::app::App;
use crate::state::mongodb::standing::{Record, Standing, accepted_of_classes, renew};
use crate::state::mongodb::store::{Store, TRIES, contended, pause, within};
use crate::state::mongodb::{APPS, SCHEMAS};
use crate::state::schemas::Limits;

/// Keeps a schema behind the others; where only a part of it is `compared`, the rest is kept alone. False, and nothing is kept, when
/// there are too many. The limits hold however many ask at once.
pub(in crate::state::mongodb) async fn add(
    store: &Store,
    schema: &Schema,
    compared: Option<&Schema>,
    user: &str,
    limits: Limits,
) -> Result<bool, BackendError> {
    let (fingerprint, json) = (schema.fingerprint(), schema.to_json());
    let compared_json = compared.map(Schema::to_json);
    let compared = compared.unwrap_or(schema);
    let size = json.len() + compared_json.as_ref().map_or(0, String::len);
    for _ in 0..TRIES {
        let app = store.app().await?;
        // Before the others are made to be of this version: none that comes later can be between them and this one.
        let highest = highest(store).await?.max(app.schemas_floor);
        renew(store, &app).await?;
        if record(store, &fingerprint).await?.is_some() {
            return Ok(true);
        }
        let schemas = store.records::<Document>(SCHEMAS);
        let of_user = within(schemas.count_documents(store.of_app(doc! {"user": user}))).await?;
        if i64::try_from(of_user).unwrap_or(i64::MAX) >= limits.of_user {
            return Ok(false);
        }
        let before = accepted_of_classes(store, &app, compared, None).await?;
        let standing = Standing::of(compared, size, &before, app.schemas_version, &[]);
        let standing = match standing? {
            Some(standing) => standing,
            None => return Ok(false),
        };
        let (count, held) = count(store).await?;
        if count >= limits.in_all || held.saturating_add(standing.bytes) > limits.bytes {
            if make_room(store, &app, highest).await? {
                continue;
            }
            return Ok(false);
        }
        let record = Record {
            name: store.name(&fingerprint),
            app: store.domain.clone(),
            fingerprint: fingerprint.clone(),
            number: highest + 1,
            json: json.clone(),
            compared: compared_json.clone(),
            user: user.to_owned(),
            used: false,
            created: clock::unix_millis(),
            standing,
        };
        if store.insert(SCHEMAS, &record).await? {
            if version(store).await? != app.schemas_version {
                // Others may have been forgotten meanwhile whose number this one has got, and some come behind them.
                raise(store).await?;
            }
            return Ok(true);
        }
        pause().await;
    }
    Err(contended("the schemas"))
}

/// The highest number that a schema has.
async fn highest(store: &Store) -> Result<i64, BackendError> {
    let last = doc! {"number": -1};
    let records = store.all::<Record>(SCHEMAS, store.of_app(doc! {}), last, Some(1));
    Ok(records.await?.first().map_or(0, |record| record.number))
}

/// How many schemas there are, and their bytes.
async fn count(store: &Store) -> Result<(i64, i64), BackendError> {
    #[derive(Deserialize)]
    struct Sum {
        count: i64,
        bytes: i64,
    }
    let schemas = store.records::<Document>(SCHEMAS);
    let all = doc! {"_id": null, "count": {"$sum": 1_i64}, "bytes": {"$sum": "$bytes"}};
    let summed = schemas.aggregate([doc! {"$match": store.of_app(doc! {})}, doc! {"$group": all}]);
    let mut cursor = within(summed.with_type::<Sum>()).await?;
    if within(cursor.advance()).await? {
        let sum = cursor.deserialize_current()?;
        return Ok((sum.count, sum.bytes));
    }
    Ok((0, 0))
}

/// Forgets the older half of the schemas that nothing depends on, unless something was decided meanwhile. False when there is none.
/// When several find no room at once, it may be more than the half.
async fn make_room(store: &Store, app: &App, highest: i64) -> Result<bool, BackendError> {
    let mut unused = unused(store, app).await?;
    unused.truncate(unused.len().div_ceil(2));
    if unused.is_empty() {
        return Ok(false);
    }
    remove_unused(store, app, &unused, highest).await?;
    Ok(true)
}

/// The fingerprints of schemas under which nobody has written and of which nothing was chosen, the oldest first.
async fn unused(store: &Store, app: &App) -> Result<Vec<String>, BackendError> {
    #[derive(Deserialize)]
    struct Unused {
        fingerprint: String,
    }
    let chosen: Vec<&str> = app.choices.iter().map(|one| one.fingerprint.as_str()).collect();
    let filter = doc! {"used": false, "fingerprint": {"$nin": chosen}};
    let unused = store.all::<Unused>(SCHEMAS, store.of_app(filter), doc! {"number": 1}, None);
    Ok(unused.await?.into_iter().map(|one| one.fingerprint).collect())
}

/// Forgets schemas and what was chosen of them. The version is raised before, so that of a removal that was cut off nothing is left
/// but what is asked for again, and after it, as somebody may have found anew meanwhile what is accepted.
async fn remove(store: &Store, fingerprints: &[String], highest: i64) -> Result<u64, BackendError> {
    let first = doc! {
        "$inc": {"schemas_version": 1_i64},
        "$max": {"schemas_floor": highest},
        "$pull": {"choices": {"fingerprint": {"$in": fingerprints}}},
    };
    store.update(APPS, store.own(), first).await?;
    let filter = store.of_app(doc! {"fingerprint": {"$in": fingerprints}});
    let removed = store.delete(SCHEMAS, filter).await?;
    raise(store).await?;
    Ok(removed)
}

/// The same for schemas that nothing depended on as the app was read. False, and nothing is forgotten, when something was decided since.
async fn remove_unused(
    store: &Store,
    app: &App,
    fingerprints: &[String],
    highest: i64,
) -> Result<bool, BackendError> {
    let mut as_read = store.own();
    as_read.insert("schemas_version", app.schemas_version);
    let first = doc! {"$inc": {"schemas_version": 1_i64}, "$max": {"schemas_floor": highest}};
    if !store.update(APPS, as_read, first).await? {
        return Ok(false);
    }
    let filter = doc! {"fingerprint": {"$in": fingerprints}, "used": false};
    store.delete(SCHEMAS, store.of_app(filter)).await?;
    raise(store).await?;
    Ok(true)
}

/// Has what became of schemas found anew.
async fn raise(store: &Store) -> Result<(), BackendError> {
    let raised = doc! {"$inc": {"schemas_version": 1_i64}};
    store.update(APPS, store.own(), raised).await?;
    Ok(())
}

/// Notes that somebody writes under a schema, so that it is kept. False when there is none.
pub(in crate::state::mongodb) async fn note_use(
    store: &Store,
    fingerprint: &str,
) -> Result<bool, BackendError> {
    let change = doc! {"$set": {"used": true}};
    store.update(SCHEMAS, store.named(fingerprint), change).await
}

/// Forgets a schema and what was chosen of it.
pub(in crate::state::mongodb) async fn forget(
    store: &Store,
    fingerprint: &str,
) -> Result<bool, BackendError> {
    if record(store, fingerprint).await?.is_none() {
        return Ok(false);
    }
    let highest = highest(store).await?;
    let removed = remove(store, &[fingerprint.to_owned()], highest).await?;
    renew(store, &store.app().await?).await?;
    Ok(removed > 0)
}

/// Forgets every schema that nothing depends on. The answer is their fingerprints.
pub(in crate::state::mongodb) async fn forget_unused(store: &Store) -> Result<Vec<String>, BackendError> {
    for _ in 0..TRIES {
        let app = store.app().await?;
        let unused = unused(store, &app).await?;
        let highest = highest(store).await?;
        if unused.is_empty() || remove_unused(store, &app, &unused, highest).await? {
            renew(store, &store.app().await?).await?;
            return Ok(unused);
        }
        pause().await;
    }
    Err(contended("what is accepted"))
}

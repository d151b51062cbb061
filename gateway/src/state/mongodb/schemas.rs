//! Schemas, each one record: what was sent, and what became of it.
//!
//! Schemas count in the order of their numbers. The next number is one more than the highest, and a number is taken once, so one
//! that comes late is behind all others, and what was counted before it holds when it is added.
//!
//! A decision of the operator is one change of the app's record, and raises the version; see `standing.rs` for what follows of it.

use std::collections::BTreeMap;

use bson::{Document, doc, serialize_to_bson};
use realm_ingest_protocol::Schema;
use serde::Deserialize;

use super::app::{App, Choice};
use super::standing::{
    Record, Standing, accepted_definition, accepted_of_classes, chosen, parse_class, renew,
};
use super::store::{Store, TRIES, contended, pause, within};
use super::{APPS, SCHEMAS};
use crate::backend::BackendError;
use crate::clock;
use crate::state::KnownSchema;
use crate::state::acceptance::Reaching;
use crate::state::operator::{Conflict, ListedSchema, chosen_classes, no_schema};
use crate::state::schemas::Limits;

pub(super) async fn version(store: &Store) -> Result<i64, BackendError> {
    #[derive(Deserialize)]
    struct Version {
        schemas_version: i64,
    }
    let apps = store.records::<Version>(APPS);
    let find = apps.find_one(store.own());
    let found = within(find.projection(doc! {"schemas_version": 1})).await?;
    match found {
        Some(found) => Ok(found.schemas_version),
        None => Ok(store.app().await?.schemas_version),
    }
}

async fn record(store: &Store, fingerprint: &str) -> Result<Option<Record>, BackendError> {
    store.find(SCHEMAS, store.named(fingerprint)).await
}

/// The schema of this fingerprint and the version it was read under.
pub(super) async fn find(
    store: &Store,
    fingerprint: &str,
) -> Result<Option<(i64, KnownSchema)>, BackendError> {
    for _ in 0..TRIES {
        let app = store.app().await?;
        let Some(record) = record(store, fingerprint).await? else {
            return Ok(None);
        };
        let version = record.standing.version;
        if version >= app.schemas_version {
            return Ok(Some((version, record.known()?)));
        }
        renew(store, &app).await?;
    }
    Err(contended("what is accepted"))
}

/// The schema of this fingerprint as it was sent.
pub(super) async fn sent(store: &Store, fingerprint: &str) -> Result<Option<Schema>, BackendError> {
    let record = record(store, fingerprint).await?;
    record.map(|record| record.schema()).transpose()
}

/// Keeps a schema behind the others; where only a part of it is `compared`, the rest is kept alone. False, and nothing is kept, when
/// there are too many. The limits hold however many ask at once.
pub(super) async fn add(
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
pub(super) async fn note_use(store: &Store, fingerprint: &str) -> Result<bool, BackendError> {
    let change = doc! {"$set": {"used": true}};
    store.update(SCHEMAS, store.named(fingerprint), change).await
}

/// Forgets a schema and what was chosen of it.
pub(super) async fn forget(store: &Store, fingerprint: &str) -> Result<bool, BackendError> {
    if record(store, fingerprint).await?.is_none() {
        return Ok(false);
    }
    let highest = highest(store).await?;
    let removed = remove(store, &[fingerprint.to_owned()], highest).await?;
    renew(store, &store.app().await?).await?;
    Ok(removed > 0)
}

/// Forgets every schema that nothing depends on. The answer is their fingerprints.
pub(super) async fn forget_unused(store: &Store) -> Result<Vec<String>, BackendError> {
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

/// Makes the schema's definition of the class, and of the embedded classes in it, the accepted one; of all its classes in conflict
/// when none is named. The answer is the classes that were chosen, or what is wrong with the request.
pub(super) async fn choose(
    store: &Store,
    fingerprint: &str,
    class: Option<&str>,
) -> Result<Result<Vec<String>, String>, BackendError> {
    for _ in 0..TRIES {
        let app = store.app().await?;
        renew(store, &app).await?;
        let Some(record) = record(store, fingerprint).await? else {
            return Ok(Err(no_schema(fingerprint)));
        };
        let (sent, compared) = (record.schema()?, record.compared()?);
        let accepted = accepted_of_classes(store, &app, &compared, None).await?;
        let chosen = match chosen_classes(&sent, &compared, &accepted, class) {
            Ok(chosen) => chosen,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut choices = app.choices;
        choices.retain(|choice| !chosen.contains(&choice.class));
        choices.extend(chosen.iter().map(|class| Choice {
            class: class.clone(),
            fingerprint: fingerprint.to_owned(),
            time: clock::unix_millis(),
        }));
        let choices = serialize_to_bson(&choices).map_err(mongodb::error::Error::from)?;
        let mut as_read = store.own();
        as_read.insert("schemas_version", app.schemas_version);
        let change = doc! {"$set": {"choices": choices}, "$inc": {"schemas_version": 1_i64}};
        if store.update(APPS, as_read, change).await? {
            renew(store, &store.app().await?).await?;
            return Ok(Ok(chosen));
        }
        pause().await;
    }
    Err(contended("what is accepted"))
}

/// The accepted definition of every class.
pub(super) async fn accepted(store: &Store) -> Result<Schema, BackendError> {
    let app = store.app().await?;
    renew(store, &app).await?;
    let mut accepted = BTreeMap::new();
    for choice in &app.choices {
        if let Some(class) = chosen(store, &app, &choice.class).await? {
            accepted.insert(class.name.clone(), class);
        }
    }
    for record in in_order(store).await? {
        for json in &record.standing.accepted {
            let class = parse_class(json)?;
            accepted.insert(class.name.clone(), class);
        }
    }
    Ok(Schema {
        classes: accepted.into_values().collect(),
    })
}

/// The accepted definition of a class and of the embedded classes in it.
pub(super) async fn accepted_class(store: &Store, class: String) -> Result<Option<Schema>, BackendError> {
    let app = store.app().await?;
    renew(store, &app).await?;
    let mut reaching = Reaching::from(class);
    while let Some(name) = reaching.next() {
        if let Some(class) = accepted_definition(store, &app, &name, None).await? {
            reaching.found(class);
        }
    }
    Ok(reaching.schema())
}

/// Every schema with what is known of it.
pub(super) async fn load(store: &Store) -> Result<BTreeMap<String, KnownSchema>, BackendError> {
    renew(store, &store.app().await?).await?;
    let records = in_order(store).await?.into_iter();
    let known = records.map(|record| Ok((record.fingerprint.clone(), record.known()?)));
    known.collect()
}

/// Every schema for the operator, in the order they came.
pub(super) async fn list(store: &Store) -> Result<Vec<ListedSchema>, BackendError> {
    let app = store.app().await?;
    renew(store, &app).await?;
    let mut listed = Vec::new();
    for record in in_order(store).await? {
        let classes = record.schema()?.classes.into_iter();
        let choices = app.choices.iter();
        let chosen = choices.filter(|choice| choice.fingerprint == record.fingerprint);
        let mut chosen: Vec<_> = chosen.map(|choice| choice.class.clone()).collect();
        chosen.sort_unstable();
        let conflicts = record.standing.conflicts.into_iter();
        listed.push(ListedSchema {
            classes: classes.map(|class| class.name).collect(),
            chosen,
            conflicts: conflicts
                .map(|one| Conflict {
                    class: one.class,
                    since: one.since,
                    reason: one.reason,
                })
                .collect(),
            fingerprint: record.fingerprint,
            created: record.created,
            user: Some(record.user),
        });
    }
    Ok(listed)
}

async fn in_order(store: &Store) -> Result<Vec<Record>, BackendError> {
    let order = doc! {"number": 1};
    store.all(SCHEMAS, store.of_app(doc! {}), order, None).await
}

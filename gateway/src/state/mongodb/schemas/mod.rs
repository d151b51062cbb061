//! Schemas, each one record: what was sent, and what became of it.
//!
//! Schemas count in the order of their numbers. The next number is one more than the highest, and a number is taken once, so one
//! that comes late is behind all others, and what was counted before it holds when it is added.
//!
//! A decision of the operator is one change of the app's record, and raises the version; see `standing.rs` for what follows of it.

mod kept;
mod operator;

pub(super) use kept::{add, forget, forget_unused, note_use};
pub(super) use operator::{choose, list};

use std::collections::BTreeMap;

use bson::doc;
use realm_ingest_protocol::Schema;
use serde::Deserialize;

use super::standing::{Record, accepted_definition, chosen, parse_class, renew};
use super::store::{Store, TRIES, contended, within};
use super::{APPS, SCHEMAS};
use crate::backend::BackendError;
use crate::state::KnownSchema;
use crate::state::acceptance::Reaching;

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

async fn in_order(store: &Store) -> Result<Vec<Record>, BackendError> {
    let order = doc! {"number": 1};
    store.all(SCHEMAS, store.of_app(doc! {}), order, None).await
}

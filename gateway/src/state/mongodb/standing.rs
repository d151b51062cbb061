//! What became of a schema when it came behind those that are there.
//!
//! The record of a schema says which of its classes are in conflict and what it has added to the accepted definitions: each class
//! of which it has changed the definition, as it is from then on. So what is accepted of a class is in the last record that has
//! changed it, or else what the operator has chosen.
//!
//! All that is of one version. Records of a former one are found anew by whoever meets them, in their order, with the same result
//! whoever does it.

use std::collections::BTreeMap;

use bson::{doc, serialize_to_document};
use realm_ingest_protocol::{Class, Schema};
use serde::{Deserialize, Serialize};

use super::SCHEMAS;
use super::app::App;
use super::copying::CopiedSchema;
use super::store::{Name, Store};
use crate::backend::BackendError;
use crate::clock;
use crate::state::KnownSchema;
use crate::state::acceptance;

/// Bytes of one record at most, well below the 16 MiB that MongoDB takes.
const MAX_RECORD: usize = 12 * 1024 * 1024;

/// A version before the first, which is 0.
const UNKNOWN: i64 = -1;

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "_id")]
    pub(super) name: Name,
    pub(super) app: String,
    pub(super) fingerprint: String,
    pub(super) number: i64,
    /// As it was sent.
    pub(super) json: String,
    /// What of it is compared with others, where that is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compared: Option<String>,
    /// Who sent it first.
    pub(super) user: String,
    /// Whether somebody has written under it.
    pub(super) used: bool,
    pub(super) created: i64,
    #[serde(flatten)]
    pub(super) standing: Standing,
}

/// What became of a schema under one version.
#[derive(Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) version: i64,
    /// The classes of which it has changed the accepted definition.
    pub(super) extends: Vec<String>,
    /// These definitions as JSON, in the same order.
    pub(super) accepted: Vec<String>,
    pub(super) conflicts: Vec<KnownConflict>,
    /// Of the record.
    pub(super) bytes: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KnownConflict {
    pub(super) class: String,
    pub(super) since: i64,
    pub(super) reason: String,
}

impl Record {
    pub(super) fn schema(&self) -> Result<Schema, BackendError> {
        parse(&self.json)
    }

    /// What of it is compared with others.
    pub(super) fn compared(&self) -> Result<Schema, BackendError> {
        parse(self.compared.as_ref().unwrap_or(&self.json))
    }

    /// Bytes of what was sent.
    fn size(&self) -> usize {
        self.json.len() + self.compared.as_ref().map_or(0, String::len)
    }

    pub(super) fn known(self) -> Result<KnownSchema, BackendError> {
        let conflicts = self.standing.conflicts.iter();
        Ok(KnownSchema {
            schema: self.schema()?,
            compared: self.compared.as_deref().map(parse).transpose()?,
            conflicts: conflicts
                .map(|one| (one.class.clone(), one.reason.clone()))
                .collect(),
            used: self.used,
        })
    }
}

/// The record of a schema that comes from another state. What became of it is found anew, as its version is none that there is.
pub(super) fn copied(store: &Store, schema: CopiedSchema) -> Result<bson::Document, BackendError> {
    let conflicts = schema.conflicts.into_iter();
    let mut record = Record {
        name: store.name(&schema.fingerprint),
        app: store.domain.clone(),
        fingerprint: schema.fingerprint,
        number: schema.number,
        json: schema.json,
        compared: schema.compared,
        user: schema.user,
        used: schema.used,
        created: schema.created,
        standing: Standing {
            version: UNKNOWN,
            extends: Vec::new(),
            accepted: Vec::new(),
            conflicts: conflicts
                .map(|(class, since, reason)| KnownConflict { class, since, reason })
                .collect(),
            bytes: 0,
        },
    };
    record.standing.bytes = i64::try_from(record.size()).unwrap_or(i64::MAX);
    Ok(serialize_to_document(&record).map_err(mongodb::error::Error::from)?)
}

/// The fields of a record that say what became of the schema.
pub(super) const STANDING: [&str; 5] = ["version", "extends", "accepted", "conflicts", "bytes"];

fn parse(json: &str) -> Result<Schema, BackendError> {
    Schema::parse(json)
        .map_err(|error| BackendError::Damaged(format!("a stored schema cannot be read: {error}")))
}

/// Finds anew what records of a former version say, from the first on: each rests on those before it.
pub(super) async fn renew(store: &Store, app: &App) -> Result<(), BackendError> {
    let version = app.schemas_version;
    loop {
        let former = store.of_app(doc! {"version": {"$lt": version}});
        let first = store.all::<Record>(SCHEMAS, former, doc! {"number": 1}, Some(1));
        let Some(record) = first.await?.into_iter().next() else {
            return Ok(());
        };
        let schema = record.compared()?;
        let before = accepted_of_classes(store, app, &schema, Some(record.number)).await?;
        let former = &record.standing.conflicts;
        let bytes = record.size();
        let standing = match Standing::of(&schema, bytes, &before, version, former)? {
            Some(standing) => standing,
            None => Standing::refused(&schema, bytes, version, former),
        };
        let mut as_read = store.named(&record.fingerprint);
        as_read.insert("number", record.number);
        as_read.insert("version", record.standing.version);
        let standing = serialize_to_document(&standing).map_err(mongodb::error::Error::from)?;
        store.update(SCHEMAS, as_read, doc! {"$set": standing}).await?;
    }
}

impl Standing {
    /// What becomes of a schema of so many bytes that comes when this is accepted. Classes that were in conflict are so since then.
    /// None when what it adds is too large for one record.
    pub(super) fn of(
        schema: &Schema,
        bytes: usize,
        before: &Schema,
        version: i64,
        former: &[KnownConflict],
    ) -> Result<Option<Self>, BackendError> {
        let conflicts = acceptance::conflicts(before, schema);
        let after = acceptance::extended(before, schema, &conflicts);
        let mut standing = Self::in_conflict(conflicts, version, former);
        let mut size = bytes;
        for class in after.classes {
            if before.class(&class.name) == Some(&class) {
                continue;
            }
            let json = serde_json::to_string(&class)
                .map_err(|error| BackendError::Damaged(format!("a class cannot be written: {error}")))?;
            size += json.len();
            standing.extends.push(class.name);
            standing.accepted.push(json);
        }
        standing.bytes = i64::try_from(size).unwrap_or(i64::MAX);
        Ok((size <= MAX_RECORD).then_some(standing))
    }

    /// That of a schema which was small enough when it came and is not, after a decision.
    fn refused(schema: &Schema, bytes: usize, version: i64, former: &[KnownConflict]) -> Self {
        let reason = |class: &Class| {
            let name = &class.name;
            (
                name.clone(),
                format!("class '{name}' adds too much to what is accepted"),
            )
        };
        let mut standing = Self::in_conflict(schema.classes.iter().map(reason).collect(), version, former);
        standing.bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        standing
    }

    fn in_conflict(conflicts: BTreeMap<String, String>, version: i64, former: &[KnownConflict]) -> Self {
        let since = |class: &str| {
            let known = former.iter().find(|one| one.class == class);
            known.map_or_else(clock::unix_millis, |one| one.since)
        };
        let conflicts = conflicts.into_iter().map(|(class, reason)| KnownConflict {
            since: since(&class),
            class,
            reason,
        });
        Self {
            version,
            extends: Vec::new(),
            accepted: Vec::new(),
            conflicts: conflicts.collect(),
            bytes: 0,
        }
    }
}

/// What is accepted of those classes that the schema has, before the schema of this number comes.
pub(super) async fn accepted_of_classes(
    store: &Store,
    app: &App,
    schema: &Schema,
    before: Option<i64>,
) -> Result<Schema, BackendError> {
    let mut accepted = Schema::default();
    for class in &schema.classes {
        let definition = accepted_definition(store, app, &class.name, before).await?;
        accepted.classes.extend(definition);
    }
    Ok(accepted)
}

/// The same of one class.
pub(super) async fn accepted_definition(
    store: &Store,
    app: &App,
    class: &str,
    before: Option<i64>,
) -> Result<Option<Class>, BackendError> {
    let mut filter = doc! {"extends": class};
    if let Some(number) = before {
        filter.insert("number", doc! {"$lt": number});
    }
    let last = store.all::<Record>(SCHEMAS, store.of_app(filter), doc! {"number": -1}, Some(1));
    match last.await?.first() {
        Some(record) => record.standing.definition(class),
        None => chosen(store, app, class).await,
    }
}

impl Standing {
    fn definition(&self, class: &str) -> Result<Option<Class>, BackendError> {
        let mut extends = self.extends.iter().zip(&self.accepted);
        let found = extends.find(|(name, _)| *name == class);
        found.map(|(_, json)| parse_class(json)).transpose()
    }
}

pub(super) fn parse_class(json: &str) -> Result<Class, BackendError> {
    serde_json::from_str(json)
        .map_err(|error| BackendError::Damaged(format!("a stored class cannot be read: {error}")))
}

/// The definition of a class that the operator has chosen.
pub(super) async fn chosen(store: &Store, app: &App, class: &str) -> Result<Option<Class>, BackendError> {
    let Some(choice) = app.choices.iter().find(|choice| choice.class == class) else {
        return Ok(None);
    };
    let name = store.named(&choice.fingerprint);
    let Some(record) = store.find::<Record>(SCHEMAS, name).await? else {
        return Ok(None);
    };
    Ok(record.compared()?.class(class).cloned())
}

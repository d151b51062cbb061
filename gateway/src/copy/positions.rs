//! How far each outbox is, and what its device said of itself: the last that is copied, and what tells whether the app has been served
//! since.

use bson::{Document, doc};
use mongodb::Database;
use rusqlite::Row;
use tokio::runtime::Runtime;

use super::CopyError;
use super::progress::stage;
use super::records::{Records, answered};
use super::source::Source;
use crate::ingest::order::Known;
use crate::sink::OutboxKey;
use crate::sink::mongodb::copying::{CopiedOutbox, OUTBOXES, outbox};
use crate::state::copying::Copied;

/// Positions are kept by user; of those that release 0.1.0 wrote it is not known whose they are.
const ALL: &str = "SELECT * FROM outboxes WHERE user <> '' ORDER BY outbox, user, app";
const OF_NOBODY: &str = "SELECT count(*) FROM outboxes WHERE user = ''";

pub(super) fn copy(source: &Source, app: &str, records: &mut Records<'_>) -> Result<(), CopyError> {
    stage("copying positions");
    let mut all = source.documents.prepare(ALL)?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let record = outbox(&key(row, app)?, &known(row)?);
        records.push(Copied::of(OUTBOXES, record))?;
    }
    let of_nobody: u64 = source
        .documents
        .query_one(OF_NOBODY, [], |row| row.get::<_, u32>(0))?
        .into();
    if of_nobody > 0 {
        stage(&format!(
            "positions of {of_nobody} outboxes are left out: they have not sent since release 0.1.0, which did not say whose they are; \
             they go on from what was acknowledged to them"
        ));
    }
    records.flush()
}

fn key(row: &Row<'_>, app: &str) -> rusqlite::Result<OutboxKey> {
    Ok(OutboxKey {
        app: app.to_owned(),
        user: row.get("user")?,
        outbox: row.get("outbox")?,
    })
}

fn known(row: &Row<'_>) -> rusqlite::Result<CopiedOutbox> {
    let device: Option<String> = row.get("device")?;
    Ok(CopiedOutbox {
        known: Known {
            position: row.get("position")?,
            lineage: row.get("lineage")?,
            first: row.get("first")?,
            digest: row.get("digest")?,
        },
        heard: row.get("heard")?,
        schema: row.get("schema")?,
        // It was a report when it was written.
        device: device.and_then(|device| serde_json::from_str(&device).ok()),
        setbacks: row.get("setbacks")?,
        set_back: row.get("set_back")?,
    })
}

/// Whether an app that was copied before is as it was on both sides.
///
/// # Errors
/// When it is not.
pub(super) fn compare(
    source: &Source,
    database: &Database,
    runtime: &Runtime,
    client_app_id: &str,
) -> Result<(), CopyError> {
    let app = source.domain()?;
    let outboxes = database.collection::<Document>(OUTBOXES);
    let mut there = runtime.block_on(answered(outboxes.find(doc! {"_id.app": &app})))?;
    let (mut ahead, mut behind, mut same) = (0_u64, 0_u64, 0_u64);
    let mut find = source
        .documents
        .prepare("SELECT position FROM outboxes WHERE outbox = ?1 AND user = ?2")?;
    while runtime.block_on(answered(there.advance()))? {
        let record = there.deserialize_current()?;
        let name = record.get_document("_id").cloned().unwrap_or_default();
        let name = |field| name.get_str(field).unwrap_or_default().to_owned();
        let mut rows = find.query([name("outbox"), name("user")])?;
        let position = record.get_i64("position").unwrap_or_default();
        match rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()? {
            Some(here) if here == position => same += 1,
            Some(here) if here > position => behind += 1,
            _ => ahead += 1,
        }
    }
    let all = "SELECT count(*) FROM outboxes WHERE user <> ''";
    let all: u64 = source
        .documents
        .query_one(all, [], |row| row.get::<_, u32>(0))?
        .into();
    let app = match client_app_id {
        "" => "the app of development mode".to_owned(),
        id => format!("app '{id}'"),
    };
    let name = database.name();
    if ahead > 0 {
        return Err(CopyError::Refused(format!(
            "{app} has been served from database '{name}' since it was copied: {ahead} outboxes are further there than in the directory; \
             nothing was changed, go on with the database"
        )));
    }
    if behind > 0 || same < all {
        return Err(CopyError::Refused(format!(
            "{app} is in database '{name}' already, and the directory has been served since it was copied: {} outboxes are further here; \
             nothing was changed, copy into another database",
            all.saturating_sub(same)
        )));
    }
    Ok(())
}

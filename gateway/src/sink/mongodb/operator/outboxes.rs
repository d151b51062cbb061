//! How far outboxes are, and what their devices say.

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use mongodb::{Collection, Database};

use super::super::positions;
use super::super::request::{answered, collection};
use super::walk::{Range, Walk, damaged, id_of};
use crate::backend::BackendError;
use crate::sink::{OutboxKey, OutboxStats, SchemaUse, Stats};

/// Outboxes that are read at once.
const PAGE: i64 = 1_000;

/// See the module.
pub(super) struct Outboxes {
    outboxes: Collection<Document>,
    app: String,
}

impl Outboxes {
    pub(super) fn new(database: &Database, app: &str) -> Self {
        Self {
            outboxes: collection(database, "outboxes"),
            app: app.to_owned(),
        }
    }

    fn all(&self) -> Range {
        Range::under(doc! {"app": &self.app})
    }

    /// The next outboxes by user and name.
    pub(super) async fn page(&self, after: Option<&OutboxKey>) -> Result<Vec<OutboxStats>, BackendError> {
        let mut range = self.all();
        if let Some(after) = after {
            range.behind(positions::id(after));
        }
        let find = self.outboxes.find(range.filter(&doc! {}));
        let mut cursor = answered(find.sort(doc! {"_id": 1}).limit(PAGE)).await?;
        let mut page = Vec::new();
        while answered(cursor.advance()).await? {
            let record = Document::try_from(cursor.current()).map_err(|error| damaged("an outbox", error))?;
            page.push(read(&record)?);
        }
        Ok(page)
    }

    /// Who writes under each schema.
    pub(super) async fn schema_uses(&self) -> Result<HashMap<String, SchemaUse>, BackendError> {
        let mut uses: HashMap<String, SchemaUse> = HashMap::new();
        let sums = doc! {"_id": "$schema", "outboxes": {"$sum": 1_i64}, "heard": {"$max": "$heard"}};
        let mut walk = Walk::new(&self.outboxes, self.all());
        while let Some(range) = walk.next().await? {
            for group in grouped(&self.outboxes, range.filter(&doc! {}), &sums).await? {
                if let Ok(schema) = group.get_str("_id") {
                    let one = uses.entry(schema.to_owned()).or_default();
                    one.outboxes += number(&group, "outboxes");
                    one.heard = one.heard.max(time(&group, "heard"));
                }
            }
        }
        Ok(uses)
    }

    /// How many there are, and what happened to them.
    pub(super) async fn stats(&self) -> Result<Stats, BackendError> {
        let mut stats = Stats::default();
        let was = doc! {"$cond": [{"$gt": ["$setbacks", 0]}, 1_i64, 0_i64]};
        let sums = doc! {
            "_id": Bson::Null, "outboxes": {"$sum": 1_i64}, "setbacks": {"$sum": "$setbacks"},
            "set_back_outboxes": {"$sum": was}, "last": {"$max": "$set_back"},
        };
        let mut walk = Walk::new(&self.outboxes, self.all());
        while let Some(range) = walk.next().await? {
            for group in grouped(&self.outboxes, range.filter(&doc! {}), &sums).await? {
                stats.outboxes += number(&group, "outboxes");
                stats.setbacks += number(&group, "setbacks");
                stats.set_back_outboxes += number(&group, "set_back_outboxes");
                stats.last_setback = stats.last_setback.max(time(&group, "last"));
            }
        }
        Ok(stats)
    }
}

impl From<&OutboxStats> for OutboxKey {
    fn from(outbox: &OutboxStats) -> Self {
        Self {
            app: outbox.app.clone(),
            user: outbox.user.clone(),
            outbox: outbox.outbox.clone(),
        }
    }
}

/// The sums of what the filter finds, a document for each group.
pub(super) async fn grouped(
    records: &Collection<Document>,
    filter: Document,
    sums: &Document,
) -> Result<Vec<Document>, BackendError> {
    let count = [doc! {"$match": filter}, doc! {"$group": sums}];
    let mut cursor = answered(records.aggregate(count)).await?;
    let mut groups = Vec::new();
    while answered(cursor.advance()).await? {
        let group = Document::try_from(cursor.current());
        groups.push(group.map_err(|error| damaged("a sum", error))?);
    }
    Ok(groups)
}

/// A count, whatever its type, which the database chooses.
pub(super) fn number(record: &Document, field: &str) -> u64 {
    let number = match record.get(field) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => (*number).into(),
        _ => 0,
    };
    number.try_into().unwrap_or_default()
}

pub(super) fn time(record: &Document, field: &str) -> Option<i64> {
    record
        .get_datetime(field)
        .ok()
        .map(|time| time.timestamp_millis())
}

pub(super) fn text(record: &Document, field: &str) -> Option<String> {
    record.get_str(field).ok().map(str::to_owned)
}

fn read(record: &Document) -> Result<OutboxStats, BackendError> {
    let id = id_of(record)?;
    let name = |field| text(&id, field).unwrap_or_default();
    Ok(OutboxStats {
        app: name("app"),
        user: name("user"),
        outbox: name("outbox"),
        position: record.get_i64("position").unwrap_or_default(),
        heard: time(record, "heard"),
        schema: text(record, "schema"),
        device: text(record, "device"),
        setbacks: number(record, "setbacks"),
    })
}

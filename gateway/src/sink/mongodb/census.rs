//! Counts for monitoring: the database counts, one scan of the outboxes of all apps.

use bson::{Bson, DateTime, Document, doc};
use mongodb::{Collection, Database};

use super::counts::{EVERYBODY, amount_of, id};
use super::request::{answered, local};
use crate::backend::BackendError;
use crate::sink::Census;

/// See the module. What a majority does not have yet is counted as well.
pub(super) struct Counted {
    outboxes: Collection<Document>,
    letters: Collection<Document>,
}

impl Counted {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            outboxes: local(database, "outboxes"),
            letters: local(database, "letter_counts"),
        }
    }

    /// What is kept of an app.
    pub(super) async fn of(&self, app: &str, now: i64) -> Result<Census, BackendError> {
        let [soon, hour, day] = Census::ENDS.map(|end| {
            let since = DateTime::from_millis(now.saturating_sub(end));
            doc! {"$sum": {"$cond": [{"$gte": ["$heard", since]}, 1_i64, 0_i64]}}
        });
        let sums = doc! {"_id": Bson::Null, "soon": soon, "hour": hour, "day": day, "all": {"$sum": 1_i64}};
        let count = [doc! {"$match": {"_id.app": app}}, doc! {"$group": sums}];
        let mut found = answered(self.outboxes.aggregate(count)).await?;
        let mut census = Census::default();
        if answered(found.advance()).await? {
            let damaged = |error| BackendError::Damaged(format!("the count of outboxes in MongoDB: {error}"));
            let sums = Document::try_from(found.current()).map_err(damaged)?;
            let mut counted = 0;
            for (class, name) in census.outboxes.iter_mut().zip(["soon", "hour", "day", "all"]) {
                let up_to = sums.get_i64(name).or_else(|_| sums.get_i32(name).map(i64::from));
                let up_to = up_to.map_or(0, i64::cast_unsigned);
                *class = up_to.saturating_sub(counted);
                counted = up_to;
            }
        }
        let letters = self.letters.find_one(doc! {"_id": id(app, EVERYBODY)});
        census.dead_letters = answered(letters)
            .await?
            .as_ref()
            .map(amount_of)
            .unwrap_or_default();
        Ok(census)
    }
}

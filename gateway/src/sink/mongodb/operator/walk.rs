//! Goes through the records of an app, so many at a time, whatever of them is meant: each request then ends soon.

use bson::{Bson, Document, doc};
use mongodb::Collection;

use super::super::request::answered;
use crate::backend::BackendError;

/// Records looked at by one request.
const LOOKED_AT: u64 = 5_000;

/// Between which `_id`s something is.
#[derive(Clone, Debug)]
pub(super) struct Range {
    after: Document,
    up_to: Document,
}

/// See the module.
pub(super) struct Walk<'c> {
    records: &'c Collection<Document>,
    rest: Option<Range>,
}

impl Range {
    /// Every record whose `_id` begins with these fields, in the order that all have: `app`, `user`, `outbox`, `seq`, `index`.
    pub(super) fn under(beginning: Document) -> Self {
        // A document is less than one that has more fields after the same ones.
        let mut up_to = beginning.clone();
        up_to.insert("\u{ff}", Bson::MaxKey);
        Self {
            after: beginning,
            up_to,
        }
    }

    /// The part of it behind this `_id`.
    pub(super) fn behind(&mut self, id: Document) {
        self.after = id;
    }

    /// What finds its records of which this holds.
    pub(super) fn filter(&self, condition: &Document) -> Document {
        let mut filter = doc! {"_id": {"$gt": &self.after, "$lte": &self.up_to}};
        filter.extend(condition.clone());
        filter
    }
}

impl<'c> Walk<'c> {
    pub(super) const fn new(records: &'c Collection<Document>, all: Range) -> Self {
        Self {
            records,
            rest: Some(all),
        }
    }

    /// The next range; none when there is no more.
    pub(super) async fn next(&mut self) -> Result<Option<Range>, BackendError> {
        let Some(mut range) = self.rest.take() else {
            return Ok(None);
        };
        let find = self.records.find_one(range.filter(&doc! {}));
        let find = find.sort(doc! {"_id": 1}).projection(doc! {"_id": 1});
        if let Some(last) = answered(find.skip(LOOKED_AT - 1)).await? {
            let last = id_of(&last)?;
            self.rest = Some(Range {
                after: last.clone(),
                ..range.clone()
            });
            range.up_to = last;
        }
        Ok(Some(range))
    }
}

/// The `_id` of a record.
pub(super) fn id_of(record: &Document) -> Result<Document, BackendError> {
    let id = record.get_document("_id").cloned();
    id.map_err(|error| damaged("a record", error))
}

pub(super) fn damaged(what: &str, error: impl std::fmt::Display) -> BackendError {
    BackendError::Damaged(format!("{what} in MongoDB cannot be read: {error}"))
}

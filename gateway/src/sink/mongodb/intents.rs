//! Who stores documents of an outbox into collections that take a document twice: one request at a time. It writes down that it is
//! about to, with how long it may take, before it looks which of its documents are there; others come again meanwhile.
//!
//! A request that failed leaves its intent, as the database may still be at work for it. Once that has run out the next one looks
//! again. So for a while after a crash such an outbox waits. That clocks of gateways differ by less than this while is taken for
//! granted, and that a database does not carry out what it was asked for before: a deployment of documents that hangs for longer,
//! and then stores what came before it hung, has documents twice that were sent again meanwhile. An intent that would last longer
//! than any does was left by a clock that was ahead, and counts for nothing.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};

use super::positions;
use super::request::{answered, collection, inserted};
use crate::backend::BackendError;
use crate::clock;
use crate::sink::OutboxKey;

/// No intent lasts longer, with what clocks differ by: requests take one of a minute and a half.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// See the module. Any thread may use it.
pub(super) struct Intents {
    intents: Collection<Document>,
}

/// What one request is about to store.
pub(super) struct Intent {
    outbox: Document,
    token: ObjectId,
    /// Milliseconds since 1970 when others take it for over.
    until: i64,
}

impl Intent {
    /// To be asked between looking which documents are there and storing the others. A machine may have been suspended meanwhile:
    /// then no time has passed that this process counts, and others have gone on.
    ///
    /// # Errors
    /// When it has run out.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        if clock::unix_millis() < self.until {
            return Ok(());
        }
        let text = "what was found of an outbox in a time-series collection is too old; its batch is to be sent again";
        Err(BackendError::Unavailable(text.to_owned()))
    }
}

impl Intents {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            intents: collection(database, "intents"),
        }
    }

    /// Writes down that documents of an outbox are about to be stored, which takes no longer than this.
    pub(super) async fn begin(&self, outbox: &OutboxKey, takes: Duration) -> Result<Intent, BackendError> {
        let now = clock::unix_millis();
        let after = |time: Duration| {
            let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            now.saturating_add(time)
        };
        let intent = Intent {
            outbox: positions::id(outbox),
            token: ObjectId::new(),
            until: after(takes),
        };
        let until = DateTime::from_millis(intent.until);
        let record = doc! {"_id": &intent.outbox, "token": intent.token, "until": until};
        if inserted(self.intents.insert_one(&record)).await? {
            return Ok(intent);
        }
        let over = [
            doc! {"until": {"$lt": DateTime::from_millis(now)}},
            doc! {"until": {"$gt": DateTime::from_millis(after(LONGEST))}},
        ];
        let over = doc! {"_id": &intent.outbox, "$or": over.to_vec()};
        let replaced = answered(self.intents.replace_one(over, &record)).await?;
        if replaced.matched_count > 0 {
            return Ok(intent);
        }
        Err(BackendError::Unavailable(format!(
            "documents of outbox {} are being stored, or were when a request failed; a collection that takes a document twice \
             waits until that has ended",
            outbox.outbox
        )))
    }

    /// It is done.
    pub(super) async fn end(&self, intent: Intent) -> Result<(), BackendError> {
        let Intent { outbox, token, .. } = intent;
        answered(self.intents.delete_one(doc! {"_id": outbox, "token": token})).await?;
        Ok(())
    }
}

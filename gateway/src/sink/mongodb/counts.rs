//! How many dead letters there are, of each user and in all, so that they stay within the quota. They are counted before they are
//! kept: a crash between the two counts letters that are not there, never the other way round. Before somebody is held up for what
//! is counted, it is counted anew.

use bson::{Bson, DateTime, Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database, IndexModel};
use tokio::sync::OnceCell;

use super::request::{answered, collection, inserted};
use crate::backend::BackendError;
use crate::sink::quota::{Amount, Full, Quota};

/// Under this name of a user all letters of an app are counted; no real one has it.
pub(super) const EVERYBODY: &str = "";

/// Milliseconds for which what was counted anew stands: who is held up comes again every few seconds.
const COUNTED: i64 = 60_000;

/// See the module. Any thread may use it.
pub(super) struct Counts {
    counts: Collection<Document>,
    letters: Collection<Document>,
    quota: Quota,
    has_index: OnceCell<()>,
}

/// What a batch adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Added {
    /// Letters that are to be kept.
    pub(super) new: Amount,
    /// Letters that are kept already, and held against none of the others.
    pub(super) same: Amount,
}

impl Counts {
    pub(super) fn new(database: &Database, quota: Quota) -> Self {
        Self {
            counts: collection(database, "letter_counts"),
            letters: collection(database, "dead_letters"),
            quota,
            has_index: OnceCell::new(),
        }
    }

    /// Counts letters that are about to be kept; the answer is which part of the quota is against that.
    pub(super) async fn reserve(
        &self,
        app: &str,
        user: &str,
        added: Added,
        now: i64,
    ) -> Result<Option<Full>, BackendError> {
        let Some(full) = self.try_reserve(app, user, added).await? else {
            return Ok(None);
        };
        let counted = match full {
            Full::User => user,
            Full::All => EVERYBODY,
        };
        if self.count_anew(app, counted, now).await? {
            self.try_reserve(app, user, added).await
        } else {
            Ok(Some(full))
        }
    }

    /// Counts letters that were not kept after all.
    pub(super) async fn release(&self, app: &str, user: &str, amount: Amount) -> Result<(), BackendError> {
        for user in [user, EVERYBODY] {
            self.add(app, user, doc! {}, amount, true).await?;
        }
        Ok(())
    }

    async fn try_reserve(&self, app: &str, user: &str, added: Added) -> Result<Option<Full>, BackendError> {
        let Added { new, same } = added;
        let nothing_else = doc! {"letters": {"$lte": signed(same.letters)}};
        let condition = doc! {"$or": [nothing_else, has_room(self.quota.of_user, new)]};
        let Some(of_user) = self.add_or_begin(app, user, condition, new).await? else {
            return Ok(Some(Full::User));
        };
        let own = self.quota.of_its_own;
        // One request has room whatever it brings while its user has nothing else, so what is already there of it does not
        // count either.
        let has_few =
            of_user.letters <= own.letters.max(same.letters) && of_user.bytes <= own.bytes.max(same.bytes);
        let condition = if has_few {
            doc! {}
        } else {
            has_room(self.quota.in_all, new)
        };
        if self.add_or_begin(app, EVERYBODY, condition, new).await?.is_none() {
            self.add(app, user, doc! {}, new, true).await?;
            return Ok(Some(Full::All));
        }
        Ok(None)
    }

    /// Adds to a count that fulfils the condition, or begins it. The answer is what it was before, nothing when it does not.
    async fn add_or_begin(
        &self,
        app: &str,
        user: &str,
        condition: Document,
        amount: Amount,
    ) -> Result<Option<Amount>, BackendError> {
        loop {
            let before = self.add(app, user, condition.clone(), amount, false).await?;
            if before.is_some() {
                return Ok(before);
            }
            let begun =
                doc! {"_id": id(app, user), "letters": signed(amount.letters), "bytes": signed(amount.bytes)};
            if inserted(self.counts.insert_one(begun)).await? {
                return Ok(Some(Amount::default()));
            }
            // It is there: for long, or begun just now.
            let unmet = self
                .counts
                .find_one(doc! {"_id": id(app, user), "$nor": [condition.clone()]});
            if condition.is_empty() || answered(unmet).await?.is_none() {
                continue;
            }
            return Ok(None);
        }
    }

    /// Adds to a count that fulfils the condition, or takes away. The answer is what it was before.
    async fn add(
        &self,
        app: &str,
        user: &str,
        condition: Document,
        amount: Amount,
        takes: bool,
    ) -> Result<Option<Amount>, BackendError> {
        let mut filter = doc! {"_id": id(app, user)};
        filter.extend(condition);
        let sign = if takes { -1 } else { 1 };
        let change = doc! {"letters": sign * signed(amount.letters), "bytes": sign * signed(amount.bytes)};
        let update = self.counts.find_one_and_update(filter, doc! {"$inc": change});
        let before = answered(update.return_document(ReturnDocument::Before)).await?;
        Ok(before.map(|before| amount_of(&before)))
    }

    /// Counts what is there; false when that was done just now. What others have counted meanwhile and not kept yet is missed:
    /// as much as waits at one moment.
    async fn count_anew(&self, app: &str, user: &str, now: i64) -> Result<bool, BackendError> {
        // One at a time, as all that is there is looked at.
        let (from, to) = (now.saturating_sub(COUNTED), now.saturating_add(COUNTED));
        let just_now =
            doc! {"counted": {"$gt": DateTime::from_millis(from), "$lt": DateTime::from_millis(to)}};
        let filter = doc! {"_id": id(app, user), "$nor": [just_now]};
        let begin = doc! {"$set": {"counted": DateTime::from_millis(now)}};
        let begin = self.counts.find_one_and_update(filter, begin);
        let Some(before) = answered(begin.return_document(ReturnDocument::Before)).await? else {
            return Ok(false);
        };
        let there = self.there(app, user).await?;
        // By the difference: what others add while it is counted stays.
        let missing = |field, there| signed(there).saturating_sub(integer(&before, field));
        let change =
            doc! {"letters": missing("letters", there.letters), "bytes": missing("bytes", there.bytes)};
        answered(
            self.counts
                .update_one(doc! {"_id": id(app, user)}, doc! {"$inc": change}),
        )
        .await?;
        Ok(true)
    }

    /// The letters that are there of a user, or of everybody: not what is counted of each, as that is too much when others have
    /// counted what they did not keep.
    async fn there(&self, app: &str, user: &str) -> Result<Amount, BackendError> {
        self.has_index.get_or_try_init(|| self.index()).await?;
        let mut filter = doc! {"_id.app": app};
        if user != EVERYBODY {
            filter.insert("_id.user", user);
        }
        let sum = doc! {"_id": Bson::Null, "letters": {"$sum": 1_i64}, "bytes": {"$sum": "$bytes"}};
        let sums = self
            .letters
            .aggregate([doc! {"$match": filter}, doc! {"$group": sum}]);
        let mut sums = answered(sums).await?;
        if answered(sums.advance()).await? {
            let sum = Document::try_from(sums.current()).map_err(|error| {
                BackendError::Damaged(format!("the sum of dead letters in MongoDB: {error}"))
            })?;
            return Ok(amount_of(&sum));
        }
        Ok(Amount::default())
    }

    /// With the bytes, so that letters are counted without being read.
    async fn index(&self) -> Result<(), BackendError> {
        let keys = doc! {"_id.app": 1, "_id.user": 1, "bytes": 1};
        answered(
            self.letters
                .create_index(IndexModel::builder().keys(keys).build()),
        )
        .await?;
        Ok(())
    }
}

pub(super) fn id(app: &str, user: &str) -> Document {
    doc! {"app": app, "user": user}
}

/// The condition under which so much more is within the limit.
fn has_room(limit: Amount, more: Amount) -> Document {
    let left = |limit: u64, more| limit.checked_sub(more).map_or(-1, signed);
    doc! {
        "letters": {"$lte": left(limit.letters, more.letters)},
        "bytes": {"$lte": left(limit.bytes, more.bytes)},
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn amount_of(record: &Document) -> Amount {
    let count = |field| u64::try_from(integer(record, field)).unwrap_or_default();
    Amount {
        letters: count("letters"),
        bytes: count("bytes"),
    }
}

fn integer(record: &Document, field: &str) -> i64 {
    match record.get(field) {
        Some(Bson::Int64(count)) => *count,
        Some(Bson::Int32(count)) => (*count).into(),
        _ => 0,
    }
}

//! Takes dead letters away, and then what is counted of them: a crash between the two counts letters that are gone, as one does
//! that comes while they are kept.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::super::letters::PART;
use super::super::request::answered;
use super::MongoOperator;
use super::letters::Kept;
use super::walk::Range;
use crate::backend::BackendError;
use crate::sink::Amount;

impl MongoOperator {
    /// Takes letters away; the answer is how many were there.
    pub(super) async fn remove(&self, letters: &[Kept]) -> Result<u64, BackendError> {
        let removed = letters.iter().map(|kept| (kept.id.clone(), kept.bytes()));
        self.remove_ids(removed.collect()).await
    }

    /// The same, by their `_id`s and the bytes of their documents.
    pub(super) async fn remove_ids(&self, letters: Vec<(Document, usize)>) -> Result<u64, BackendError> {
        if letters.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = letters.iter().map(|(id, _)| Bson::from(id)).collect();
        let delete = self.letters.delete_many(doc! {"_id": {"$in": ids}});
        let removed = answered(delete).await?.deleted_count;
        for (id, _) in letters.iter().filter(|(_, bytes)| *bytes > PART) {
            // After the letter: parts alone are read by nobody.
            let parts = Range::under(doc! {"letter": id});
            answered(self.parts.delete_many(parts.filter(&doc! {}))).await?;
        }
        if removed < letters.len() as u64 {
            // Another took some of them away at this moment, and which is not known. What is counted too many is put right when the
            // quota is reached.
            return Ok(removed);
        }
        let mut of_users: BTreeMap<&str, Amount> = BTreeMap::new();
        for (id, bytes) in &letters {
            let of_user = of_users.entry(id.get_str("user").unwrap_or_default());
            of_user.or_default().increase(Amount {
                letters: 1,
                bytes: *bytes as u64,
            });
        }
        for (user, amount) in of_users {
            self.counts.release(&self.app, user, amount).await?;
        }
        Ok(removed)
    }
}

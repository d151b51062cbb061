//! Where documents go.
//!
//! What every sink promises:
//!  1. An outcome of [`Outcome::Stored`] comes when the documents, the dead letters and the position are durable, and not
//!     before.
//!  2. They are made durable in this order: **documents**, then **dead letters**, then **position**. A crash between two
//!     of them leaves a batch that is sent again, never one that is believed to be there.
//!  3. Each of them may be repeated, alone or after a crash, and changes nothing then: a document is keyed by its class
//!     and `_id`, a dead letter by (app, user, outbox, seq, index), a position by (app, user, outbox). A letter with another
//!     document or class in that place proves that the batch comes from a copy of its outbox: it is answered
//!     [`Outcome::Copied`], none of its letters is kept and its position does not move. The copy sends all of it again
//!     under a name of its own.
//!  4. Of a document whose `_id` is stored already, an equal one is there, wherever its `_id` stands; a different one is refused, and the first
//!     stands. What was refused that way becomes a dead letter like what the checks refused.
//!  5. A batch that is sent again is answered as the first time, refusals included.
//!  6. Whether a batch is taken at all is decided by [`order::decide`](crate::ingest::order::decide), in the order of
//!     arrival, and by promise 3. Of one that is not taken no document, dead letter or position is changed. A sink without
//!     transactions, or one that takes several for a long batch, may leave what it stored before a letter told the copy, or before another batch moved the position:
//!     documents, which are there once whoever sends them again, and dead letters, which are then kept a second time
//!     under the copy's new name. Where such a letter lies in a place of the original, that is taken for the copy and
//!     sends under a new name. Nothing is lost either way.
//!  7. A failure concerns only the batches it was about, and acknowledges nothing.
//!  8. Dead letters stay within a [`Quota`]. A batch that would exceed it is not settled: none of its letters is kept and its
//!     position does not move. Letters that are there already exceed nothing.
//!
//! A store with transactions can do all of it in one ([`embedded`]); for others [`Stepwise`] takes the steps in their
//! order.

mod census;
pub mod embedded;
pub mod mongodb;
mod operator;
mod quota;
mod same;
mod stepwise;

pub use census::Census;
pub use operator::{
    DeadLetter, LetterStats, Operator, OutboxStats, Replayed, SchemaUse, Stats, Verdict, Which,
};
pub use quota::{Amount, Full, Kept, Quota};
pub use stepwise::{Steps, Stepwise};

use std::pin::Pin;
use std::sync::Arc;

use crate::backend::Answer;
use crate::ingest::{Batch, Context, Refusals};

/// Names one outbox of one user of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OutboxKey {
    /// Internal id of the app.
    pub app: String,
    /// The user.
    pub user: String,
    /// Name of the outbox.
    pub outbox: String,
}

impl From<&Context> for OutboxKey {
    fn from(context: &Context) -> Self {
        Self {
            app: context.app.clone(),
            user: context.user.clone(),
            outbox: context.source.outbox.clone(),
        }
    }
}

/// What became of a batch.
#[derive(Debug)]
pub enum Outcome {
    /// It is settled.
    Stored {
        /// What was refused on storing, beside what the checks refused.
        found: Refusals,
        /// Everything of its outbox up to here is settled.
        position: i64,
    },
    /// It comes from a copy of its outbox.
    Copied,
    /// There is no room for its dead letters.
    Full(Full),
    /// Something before it is missing.
    Hole {
        /// Everything up to here is settled.
        position: i64,
    },
}

impl Outcome {
    /// Whether the batch is settled.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}

/// Why the dead letters of a batch are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unkept {
    /// In the place of one of them is another letter, so the batch comes from a copy of its outbox.
    Copied,
    /// There is no room for them.
    Full(Full),
}

impl From<Unkept> for Outcome {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Copied => Self::Copied,
            Unkept::Full(full) => Self::Full(full),
        }
    }
}

/// A store for documents. See the module for what it promises.
pub trait Sink: Send + Sync {
    /// Stores the batch.
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome>;

    /// Everything up to this sequence number is settled, 0 when the outbox is not known.
    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64>;

    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;

    /// Counts what is kept of the app of this internal id, at `now` in milliseconds since 1970, for monitoring; none from a sink
    /// that does not count.
    fn census<'a>(&'a self, _app: &'a str, _now: i64) -> Answer<'a, Option<Census>> {
        Box::pin(async { Ok(None) })
    }

    /// Returns when nothing can be stored any more until it is opened anew. Most sinks have no such end.
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

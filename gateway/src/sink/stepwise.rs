//! A sink out of steps, for stores that have no transaction across documents, dead letters and positions.

use std::sync::Arc;

use tracing::warn;

use super::{OutboxKey, Outcome, Sink, Unkept};
use crate::backend::{Answer, BackendError};
use crate::ingest::order::{self, Known, Order};
use crate::ingest::{Batch, Refusals};

/// Times that the position may turn out to have been moved by somebody else meanwhile, before the batch is given back.
const TRIES: usize = 8;

/// The steps, each durable when it is answered, each repeatable. Promises 1 to 4 and 8 of [`super`] are the implementor's.
pub trait Steps: Send + Sync {
    /// What is known of an outbox, none when nothing was ever taken from it. Unless it has to be `fresh` it may be what was
    /// known a while ago: [`advance`](Self::advance) tells.
    fn known(&self, outbox: &OutboxKey, fresh: bool) -> Answer<'_, Option<Known>>;

    /// Stores the documents of the batch. The answer is those that differ from a stored one with their `_id`, in the
    /// order of the batch.
    fn documents<'a>(&'a self, batch: &'a Batch) -> Answer<'a, Refusals>;

    /// Keeps the [letters](Batch::letters) of the batch, of which the store `found` these: all of them, or none for the
    /// reason that is answered. One whose place holds the same document of the same class is kept already; another one there is never replaced, nor passed over.
    fn dead_letters<'a>(&'a self, batch: &'a Batch, found: &'a Refusals) -> Answer<'a, Option<Unkept>>;

    /// Moves what is known of the batch's outbox from `before` to `after`; false, and nothing is changed, when it is not
    /// `before` any more. A setback is recorded as such.
    fn advance<'a>(
        &'a self,
        batch: &'a Batch,
        before: Option<&'a Known>,
        after: &'a Known,
        setback: bool,
    ) -> Answer<'a, bool>;

    /// Notes that an outbox has sent a batch that is not taken, and what its device says of itself.
    fn heard<'a>(&'a self, batch: &'a Batch) -> Answer<'a, ()>;

    /// Whether something can be written at present.
    fn probe(&self) -> Answer<'_, ()>;
}

/// A sink that takes the steps in their order.
pub struct Stepwise<S>(pub S);

impl<S: Steps> Stepwise<S> {
    async fn take(&self, batch: &Batch) -> Result<Outcome, BackendError> {
        let key = OutboxKey::from(&batch.context);
        let mut fresh = false;
        for _ in 0..TRIES {
            let before = self.0.known(&key, fresh).await?;
            let (after, setback) = match order::decide(before.as_ref(), batch.arrival()) {
                Order::Take { known, setback } => (known, setback),
                _ if !fresh => {
                    fresh = true;
                    continue;
                }
                Order::Copied => return Ok(Outcome::Copied),
                Order::Hole { position } => return Ok(Outcome::Hole { position }),
            };
            let found = self.0.documents(batch).await?;
            if (!found.is_empty() || !batch.refused.is_empty())
                && let Some(unkept) = self.0.dead_letters(batch, &found).await?
            {
                return Ok(unkept.into());
            }
            if self.0.advance(batch, before.as_ref(), &after, setback).await? {
                return Ok(Outcome::Stored {
                    found,
                    position: after.position,
                });
            }
            fresh = true;
        }
        let text = format!(
            "the position of outbox {} keeps being moved by others",
            key.outbox
        );
        Err(BackendError::Unavailable(text))
    }
}

impl<S: Steps> Sink for Stepwise<S> {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        Box::pin(async move {
            let outcome = self.take(&batch).await?;
            tell(&batch, &outcome);
            if !outcome.is_stored() {
                self.0.heard(&batch).await?;
            }
            Ok(outcome)
        })
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        let known = self.0.known(outbox, true);
        Box::pin(async move { Ok(known.await?.map_or(0, |known| known.position)) })
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.0.probe()
    }
}

/// Tells the log of what an outbox is told to do otherwise.
fn tell(batch: &Batch, outcome: &Outcome) {
    let (outbox, first, last) = (&batch.context.source.outbox, batch.first(), batch.last());
    match outcome {
        Outcome::Copied => warn!(
            outbox,
            first, last, "a copy of an outbox sends under its name; it is told to take another"
        ),
        Outcome::Hole { position } => warn!(
            outbox,
            position,
            first,
            last,
            "what an outbox sent before has not arrived; it is told to go on from there"
        ),
        Outcome::Full(_) | Outcome::Stored { .. } => {}
    }
}

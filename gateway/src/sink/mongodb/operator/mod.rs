//! What the operator's commands ask of the database. Records of an app are walked through in the order of their `_id`s: by user, outbox,
//! sequence number and index. So those of an outbox come as they were sent, and no index is needed beside that of `_id`.

mod letters;
mod outboxes;
mod purge;
mod replay;
mod walk;

use std::collections::HashMap;
use std::ops::ControlFlow;

use bson::Document;
use mongodb::{Collection, Database};
use tokio::runtime::Handle;

use super::counts::Counts;
use super::intents::Intents;
use super::letters::{LETTERS, PARTS};
use super::lines::Lines;
use super::request::collection;
use super::{DataSources, Quota};
use crate::backend::BackendError;
use crate::definition::Definition;
use crate::sink::{DeadLetter, Operator, OutboxStats, Replayed, SchemaUse, Stats, Verdict, Which};
use letters::Pages;
use outboxes::Outboxes;
use replay::Replay;

/// The records of one app. Its methods block their thread, which must be none of the runtime's.
pub struct MongoOperator {
    runtime: Handle,
    /// Internal id of the app.
    app: String,
    outboxes: Outboxes,
    letters: Collection<Document>,
    parts: Collection<Document>,
    counts: Counts,
    intents: Intents,
    lines: Lines,
}

impl MongoOperator {
    /// Over the gateways' own database and the deployments that documents go to, for the app of this internal id. Nothing is asked of
    /// them yet; what is asked runs in the `runtime`, which must have a thread of its own.
    #[must_use]
    pub fn new(runtime: Handle, state: &Database, sources: DataSources, app: &str) -> Self {
        Self {
            runtime,
            app: app.to_owned(),
            outboxes: Outboxes::new(state, app),
            letters: collection(state, LETTERS),
            parts: collection(state, PARTS),
            counts: Counts::new(state, Quota::default()),
            intents: Intents::new(state),
            lines: Lines::new(sources),
        }
    }

    fn pages(&self, which: &Which) -> Pages<'_> {
        Pages::new(&self.letters, &self.parts, &self.app, which)
    }
}

impl Operator for MongoOperator {
    fn each_dead_letter(
        &self,
        which: &Which,
        visit: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>,
    ) -> Result<(), BackendError> {
        let mut pages = self.pages(which);
        while let Some(page) = self.runtime.block_on(pages.next())? {
            for kept in page {
                let letter = self.runtime.block_on(pages.whole(kept))?;
                if let Some(letter) = letter
                    && visit(letter).is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn each_outbox(
        &self,
        visit: &mut dyn FnMut(&OutboxStats) -> ControlFlow<()>,
    ) -> Result<(), BackendError> {
        let mut after = None;
        loop {
            let page = self.runtime.block_on(self.outboxes.page(after.as_ref()))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.into());
            for outbox in &page {
                if visit(outbox).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn schema_uses(&self) -> Result<HashMap<String, SchemaUse>, BackendError> {
        self.runtime.block_on(self.outboxes.schema_uses())
    }

    fn stats(&self) -> Result<Stats, BackendError> {
        let letters = self.runtime.block_on(letters::stats(&self.letters, &self.app))?;
        let counted = self.runtime.block_on(self.outboxes.stats())?;
        Ok(Stats {
            dead_letters: letters.iter().map(|one| one.letters).sum(),
            letters,
            ..counted
        })
    }

    fn purge(&self, which: &Which, tell: &mut dyn FnMut(u64)) -> Result<u64, BackendError> {
        let (mut pages, mut purged) = (self.pages(which).without_documents(), 0);
        while let Some(page) = self.runtime.block_on(pages.next())? {
            purged += self.runtime.block_on(self.remove(&page))?;
            tell(purged);
        }
        Ok(purged)
    }

    fn replay(
        &self,
        which: &Which,
        definition: &Definition,
        check: &dyn Fn(&DeadLetter) -> Verdict,
        tell: &mut dyn FnMut(&Replayed),
    ) -> Result<Replayed, BackendError> {
        let mut replay = Replay::new(self, definition);
        let mut pages = self.pages(which);
        while let Some(page) = self.runtime.block_on(pages.next())? {
            let mut tried = Vec::new();
            for kept in page {
                // It may have been taken away meanwhile. Those that are so large that they have parts are read when it is their turn.
                if kept.is_apart() {
                    self.runtime.block_on(replay.settle(std::mem::take(&mut tried)))?;
                }
                if let Some(letter) = self.runtime.block_on(pages.whole(kept))? {
                    let verdict = check(&letter);
                    tried.push((letter, verdict));
                }
            }
            self.runtime.block_on(replay.settle(tried))?;
            tell(&replay.done);
        }
        Ok(replay.done)
    }
}

//! What the operator's commands ask of the file.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::{Purge, Reader, Replay};
use crate::backend::BackendError;
use crate::definition::Definition;
use crate::sink::{DeadLetter, Operator, OutboxStats, Replayed, SchemaUse, Stats, Verdict, Which};
use crate::sqlite::OpenError;

/// A reader, and where to write when that is asked for: what an earlier release wrote can be read only.
pub struct EmbeddedOperator {
    data: PathBuf,
    reader: Reader,
}

impl EmbeddedOperator {
    /// Opens the file in the directory `data`.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            data: data.to_owned(),
            reader: Reader::open(data)?,
        })
    }
}

impl Operator for EmbeddedOperator {
    fn each_dead_letter(
        &self,
        which: &Which,
        visit: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>,
    ) -> Result<(), BackendError> {
        Ok(self
            .reader
            .each_dead_letter(which, |letter| Ok::<_, rusqlite::Error>(visit(letter)))?)
    }

    fn each_outbox(
        &self,
        visit: &mut dyn FnMut(&OutboxStats) -> ControlFlow<()>,
    ) -> Result<(), BackendError> {
        Ok(self
            .reader
            .each_outbox(|outbox| Ok::<_, rusqlite::Error>(visit(outbox)))?)
    }

    fn schema_uses(&self) -> Result<HashMap<String, SchemaUse>, BackendError> {
        Ok(self.reader.schema_uses()?)
    }

    fn stats(&self) -> Result<Stats, BackendError> {
        Ok(self.reader.stats()?)
    }

    fn purge(&self, which: &Which, tell: &mut dyn FnMut(u64)) -> Result<u64, BackendError> {
        let mut purge = Purge::open(&self.data).map_err(closed)?;
        Ok(purge.run(which, tell)?)
    }

    fn replay(
        &self,
        which: &Which,
        _definition: &Definition,
        check: &dyn Fn(&DeadLetter) -> Verdict,
        tell: &mut dyn FnMut(&Replayed),
    ) -> Result<Replayed, BackendError> {
        let mut replay = Replay::open(&self.data).map_err(closed)?;
        Ok(replay.run(which, check, tell)?)
    }
}

fn closed(error: OpenError) -> BackendError {
    match error {
        OpenError::Backend(error) => error,
        error => BackendError::Damaged(error.to_string()),
    }
}

//! Repair of an open outbox: whichever call meets damage, the file is replaced by one with all that can
//! be read of it (`recover.rs`), the application is told, and the call is made once more.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::readings::twice;
use super::{SqliteOutbox, connect, recover, schema};
use crate::outbox::{Error, Owner, Recovered, Result, SchemaId, StoredSchema};

/// What this process knows of its outbox beside the file: it outlasts the file's damage.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Schemas are never removed, and keep their ids.
    pub(super) schemas: HashMap<SchemaId, StoredSchema>,
    pub(super) owner: Option<Owner>,
    /// Whether only who opens the file for an application may send what waits.
    pub(super) guarded: Option<bool>,
    /// The last entry of the record of losses that a mark was given for.
    pub(super) mark: i64,
}

impl SqliteOutbox {
    /// What `call` returns; if it meets damage twice, the file is replaced and it is called once more.
    ///
    /// # Errors
    /// Those of `call`; [`Error::ForeignProcess`]; [`Error::Corrupt`] if the file could not be replaced.
    pub(super) fn mended<T>(&self, call: impl Fn() -> Result<T>) -> Result<T> {
        self.process.check(&self.path)?;
        self.be_open()?;
        let replaced = self.replaced.load(Ordering::Acquire);
        let done = match twice(&call) {
            Err(Error::Corrupt { reason, .. }) => {
                self.heal(replaced, &reason)?;
                call()
            }
            done => done,
        };
        let untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.tell(untold);
        done
    }

    /// Replaces the file, unless another thread did since it had been replaced `replaced` times.
    fn heal(&self, replaced: u64, reason: &str) -> Result<()> {
        let healed = self.turns.alone(|| {
            if self.replaced.load(Ordering::Acquire) != replaced {
                return Ok(None);
            }
            let recovered = self.replace(reason)?;
            self.replaced.fetch_add(1, Ordering::AcqRel);
            Ok(recovered)
        });
        match healed {
            Ok(recovered) => {
                self.tell(recovered);
                Ok(())
            }
            Err(Error::Locked { .. }) => Err(self.unhealed(
                reason,
                "what can be read of it is saved once no other process has it open",
            )),
            Err(error) => Err(self.unhealed(
                reason,
                &format!(
                    "what can be read of it cannot be saved now: {}",
                    with_causes(&error)
                ),
            )),
        }
    }

    fn unhealed(&self, reason: &str, but: &str) -> Error {
        Error::Corrupt {
            path: self.path.clone(),
            reason: format!("{reason}; {but}"),
        }
    }

    fn replace(&self, reason: &str) -> Result<Option<Recovered>> {
        self.writer().place.check()?;
        let damaged = recover::file_id(&self.path);
        // Only a file that nobody has open can be replaced.
        let replace =
            |known: &Known| recover::replace_damaged(&self.path, &self.options, damaged, known, reason);
        match self.reopen(replace)? {
            // Also when it was not replaced: most of it can be used.
            (_, Some(recovered)) => Ok(Some(recovered)),
            (replaced, None) => replaced.map(|()| None),
        }
    }

    /// Closes the file, leaving it and its log as they are, and opens it again. To be called in a turn.
    /// What was found in its place comes with what `between` returns, and is to be reported.
    pub(super) fn reopen<T>(&self, between: impl FnOnce(&Known) -> T) -> Result<(T, Option<Recovered>)> {
        let (mut drain, mut writer) = (self.drain(), self.writer());
        self.closed.store(true, Ordering::Release);
        for connection in [&mut drain.connection, &mut writer.connection] {
            schema::keep_log_on_close(connection, true).map_err(|source| self.failed(source))?;
            *connection = Connection::open_in_memory().map_err(|source| self.failed(source))?;
        }
        let known = self.known().clone();
        let done = between(&known);
        let opened = recover::open(&self.path, &self.options, &known)?;
        let (files, sent_as, recovered) = connect(&self.path, &self.options, opened)?;
        *writer = files.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        *drain = files.drain.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.sent_as() = sent_as;
        self.closed.store(false, Ordering::Release);
        Ok((done, recovered))
    }

    /// Opens the file if opening it again failed before.
    fn be_open(&self) -> Result<()> {
        if !self.closed.load(Ordering::Acquire) {
            return Ok(());
        }
        let recovered = self.turns.alone(|| {
            let closed = self.closed.load(Ordering::Acquire);
            Ok(if closed { self.reopen(|_| ())?.1 } else { None })
        })?;
        self.tell(recovered);
        Ok(())
    }

    pub(super) fn tell(&self, recovered: Option<Recovered>) {
        let Some(recovered) = recovered else { return };
        ::log::error!(target: "ingest::outbox", "{recovered}");
        if let Some(on_recover) = &self.options.on_recover {
            on_recover(&recovered);
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

//! Repair of an open outbox: whichever call meets damage, the file is replaced by one with all that can
//! be read of it (`recover.rs`), the application is told, and the call is made once more.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::{SqliteOutbox, connect, recover, schema};
use crate::outbox::{Error, Owner, Recovered, Result, SchemaId, StoredSchema};

/// What this process knows of its outbox beside the file: it outlasts the file's damage.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Schemas are never removed, and keep their ids.
    pub(super) schemas: HashMap<SchemaId, StoredSchema>,
    pub(super) owner: Option<Owner>,
    /// The last entry of the record of losses that a mark was given for.
    pub(super) mark: i64,
}

impl SqliteOutbox {
    /// What `call` returns; if it meets damage, the file is replaced and it is called once more.
    ///
    /// # Errors
    /// Those of `call`; [`Error::ForeignProcess`]; [`Error::Corrupt`] if the file could not be replaced.
    pub(super) fn mended<T>(&self, call: impl Fn() -> Result<T>) -> Result<T> {
        self.process.check(&self.path)?;
        let replaced = self.replaced.load(Ordering::Acquire);
        match call() {
            Err(Error::Corrupt { reason, .. }) => {
                self.heal(replaced, &reason)?;
                call()
            }
            done => done,
        }
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
            Ok(None) => Ok(()),
            Ok(Some(recovered)) => {
                ::log::error!(target: "ingest::outbox", "{recovered}");
                if let Some(on_recover) = &self.options.on_recover {
                    on_recover(&recovered);
                }
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
        let (mut drain, mut writer) = (self.drain(), self.writer());
        let nothing = || Connection::open_in_memory().map_err(|source| self.failed(source));
        // Only a file that nobody has open can be replaced. It is kept as it was found.
        for connection in [&mut drain.connection, &mut writer.connection] {
            schema::keep_log_on_close(connection, true).map_err(|source| self.failed(source))?;
            *connection = nothing()?;
        }
        let known = self.known().clone();
        let replaced = recover::replace_damaged(&self.path, &known, reason);
        // Also when it was not replaced: most of it can be used.
        let opened = recover::open(&self.path, &self.options, &known)?;
        let (files, sent_as) = connect(&self.path, &self.options, opened.connection)?;
        *writer = files
            .writer
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *drain = files
            .drain
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *self.sent_as() = sent_as;
        match opened.recovered {
            Some(recovered) => Ok(Some(recovered)),
            None => replaced.map(|()| None),
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

//! The outbox as everybody else knows it: each call takes its turn, and what it meets is mended, in one place.

use std::path::PathBuf;
use std::time::Duration;

use super::lock::Lock;
use super::writing::Writing;
use super::{SqliteOutbox, Writer, fates, ledger, meta, recover, rows, schemas, settle};
use crate::outbox::{
    Durability, Error, Fate, Hold, Key, Lease, Loss, LossMark, Number, Origin, Outbox, Owner, Pending,
    Result, SchemaId, Settlement, StoredSchema, Tally, UploaderGuard, WriteTransaction, check, new_identity,
};

impl Outbox for SqliteOutbox {
    fn origin(&self) -> Result<Origin> {
        self.mended(|| self.origin_once())
    }

    fn renew_identity(&self) -> Result<String> {
        let identity = new_identity();
        self.mended(|| {
            self.write_alone(Durability::Full, |transaction, seal| {
                // Under the new one they would be given out again.
                settle::settled_go(transaction, seal)?;
                meta::set_identity(transaction, &identity)
            })
        })?;
        Ok(identity)
    }

    fn owner(&self) -> Result<Option<Owner>> {
        let owner = self.unsealing(meta::owner)?;
        self.known().owner.clone_from(&owner);
        Ok(owner)
    }

    fn set_owner(&self, owner: &Owner) -> Result<()> {
        self.mended(|| {
            self.write_alone(Durability::Full, |transaction, seal| {
                meta::set_owner(transaction, seal, owner)
            })
        })?;
        self.known().owner = Some(owner.clone());
        Ok(())
    }

    fn set_first_owner(&self, owner: &Owner) -> Result<Owner> {
        let owner = self.mended(|| {
            self.write_alone(Durability::Full, |transaction, seal| {
                if let Some(known) = meta::owner(transaction, seal)? {
                    return Ok(known);
                }
                meta::set_owner(transaction, seal, owner)?;
                Ok(owner.clone())
            })
        })?;
        self.known().owner = Some(owner.clone());
        Ok(owner)
    }

    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId> {
        let id = self.mended(|| {
            let known = {
                let drain = self.drain();
                schemas::find(&drain.connection, &drain.seal, fingerprint)
            };
            match known.map_err(|source| self.failed(source))? {
                Some(id) => Ok(id),
                None => self.write_alone(Durability::Full, |transaction, seal| {
                    schemas::add(transaction, seal, fingerprint, json)
                }),
            }
        })?;
        let schema = StoredSchema {
            fingerprint: fingerprint.to_owned(),
            json: json.to_owned(),
        };
        self.known().schemas.insert(id, schema);
        Ok(id)
    }

    fn schema(&self, id: SchemaId) -> Result<StoredSchema> {
        self.process.check(&self.path)?;
        self.find_schema(id)
    }

    fn store(&self, transaction: &WriteTransaction<'_>) -> Result<Number> {
        self.process.check(&self.path)?;
        check(transaction)?;
        if !self.is_known(transaction.schema) {
            self.find_schema(transaction.schema)?;
        }
        self.mended(|| {
            let row = self.packer.pack(transaction);
            let mut dropped = Pending::default();
            let number = self.turns.commit(
                row,
                |group| self.commit_group(group, &mut dropped),
                || {
                    let mut writer = self.writer();
                    let Writer { connection, log, .. } = &mut *writer;
                    // What this says is met by the next write.
                    let _ = log.empty_if_due(connection, 0);
                },
                || self.abandoned(),
            );
            self.report_dropped(dropped);
            number
        })
    }

    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        self.mended(|| self.lease_once(after, max_bytes))
    }

    fn acknowledge(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        self.mended(|| self.acknowledge_once(identity, settlement))
    }

    fn conclude(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        self.mended(|| self.conclude_once(identity, settlement))
    }

    fn last_seq(&self) -> Result<i64> {
        self.reading(rows::last_seq)
    }

    fn newest_waiting(&self) -> Result<i64> {
        Ok(self.reading(rows::ends)?.map_or(0, |(_, newest)| newest))
    }

    fn pending(&self) -> Result<Pending> {
        self.reading(rows::pending)
    }

    fn waiting_since(&self) -> Result<Option<i64>> {
        self.reading(rows::waiting_since)
    }

    fn oldest(&self) -> Result<Option<i64>> {
        self.reading(rows::oldest_waiting)
    }

    fn fate(&self, number: Number, is_acknowledged: bool) -> Result<Fate> {
        self.unsealing(|connection, seal| fates::of(connection, seal, number, is_acknowledged))
    }

    fn tally(&self) -> Result<Tally> {
        self.reading(meta::tally)
    }

    fn loss_mark(&self) -> Result<LossMark> {
        let mark = self.reading(ledger::mark)?;
        let mut known = self.known();
        known.mark = known.mark.max(mark.entry);
        Ok(mark)
    }

    fn losses(&self, after: LossMark, through: i64) -> Result<Vec<Loss>> {
        self.reading(|connection| ledger::since(connection, after, through))
    }

    fn version(&self) -> Result<i64> {
        self.reading(rows::version)
    }

    fn version_at_rest(&self) -> Result<i64> {
        self.mended(|| {
            self.turns.alone(|| {
                // A write changes the log first, and can be read later. Whoever gets the lock comes
                // after it.
                let mut drain = self.drain();
                let version = Writing::begin(&mut drain.connection).and_then(|locked| rows::version(&locked));
                version.map_err(|source| self.failed(source))
            })
        })
    }

    fn is_opened_with(&self, key: Option<&Key>) -> bool {
        self.options.key.as_ref() == key
    }

    fn watched_file(&self) -> Option<PathBuf> {
        Some(recover::beside(&self.path, "-wal"))
    }

    fn compact(&self) -> Result<()> {
        while self.mended(|| self.compact_step())? {}
        Ok(())
    }

    fn is_guarded(&self) -> Result<bool> {
        let guarded = self.reading(meta::is_guarded)?;
        self.known().guarded = Some(guarded);
        Ok(guarded)
    }

    fn set_guarded(&self, guarded: bool) -> Result<()> {
        self.mended(|| {
            self.write_alone(Durability::Full, |transaction, _| {
                meta::set_guarded(transaction, guarded)
            })
        })?;
        self.known().guarded = Some(guarded);
        Ok(())
    }

    fn tidy(&self) -> Result<bool> {
        self.mended(|| self.tidy_step())
    }

    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>> {
        self.process.check(&self.path)?;
        match Lock::take(&recover::beside(&self.path, ".uploader"), Duration::ZERO) {
            Ok(lock) => {
                self.mended(|| self.let_settled_go())?;
                Ok(Some(UploaderGuard(Hold::OfFile(lock))))
            }
            Err(Error::Locked { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

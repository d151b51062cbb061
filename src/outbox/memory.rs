//! The outbox without a disk: the same order and the same answers, for tests of what sits above.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{
    Codec, Error, Fate, Hold, Lease, Loss, LossMark, Number, Origin, Outbox, Owner, Pending, Result, Row,
    SchemaId, Settlement, StoredSchema, Tally, UploaderGuard, WriteTransaction, check, new_identity, objects,
};

/// An [`Outbox`] that lives and dies with the process.
#[derive(Debug)]
pub(crate) struct MemoryOutbox {
    state: Mutex<State>,
    uploader: Arc<AtomicBool>,
}

#[derive(Debug)]
struct State {
    origin: Origin,
    owner: Option<Owner>,
    schemas: Vec<StoredSchema>,
    rows: VecDeque<Row>,
    last_seq: i64,
    version: i64,
}

impl MemoryOutbox {
    /// An empty outbox.
    pub(crate) fn new() -> MemoryOutbox {
        MemoryOutbox {
            state: Mutex::new(State {
                origin: Origin {
                    identity: new_identity(),
                    lineage: new_identity(),
                    acked: 0,
                },
                owner: None,
                schemas: Vec::new(),
                rows: VecDeque::new(),
                last_seq: 0,
                version: 0,
            }),
            uploader: Arc::new(AtomicBool::new(false)),
        }
    }

    // Every change below is made of steps that cannot panic half way, so the state is sound even
    // if a thread died with it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to drain, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Right(Arc<AtomicBool>);

impl Drop for Right {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Outbox for MemoryOutbox {
    fn origin(&self) -> Result<Origin> {
        Ok(self.state().origin.clone())
    }

    fn renew_identity(&self) -> Result<String> {
        let mut state = self.state();
        let acked = state.origin.acked;
        state.rows.retain(|row| row.seq > acked);
        state.origin = Origin {
            identity: new_identity(),
            lineage: new_identity(),
            acked: 0,
        };
        Ok(state.origin.identity.clone())
    }

    fn owner(&self) -> Result<Option<Owner>> {
        Ok(self.state().owner.clone())
    }

    fn set_owner(&self, owner: &Owner) -> Result<()> {
        self.state().owner = Some(owner.clone());
        Ok(())
    }

    fn set_first_owner(&self, owner: &Owner) -> Result<Owner> {
        Ok(self.state().owner.get_or_insert_with(|| owner.clone()).clone())
    }

    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId> {
        let mut state = self.state();
        let known = state
            .schemas
            .iter()
            .position(|schema| schema.fingerprint == fingerprint);
        let index = known.unwrap_or_else(|| {
            state.schemas.push(StoredSchema {
                fingerprint: fingerprint.to_owned(),
                json: json.to_owned(),
            });
            state.schemas.len() - 1
        });
        Ok(SchemaId(index as i64 + 1))
    }

    fn schema(&self, id: SchemaId) -> Result<StoredSchema> {
        let index = usize::try_from(id.0 - 1).ok();
        let state = self.state();
        let found = index.and_then(|index| state.schemas.get(index));
        found.cloned().ok_or(Error::UnknownSchema { id })
    }

    fn store(&self, transaction: &WriteTransaction<'_>) -> Result<Number> {
        check(transaction)?;
        self.schema(transaction.schema)?;
        let mut state = self.state();
        state.last_seq += 1;
        state.version += 1;
        let seq = state.last_seq;
        state.rows.push_back(Row {
            seq,
            schema: transaction.schema,
            runs: transaction.runs.into(),
            objects: objects(transaction.runs),
            bytes: transaction.payload.len() as u64,
            codec: Codec::Identity,
            payload: Bytes::copy_from_slice(transaction.payload),
        });
        Ok(Number::new(0, seq))
    }

    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        let state = self.state();
        let mut rows: Vec<Row> = Vec::new();
        let mut bytes = 0;
        let after = after.max(state.origin.acked);
        for row in state.rows.iter().filter(|row| row.seq > after) {
            if !rows.is_empty() && bytes + row.bytes > max_bytes {
                break;
            }
            bytes += row.bytes;
            rows.push(row.clone());
        }
        Ok((!rows.is_empty()).then_some(Lease { rows }))
    }

    fn acknowledge(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        let mut state = self.state();
        if state.origin.identity != identity {
            return Ok(false);
        }
        let through = settlement.through.min(state.last_seq);
        if through > state.origin.acked {
            state.origin.acked = through;
            state.origin.lineage = new_identity();
        }
        Ok(true)
    }

    /// Keeps no record of refusals.
    fn conclude(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        if !settlement.leave {
            return Ok(self.state().origin.identity == identity);
        }
        let settled = self.acknowledge(identity, settlement)?;
        if settled {
            let mut state = self.state();
            state.rows.retain(|row| row.seq > settlement.through);
        }
        Ok(settled)
    }

    fn loss_mark(&self) -> Result<LossMark> {
        Ok(LossMark { entry: 0, oldest: 0 })
    }

    fn losses(&self, _: LossMark, _: i64) -> Result<Vec<Loss>> {
        Ok(Vec::new())
    }

    fn last_seq(&self) -> Result<i64> {
        Ok(self.state().last_seq)
    }

    fn newest_waiting(&self) -> Result<i64> {
        Ok(self.state().rows.back().map_or(0, |row| row.seq))
    }

    fn pending(&self) -> Result<Pending> {
        let state = self.state();
        Ok(Pending {
            transactions: state.rows.len() as u64,
            objects: state.rows.iter().map(|row| row.objects).sum(),
            bytes: state.rows.iter().map(|row| row.bytes).sum(),
        })
    }

    fn waiting_since(&self) -> Result<Option<i64>> {
        Ok(None)
    }

    fn oldest(&self) -> Result<Option<i64>> {
        Ok(self.state().rows.front().map(|row| row.seq))
    }

    fn fate(&self, number: Number, is_acknowledged: bool) -> Result<Fate> {
        let waits = self.state().rows.iter().any(|row| row.seq == number.seq());
        Ok(match number.seq() {
            _ if waits && !is_acknowledged => Fate::Waiting,
            seq if (1..=self.state().last_seq).contains(&seq) => Fate::Persisted,
            _ => Fate::Unknown,
        })
    }

    fn tally(&self) -> Result<Tally> {
        Ok(Tally {
            waiting: self.pending()?,
            ..Tally::default()
        })
    }

    fn version(&self) -> Result<i64> {
        Ok(self.state().version)
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }

    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>> {
        let free = !self.uploader.swap(true, Ordering::AcqRel);
        Ok(free.then(|| UploaderGuard(Hold::OfMemory(Right(Arc::clone(&self.uploader))))))
    }
}

//! Documents on their way into each collection. The database gets so many requests for a collection at a time; what comes
//! meanwhile, from whatever device, waits in line and goes together.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::Database;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, oneshot};

use super::DataSources;
use super::insert::{Insert, Inserted};
use crate::backend::BackendError;
use crate::definition::Destination;
use crate::ingest::Place;

/// Requests for one collection at a time. With more, small batches become slower, as each request has fewer of them; large ones
/// become no faster.
const TURNS: usize = 4;

/// Bytes of documents on their way, of all collections: a second of what a fast deployment takes. They are copies, so this is
/// memory as well.
const ROOM: usize = 64 * 1024 * 1024;

/// Data source, database and collection.
type Name = (String, String, String);

/// See the module. Any thread may use it.
pub(super) struct Lines {
    sources: DataSources,
    lines: Mutex<HashMap<Name, Arc<Line>>>,
    room: Arc<Semaphore>,
}

/// What is on its way into one collection.
pub(super) struct Line {
    pub(super) database: Database,
    pub(super) collection: String,
    /// Set once the collection was made, where that is more than to store something in it.
    pub(super) made: OnceCell<()>,
    waiting: Mutex<VecDeque<Together>>,
    turns: Semaphore,
    room: Arc<Semaphore>,
}

/// The documents of one request.
struct Together {
    insert: Insert,
    members: Vec<Member>,
}

/// Documents of one batch in it.
struct Member {
    /// Index of the first of them.
    first: usize,
    reply: oneshot::Sender<Result<Inserted, BackendError>>,
    _room: OwnedSemaphorePermit,
}

/// The answer for the documents of one batch.
pub(super) type Answered = oneshot::Receiver<Result<Inserted, BackendError>>;

impl Lines {
    pub(super) fn new(sources: DataSources) -> Self {
        Self {
            sources,
            lines: Mutex::default(),
            room: Arc::new(Semaphore::new(ROOM)),
        }
    }

    /// The line of a collection.
    pub(super) fn of(&self, destination: &Destination<'_>) -> Arc<Line> {
        let Destination {
            data_source,
            database,
            collection,
            ..
        } = *destination;
        let name = [data_source, database, collection].map(str::to_owned).into();
        let mut lines = locked(&self.lines);
        let line = lines.entry(name).or_insert_with(|| {
            Arc::new(Line {
                database: self.sources.of(data_source).database(database),
                collection: collection.to_owned(),
                made: OnceCell::new(),
                waiting: Mutex::default(),
                turns: Semaphore::new(TURNS),
                room: Arc::clone(&self.room),
            })
        });
        Arc::clone(line)
    }
}

impl Line {
    /// Puts documents into the line, once there is room for them. They fit into one request.
    pub(super) async fn join(self: &Arc<Self>, places: &[Place<'_>]) -> Result<Answered, BackendError> {
        let bytes: usize = places.iter().map(|place| place.document.len()).sum();
        let taken = u32::try_from(bytes.min(ROOM)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(taken).await;
        let room = room.map_err(|_| BackendError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let mut waiting = locked(&self.waiting);
        let is_alone = waiting
            .back()
            .is_none_or(|last| !last.insert.has_room(places.len(), bytes));
        if is_alone {
            waiting.push_back(Together {
                insert: Insert::into(&self.database, &self.collection)?,
                members: Vec::new(),
            });
        }
        if let Some(last) = waiting.back_mut() {
            last.members.push(Member {
                first: last.insert.count(),
                reply,
                _room: room,
            });
            places.iter().for_each(|place| last.insert.push(place.document));
        }
        drop(waiting);
        if is_alone {
            // Apart from who began it: the others count on it.
            let line = Arc::clone(self);
            tokio::spawn(async move { line.send().await });
        }
        Ok(answer)
    }

    /// Sends documents that go with no others.
    pub(super) async fn alone(&self, places: &[Place<'_>]) -> Result<Inserted, BackendError> {
        let mut insert = Insert::into(&self.database, &self.collection)?;
        places.iter().for_each(|place| insert.push(place.document));
        let _turn = self.turns.acquire().await.map_err(|_| BackendError::Closed)?;
        insert.run(&self.database).await
    }

    /// Sends what is first in the line, when it has a turn.
    async fn send(&self) {
        let _turn = self.turns.acquire().await;
        let first = locked(&self.waiting).pop_front();
        if let Some(Together { insert, members }) = first {
            answer(members, insert.run(&self.database).await);
        }
    }
}

/// Gives each its own part of the answer. Who does not wait any more is sent his documents again, and finds them.
fn answer(members: Vec<Member>, outcome: Result<Inserted, BackendError>) {
    let mut faults = match outcome {
        Ok(Inserted::Except(faults)) => faults,
        Ok(Inserted::None) => {
            for member in members {
                let _ = member.reply.send(Ok(Inserted::None));
            }
            return;
        }
        Err(error) => {
            for member in members {
                let error = BackendError::Unavailable(error.to_string());
                let _ = member.reply.send(Err(error));
            }
            return;
        }
    };
    faults.sort_by_key(|(index, _)| *index);
    for member in members.into_iter().rev() {
        let own = faults.partition_point(|(index, _)| *index < member.first);
        let own = faults.split_off(own).into_iter();
        let own = own.map(|(index, fault)| (index - member.first, fault));
        let _ = member.reply.send(Ok(Inserted::Except(own.collect())));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use super::super::errors::{Fault, Unique};
    use super::*;

    #[test]
    fn each_is_told_what_is_wrong_with_its_own_documents() {
        let room = Arc::new(Semaphore::new(10));
        let (mut members, mut answers) = (Vec::new(), Vec::new());
        for first in [0, 2, 3, 5] {
            let (reply, answer) = oneshot::channel();
            members.push(Member {
                first,
                reply,
                _room: Arc::clone(&room).try_acquire_owned().unwrap(),
            });
            answers.push(answer);
        }
        let faults = [6, 1, 5, 3].map(|index| (index, Fault::Duplicate(Unique::Id)));
        answer(members, Ok(Inserted::Except(faults.into())));
        let told = answers.into_iter().map(|mut answer| match answer.try_recv() {
            Ok(Ok(Inserted::Except(faults))) => faults.into_iter().map(|(index, _)| index).collect(),
            other => panic!("{other:?}"),
        });
        let wanted = [vec![1], vec![], vec![0], vec![0, 1]];
        assert_eq!(told.collect::<Vec<Vec<_>>>(), wanted);
        assert_eq!(room.available_permits(), 10);
    }
}

//! Documents on their way into each collection. The database gets so many requests for a collection at a time; what comes
//! meanwhile, from whatever device, waits in line and goes together.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::Database;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, oneshot};

use super::DataSources;
use super::insert::{Insert, Inserted};
use super::intents::Intent;
use crate::backend::BackendError;
use crate::definition::Destination;
use crate::ingest::Place;

/// Requests for one collection at a time. With more, small batches become slower, as each request has fewer of them; large ones
/// become no faster.
const TURNS: usize = 4;

/// Bytes of documents on their way, of all collections of a deployment: a second of what a fast one takes. They are copies, so
/// this is memory as well. One that does not answer takes no room from others.
const ROOM: usize = 64 * 1024 * 1024;

/// Data source, database and collection.
type Name = (String, String, String);

/// See the module. Any thread may use it.
pub(super) struct Lines {
    sources: DataSources,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    lines: HashMap<Name, Arc<Line>>,
    /// Of each deployment, by the name it is known by.
    rooms: HashMap<String, Arc<Semaphore>>,
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
            all: Mutex::default(),
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
        let All { lines, rooms } = &mut *locked(&self.all);
        let line = lines.entry(name).or_insert_with(|| {
            let deployment = self.sources.deployment(data_source).to_owned();
            let room = rooms.entry(deployment);
            Arc::new(Line {
                database: self.sources.of(data_source).database(database),
                collection: collection.to_owned(),
                made: OnceCell::new(),
                waiting: Mutex::default(),
                turns: Semaphore::new(TURNS),
                room: Arc::clone(room.or_insert_with(|| Arc::new(Semaphore::new(ROOM)))),
            })
        });
        Arc::clone(line)
    }
}

impl Line {
    /// Puts documents into the line, once there is room for them. They fit into one request.
    pub(super) async fn join(self: &Arc<Self>, places: &[Place<'_>]) -> Result<Answered, BackendError> {
        let bytes = bytes_of(places);
        let room = self.room_for(bytes).await?;
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

    /// Sends documents that go with no others. They are copied once it is their turn, and go if the intent still lasts then. Room
    /// comes before the turn here as in [`join`](Self::join): who has a turn and waits for the room of those who wait for turns
    /// would wait for himself.
    pub(super) async fn alone(
        &self,
        places: &[Place<'_>],
        intent: Option<&Intent>,
    ) -> Result<Inserted, BackendError> {
        let _room = self.room_for(bytes_of(places)).await?;
        let _turn = self.turns.acquire().await.map_err(|_| BackendError::Closed)?;
        let mut insert = Insert::into(&self.database, &self.collection)?;
        places.iter().for_each(|place| insert.push(place.document));
        intent.map_or(Ok(()), Intent::check)?;
        insert.run(&self.database).await
    }

    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BackendError> {
        let taken = u32::try_from(bytes.min(ROOM)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(taken).await;
        room.map_err(|_| BackendError::Closed)
    }

    /// Sends what is first in the line, when it has a turn; what nobody waits for any more is not sent.
    async fn send(&self) {
        let _turn = self.turns.acquire().await;
        let first = locked(&self.waiting).pop_front();
        if let Some(Together { insert, members }) = first
            && members.iter().any(|member| !member.reply.is_closed())
        {
            answer(members, insert.run(&self.database).await);
        }
    }
}

fn bytes_of(places: &[Place<'_>]) -> usize {
    places.iter().map(|place| place.document.len()).sum()
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
mod tests;

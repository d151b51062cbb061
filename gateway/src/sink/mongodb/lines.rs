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

    /// Sends documents that go with no others. They are copied once it is their turn. Room comes before the turn here as in
    /// [`join`](Self::join): who has a turn and waits for the room of those who wait for turns would wait for himself.
    pub(super) async fn alone(&self, places: &[Place<'_>]) -> Result<Inserted, BackendError> {
        let _room = self.room_for(bytes_of(places)).await?;
        let _turn = self.turns.acquire().await.map_err(|_| BackendError::Closed)?;
        let mut insert = Insert::into(&self.database, &self.collection)?;
        places.iter().for_each(|place| insert.push(place.document));
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use bson::doc;
    use tokio::net::TcpListener;

    use super::super::errors::{Fault, Unique};
    use super::*;
    use crate::cluster::Cluster;
    use crate::definition::Definition;

    fn members(room: &Arc<Semaphore>, firsts: &[usize]) -> (Vec<Member>, Vec<Answered>) {
        let member = |first: &usize| {
            let (reply, answer) = oneshot::channel();
            let room = Arc::clone(room).try_acquire_owned().unwrap();
            let member = Member {
                first: *first,
                reply,
                _room: room,
            };
            (member, answer)
        };
        firsts.iter().map(member).unzip()
    }

    /// The lines of two deployments that take connections and never answer, and what keeps these so.
    async fn lines() -> (Lines, [TcpListener; 2]) {
        let silent = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0"));
        let [one, other] = silent;
        let listeners = [one.await.unwrap(), other.await.unwrap()];
        let cluster = async |listener: &TcpListener| {
            let uri = format!(
                "mongodb://{}/?directConnection=true",
                listener.local_addr().unwrap()
            );
            Cluster::new(&uri.into()).await.unwrap()
        };
        let [one, other] = &listeners;
        let sources = DataSources::new(cluster(one).await).with("other".to_owned(), cluster(other).await);
        (Lines::new(sources), listeners)
    }

    fn line(lines: &Lines, data_source: &str) -> Arc<Line> {
        let mut definition = Definition::development(None);
        definition.sync.data_source = Some(data_source.to_owned());
        lines.of(&definition.destination("Reading"))
    }

    fn place(document: &[u8]) -> Place<'_> {
        Place {
            class: "Reading",
            seq: 1,
            index: 0,
            document,
        }
    }

    #[tokio::test]
    async fn what_waits_for_one_deployment_takes_no_room_from_another() {
        let (lines, _silent) = lines().await;
        let document = doc! {"_id": 1}.to_vec().unwrap();
        let hung = line(&lines, "one");
        let _all = hung.room_for(ROOM).await.unwrap();
        let same = line(&lines, "another name of it");
        assert_eq!(
            same.room.available_permits(),
            0,
            "names of one deployment share its room"
        );
        let good = line(&lines, "other");
        assert!(good.room.available_permits() >= ROOM);
        let joined = at_once(good.join(&[place(&document)]));
        assert!(joined.is_some());
    }

    /// What a future answers that has to wait for nothing.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_sent_and_gives_its_room_back() {
        let (lines, _silent) = lines().await;
        let line = line(&lines, "one");
        let turns = line
            .turns
            .acquire_many(u32::try_from(TURNS).unwrap())
            .await
            .unwrap();
        let document = doc! {"_id": 1}.to_vec().unwrap();
        drop(line.join(&[place(&document)]).await.unwrap());
        assert_eq!(line.room.available_permits(), ROOM - document.len());
        drop(turns);
        // All that can run has run by then. The deployment never answers, so what was sent would keep its room.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(line.room.available_permits(), ROOM);
        assert_eq!(line.turns.available_permits(), TURNS);
    }

    #[tokio::test]
    async fn what_goes_alone_takes_its_room_before_a_turn() {
        let (lines, _silent) = lines().await;
        let line = line(&lines, "one");
        let document = doc! {"_id": 1}.to_vec().unwrap();
        let all = line.room_for(ROOM).await.unwrap();
        let places = [place(&document)];
        let mut alone = std::pin::pin!(line.alone(&places));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(alone.as_mut().poll(&mut context).is_pending());
        assert_eq!(line.turns.available_permits(), TURNS, "no turn is held meanwhile");
        drop(all);
        assert!(alone.as_mut().poll(&mut context).is_pending());
        assert_eq!(line.room.available_permits(), ROOM - document.len());
        assert_eq!(line.turns.available_permits(), TURNS - 1);
    }

    #[test]
    fn each_is_told_what_is_wrong_with_its_own_documents() {
        let room = Arc::new(Semaphore::new(10));
        let (members, answers) = members(&room, &[0, 2, 3, 5]);
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

    #[test]
    fn a_document_that_the_database_does_not_store_concerns_who_sent_it() {
        let room = Arc::new(Semaphore::new(10));
        let (members, mut answers) = members(&room, &[0, 1]);
        answer(members, Ok(Inserted::Except(vec![(1, Fault::Unknown(4_711))])));
        let mut told = answers.iter_mut().map(|answer| match answer.try_recv() {
            Ok(Ok(Inserted::Except(faults))) => faults,
            other => panic!("{other:?}"),
        });
        assert_eq!(told.next(), Some(vec![]));
        assert_eq!(told.next(), Some(vec![(0, Fault::Unknown(4_711))]));
    }
}

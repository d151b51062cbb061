//! Moves of positions on their way. The database gets one command of them at a time; what comes meanwhile waits, and goes together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bson::{Bson, Document, doc};
use mongodb::{Collection, Database};
use tokio::sync::{Semaphore, oneshot};

use super::request::answered;
use crate::backend::BackendError;

/// See the module. Clones are the same.
#[derive(Clone)]
pub(super) struct Moves(Arc<Shared>);

struct Shared {
    database: Database,
    collection: String,
    waiting: Mutex<Vec<Move>>,
    turn: Semaphore,
}

/// A change of one record.
struct Move {
    update: Document,
    reply: oneshot::Sender<Result<Moved, BackendError>>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It was as the filter says, and is changed.
    Yes,
    /// It was not.
    No,
    /// One or the other: the database counts what it changes and does not say which that was.
    Unclear,
}

impl Moves {
    /// Of the records of a collection.
    pub(super) fn of(database: &Database, collection: &Collection<Document>) -> Self {
        Self(Arc::new(Shared {
            database: database.clone(),
            collection: collection.name().to_owned(),
            waiting: Mutex::default(),
            turn: Semaphore::new(1),
        }))
    }

    /// Sets fields of the record that the filter finds. What is answered is as durable as the write concern of the database.
    pub(super) async fn make(&self, filter: Document, set: Document) -> Result<Moved, BackendError> {
        let (reply, answer) = oneshot::channel();
        let update = doc! {"q": filter, "u": {"$set": set}};
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Move { update, reply });
            waiting.len() == 1
        };
        if is_first {
            // Apart from who began it: the others count on it.
            let moves = self.clone();
            tokio::spawn(async move { moves.send().await });
        }
        answer.await.map_err(|_| BackendError::Closed)?
    }

    /// Sends all that wait once it is their turn.
    async fn send(&self) {
        let _turn = self.0.turn.acquire().await;
        let moves = std::mem::take(&mut *self.waiting());
        let (updates, replies): (Vec<_>, Vec<_>) =
            moves.into_iter().map(|one| (one.update, one.reply)).unzip();
        let made = self.run(updates).await;
        for reply in replies {
            let made = made.as_ref().copied();
            let _ = reply.send(made.map_err(|error| BackendError::Unavailable(error.to_string())));
        }
    }

    async fn run(&self, updates: Vec<Document>) -> Result<Moved, BackendError> {
        let count = updates.len();
        let mut command = doc! {"update": &self.0.collection, "updates": updates, "ordered": false};
        if let Some(concern) = self.0.database.write_concern() {
            let concern = bson::serialize_to_bson(concern);
            command.insert("writeConcern", concern.map_err(|error| failed(&error))?);
        }
        let reply = answered(self.0.database.run_command(command)).await?;
        for field in ["writeConcernError", "writeErrors"] {
            if let Some(error) = reply.get(field) {
                return Err(failed(error));
            }
        }
        let changed = match reply.get("n") {
            Some(Bson::Int32(changed)) => usize::try_from(*changed).unwrap_or_default(),
            Some(Bson::Int64(changed)) => usize::try_from(*changed).unwrap_or_default(),
            _ => return Err(failed("the reply has no count")),
        };
        Ok(match changed {
            0 => Moved::No,
            changed if changed == count => Moved::Yes,
            _ => Moved::Unclear,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Move>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: impl std::fmt::Display) -> BackendError {
    BackendError::Unavailable(format!(
        "MongoDB has not moved the positions of outboxes: {error}"
    ))
}

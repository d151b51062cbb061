//! Tries dead letters again. A document that passes is stored first, then its letter is taken away: after a crash between the two it is
//! found stored when it is tried again.

mod letter;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bson::{RawDocumentBuf, doc};
use mongodb::Collection;
use mongodb::error::{ErrorKind, WriteFailure};
use realm_ingest_protocol::{RefusalCode, Violation};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::letter::{Transaction, id, key, outbox, place, place_of, transaction};
use super::super::compare::{self, Identity, Stored};
use super::super::documents::settle_apart;
use super::super::errors::{self, Fault};
use super::super::lines::Line;
use super::super::request::{answered, collection};
use super::super::{insert, time_series};
use super::MongoOperator;
use crate::backend::BackendError;
use crate::definition::{Definition, Destination};
use crate::ingest::{Place, Refusals, Refused};
use crate::memory::Budget;
use crate::sink::{DeadLetter, Replayed, Verdict};

/// Bytes of what is said about refused documents of a page, which is far less.
const ROOM: usize = 64 * 1024 * 1024;

/// What is stored of an outbox into collections that take a document twice is stored by then. A request that is not done in half
/// of it is given up.
const TAKES: Duration = Duration::from_secs(90);

/// See the module.
pub(super) struct Replay<'o> {
    operator: &'o MongoOperator,
    definition: &'o Definition,
    current: Current,
    budget: Budget,
    pub(super) done: Replayed,
}

/// The transaction of a device whose letters were tried last. Of two with one `_id` the later stands, as when they came.
#[derive(Default)]
struct Current {
    transaction: Transaction,
    /// Classes and `_id`s of documents that were stored out of it.
    stored: HashSet<(String, Vec<u8>)>,
}

/// What becomes of a letter.
#[derive(Clone)]
enum Fate {
    Stored,
    Already,
    Left(Violation),
}

impl<'o> Replay<'o> {
    pub(super) fn new(operator: &'o MongoOperator, definition: &'o Definition) -> Self {
        Self {
            operator,
            definition,
            current: Current::default(),
            budget: Budget::new(Arc::new(Semaphore::new(ROOM))),
            done: Replayed::default(),
        }
    }

    /// Stores those that passed, and says of the others why they stay.
    pub(super) async fn settle(&mut self, tried: Vec<(DeadLetter, Verdict)>) -> Result<(), BackendError> {
        // Of one outbox a letter is told by its sequence number and index.
        for of_outbox in tried.chunk_by(|(one, _), (other, _)| outbox(one) == outbox(other)) {
            self.settle_outbox(of_outbox).await?;
        }
        Ok(())
    }

    async fn settle_outbox(&mut self, tried: &[(DeadLetter, Verdict)]) -> Result<(), BackendError> {
        let (Some((first, _)), Some((last, _))) = (tried.first(), tried.last()) else {
            return Ok(());
        };
        let (first, last) = (transaction(first), transaction(last));
        if self.current.transaction != first {
            self.current = Current {
                transaction: first.clone(),
                stored: HashSet::new(),
            };
        }
        let mut classes: BTreeMap<&str, Vec<&DeadLetter>> = BTreeMap::new();
        for (letter, verdict) in tried {
            match verdict {
                Ok(()) => classes.entry(&letter.collection).or_default().push(letter),
                Err(None) => self.done.left += 1,
                Err(Some(why)) => self.leave(letter, why).await?,
            }
        }
        let mut stored = HashSet::new();
        for (class, letters) in classes {
            let fates = self.store(class, &letters).await?;
            let mut gone = Vec::new();
            for (letter, fate) in letters.into_iter().zip(fates) {
                match fate {
                    Fate::Left(why) => {
                        self.leave(letter, &why).await?;
                        continue;
                    }
                    Fate::Stored => {
                        self.done.stored += 1;
                        if transaction(letter) == last {
                            stored.insert((class.to_owned(), id(letter)));
                        }
                    }
                    Fate::Already => self.done.already += 1,
                }
                gone.push((place_of(letter), letter.document.len()));
            }
            self.operator.remove_ids(gone).await?;
        }
        if first != last {
            self.current = Current::default();
        }
        self.current.transaction = last;
        self.current.stored.extend(stored);
        Ok(())
    }

    /// Stores documents of one class. Of those of one transaction with one `_id` the last is sent, and the others go as it does:
    /// they stay when it is refused, as none of them is stored then.
    async fn store(&self, class: &str, letters: &[&DeadLetter]) -> Result<Vec<Fate>, BackendError> {
        let destination = self.definition.destination(class);
        let line = self.operator.lines.of(&destination);
        let same_document = |letter: &DeadLetter| (letter.seq, letter.time, id(letter));
        let last: HashMap<_, _> = letters
            .iter()
            .map(|letter| (same_document(letter), *letter))
            .collect();
        let stands = |letter: &&&DeadLetter| {
            let last = last.get(&same_document(letter));
            last.is_some_and(|last| last.index == letter.index)
        };
        let places: Vec<_> = letters
            .iter()
            .filter(stands)
            .map(|letter| place(letter))
            .collect();
        let mut found = Refusals::new(self.budget.another());
        let already = match letters.first() {
            Some(first) if !destination.has_unique_ids() => {
                self.store_series(&line, &destination, first, &places, &mut found)
                    .await?;
                HashSet::new()
            }
            _ => {
                let documents = collection(&line.database, &line.collection);
                store_unique(&line, &documents, &places, &mut found).await?
            }
        };
        let refused: HashMap<_, _> = found
            .as_slice()
            .iter()
            .map(|one| ((one.seq, one.index), one))
            .collect();
        let mut fates = HashMap::new();
        for (document, letter) in &last {
            let name = (letter.seq, letter.index);
            let fate = match refused.get(&name) {
                None if already.contains(&name) => Fate::Already,
                None => Fate::Stored,
                Some(refused) if self.replaces(letter, refused) && destination.has_unique_ids() => {
                    self.replace(&line, letter).await?
                }
                Some(refused) => Fate::Left(violation(refused)),
            };
            fates.insert(document, fate);
        }
        let fates = letters.iter().map(|letter| fates.get(&same_document(letter)));
        // Each has one, or stays until it is known.
        fates.map(|fate| fate.cloned().ok_or_else(unknown)).collect()
    }

    /// Stores documents in a time-series collection, which takes one twice: as a batch of their outbox would be.
    async fn store_series(
        &self,
        line: &Line,
        destination: &Destination<'_>,
        of: &DeadLetter,
        places: &[Place<'_>],
        found: &mut Refusals,
    ) -> Result<(), BackendError> {
        let Some(options) = destination.time_series else {
            return Ok(());
        };
        let intent = self.operator.intents.begin(&key(of), TAKES).await?;
        let stored = async {
            for request in requests(places) {
                time_series::store(line, options, request, Some(&intent), found).await?;
            }
            Ok(())
        };
        // What a request began that is given up ends soon behind it.
        timeout(TAKES / 2, stored).await.unwrap_or_else(|_| {
            Err(BackendError::Unavailable(format!(
                "MongoDB has not stored the letters of an outbox in a time-series collection within {} seconds; replay them again",
                TAKES.as_secs() / 2
            )))
        })?;
        self.operator.intents.end(intent).await
    }

    /// Puts a document in the place of the one with its `_id`, or where that was: another may have taken it away just now.
    async fn replace(&self, line: &Line, letter: &DeadLetter) -> Result<Fate, BackendError> {
        let documents: Collection<RawDocumentBuf> = collection(&line.database, &line.collection);
        let document = RawDocumentBuf::from_bytes(letter.document.clone())
            .map_err(|error| super::walk::damaged("a dead letter", error))?;
        let filter = doc! {"_id": compare::id_of(&letter.document)};
        let replaced = answered(async {
            match documents.replace_one(filter, document).await {
                Ok(replaced) => Ok(Ok(replaced.matched_count > 0)),
                Err(error) => match &*error.kind {
                    ErrorKind::Write(WriteFailure::WriteError(refused)) => Ok(Err(refused.clone())),
                    _ => Err(error),
                },
            }
        });
        match replaced.await? {
            Ok(true) => return Ok(Fate::Stored),
            Ok(false) => {}
            Err(refused) => {
                return Ok(Fate::Left(
                    match errors::fault(refused.code, &refused.message, None) {
                        Fault::Duplicate(index) => errors::not_unique(&index),
                        Fault::Refused(violation) => violation,
                        Fault::Unknown(code) => return Err(errors::not_stored(&line.collection, code)),
                    },
                ));
            }
        }
        let mut found = Refusals::new(self.budget.another());
        settle_apart(line, &[place(letter)], None, &mut found).await?;
        Ok(match found.as_slice().first() {
            None => Fate::Stored,
            Some(refused) => Fate::Left(violation(refused)),
        })
    }

    /// Whether what has the `_id` of a letter's document came in the same transaction before it.
    fn replaces(&self, letter: &DeadLetter, refused: &Refused) -> bool {
        refused.code == RefusalCode::DuplicateId
            && self.current.transaction == transaction(letter)
            && self
                .current
                .stored
                .contains(&(letter.collection.clone(), id(letter)))
    }

    /// Keeps a letter, with the reason that it now has.
    async fn leave(&mut self, letter: &DeadLetter, why: &Violation) -> Result<(), BackendError> {
        self.done.left += 1;
        let Violation { code, reason } = why;
        if (code.as_str(), reason) == (&letter.code, &letter.reason) {
            return Ok(());
        }
        let change = doc! {"$set": {"code": code.as_str(), "reason": reason}};
        let letters = &self.operator.letters;
        answered(letters.update_one(doc! {"_id": place_of(letter)}, change)).await?;
        Ok(())
    }
}

/// Stores documents that no collection takes twice. The answer is those that were there, as they are.
async fn store_unique(
    line: &Line,
    documents: &Collection<RawDocumentBuf>,
    places: &[Place<'_>],
    found: &mut Refusals,
) -> Result<HashSet<(i64, u32)>, BackendError> {
    let there = compare::stored(documents, places, &doc! {}, Identity::BY_ID).await?;
    let (same, new): (Vec<_>, Vec<_>) = places
        .iter()
        .zip(there)
        .partition(|(_, stored)| *stored == Stored::Same);
    let new: Vec<_> = new.into_iter().map(|(place, _)| *place).collect();
    for request in requests(&new) {
        settle_apart(line, request, None, found).await?;
    }
    Ok(same
        .into_iter()
        .map(|(place, _)| (place.seq, place.index))
        .collect())
}

fn violation(refused: &Refused) -> Violation {
    Violation {
        code: refused.code,
        reason: refused.reason.to_string(),
    }
}

fn unknown() -> BackendError {
    BackendError::Unavailable("it is not known whether a dead letter was stored; replay it again".to_owned())
}

/// As many of them as go in one request, time after time.
fn requests<'a, 'p>(mut places: &'a [Place<'p>]) -> impl Iterator<Item = &'a [Place<'p>]> {
    std::iter::from_fn(move || {
        let (mut count, mut bytes) = (0, 0);
        for place in places {
            if !insert::has_room(count, bytes, 1, place.document.len()) {
                break;
            }
            (count, bytes) = (count + 1, bytes + place.document.len());
        }
        let (request, rest) = places.split_at(count);
        places = rest;
        (count > 0).then_some(request)
    })
}

//! Stores the documents of a batch, each in the collection of its class.

use std::collections::BTreeMap;

use mongodb::Database;

use super::DataSources;
use super::compare::{self, Stored};
use super::errors::{self, Fault, Unique};
use super::insert::{Insert, Inserted};
use super::request::{collection, local};
use crate::backend::BackendError;
use crate::definition::Destination;
use crate::ingest::{Batch, Place, Refusals};

/// Documents of one collection, on their way.
pub(super) struct Group<'b> {
    database: Database,
    collection: &'b str,
    insert: Insert,
    places: Vec<Place<'b>>,
}

/// Documents that have an `_id`, or another unique value, of one that is there.
type Duplicates<'b> = Vec<(Place<'b>, Unique)>;

/// Stores the documents of a batch. The answer is those that the database does not take.
pub(super) async fn store(sources: &DataSources, batch: &Batch) -> Result<Refusals, BackendError> {
    let mut found = batch.none_found();
    let mut open: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for place in batch.documents() {
        let class = place.class;
        if let Some(group) = open.remove(class) {
            if group.insert.has_room(place.document.len()) {
                open.insert(class, group);
            } else {
                settle(group, &mut found).await?;
            }
        }
        if !open.contains_key(class) {
            let destination = batch.definition.destination(class);
            open.insert(class, Group::of(sources, destination)?);
        }
        if let Some(group) = open.get_mut(class) {
            group.push(place);
        }
    }
    for group in open.into_values() {
        settle(group, &mut found).await?;
    }
    found.sort();
    Ok(found)
}

impl<'b> Group<'b> {
    fn of(sources: &DataSources, destination: Destination<'b>) -> Result<Self, BackendError> {
        let database = sources.of(destination.data_source).database(destination.database);
        Self::into(database, destination.collection)
    }

    fn into(database: Database, collection: &'b str) -> Result<Self, BackendError> {
        Ok(Self {
            insert: Insert::into(&database, collection)?,
            database,
            collection,
            places: Vec::new(),
        })
    }

    fn push(&mut self, place: Place<'b>) {
        self.insert.push(place.document);
        self.places.push(place);
    }

    /// The same documents in two commands.
    fn halves(&self) -> Result<[Self; 2], BackendError> {
        let (first, second) = self.places.split_at(self.places.len() / 2);
        let half = |places: &[Place<'b>]| {
            let mut half = Self::into(self.database.clone(), self.collection)?;
            places.iter().for_each(|place| half.push(*place));
            Ok::<_, BackendError>(half)
        };
        Ok([half(first)?, half(second)?])
    }
}

/// Stores documents of one collection.
async fn settle(group: Group<'_>, found: &mut Refusals) -> Result<(), BackendError> {
    let mut waiting = vec![group];
    while let Some(mut group) = waiting.pop() {
        let empty = Insert::into(&group.database, group.collection)?;
        let insert = std::mem::replace(&mut group.insert, empty);
        match insert.run(&group.database).await? {
            Inserted::Except(faults) => settle_faults(&group, faults, found).await?,
            // Which of them it is shows when they go apart.
            Inserted::None => waiting.extend(group.halves()?),
        }
    }
    Ok(())
}

async fn settle_faults(
    group: &Group<'_>,
    faults: Vec<(usize, Fault)>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let mut duplicates = Vec::new();
    for (index, fault) in faults {
        let Some(place) = group.places.get(index) else {
            let text = "MongoDB has reported a write error of a document that was not sent";
            return Err(BackendError::Unavailable(text.to_owned()));
        };
        match fault {
            Fault::Duplicate(index) => duplicates.push((*place, index)),
            Fault::Refused(violation) => found.push(place.seq, place.index, violation)?,
        }
    }
    settle_duplicates(&group.database, group.collection, duplicates, found).await
}

/// A duplicate that is stored as it was sent is stored; another one is refused.
async fn settle_duplicates(
    database: &Database,
    name: &str,
    duplicates: Duplicates<'_>,
    found: &mut Refusals,
) -> Result<(), BackendError> {
    let by_majority = collection(database, name);
    let absent = taken(&by_majority, duplicates, found).await?;
    if absent.is_empty() {
        return Ok(());
    }
    // Either nothing has its `_id`, or a majority does not have that yet.
    let on_primary = local(database, name);
    let places: Vec<_> = absent.iter().map(|(place, _)| *place).collect();
    let stored = compare::stored(&on_primary, &places).await?;
    for ((place, index), stored) in absent.into_iter().zip(stored) {
        match (stored, index) {
            (Stored::Nothing, Unique::Id) => {
                // The collection may take for one `_id` what is two elsewhere, as its collation says.
                let id = compare::id_of(place.document);
                let similar = by_majority.find_one(bson::doc! {"_id": id});
                if super::request::answered(similar).await?.is_none() {
                    return Err(unsettled());
                }
                found.push_taken(&place)?;
            }
            (Stored::Nothing, index) => found.push(place.seq, place.index, errors::not_unique(&index))?,
            (Stored::Same | Stored::Other, _) => return Err(unsettled()),
        }
    }
    Ok(())
}

/// Refuses those whose `_id` another document has; gives back those whose `_id` nothing has.
async fn taken<'b>(
    collection: &mongodb::Collection<bson::RawDocumentBuf>,
    duplicates: Duplicates<'b>,
    found: &mut Refusals,
) -> Result<Duplicates<'b>, BackendError> {
    let places: Vec<_> = duplicates.iter().map(|(place, _)| *place).collect();
    let stored = compare::stored(collection, &places).await?;
    let mut absent = Vec::new();
    for (duplicate, stored) in duplicates.into_iter().zip(stored) {
        match stored {
            Stored::Same => found.count_equal(),
            Stored::Other => found.push_taken(&duplicate.0)?,
            Stored::Nothing => absent.push(duplicate),
        }
    }
    Ok(absent)
}

fn unsettled() -> BackendError {
    let text = "a document with the _id of one that was sent is being written or deleted in MongoDB, or a majority does not have it yet";
    BackendError::Unavailable(text.to_owned())
}

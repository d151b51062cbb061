//! Keeps dead letters, within the quota: a record of `dead_letters` each, under its place. What is said there of its document is
//! enough to tell another one in the same place.

use std::collections::HashMap;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::options::ReplaceOptions;
use mongodb::{Collection, Database};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::counts::{Added, Counts};
use super::errors::Fault;
use super::insert::{Insert, Inserted};
use super::positions;
use super::request::{answered, collection};
use crate::backend::BackendError;
use crate::ingest::{Batch, Letter, Refusals};
use crate::sink::quota::{Amount, Quota};
use crate::sink::{OutboxKey, Unkept};

pub(super) const LETTERS: &str = "dead_letters";

/// Parts of the documents of letters that are too large for one record.
pub(super) const PARTS: &str = "dead_letter_parts";

/// Letters that are looked up or kept at once.
const CHUNK: usize = 500;

/// Bytes of a document in one record. The database takes 16 MiB in one; devices send more.
pub(super) const PART: usize = 8 * 1024 * 1024;

/// See the module. Any thread may use it.
pub(super) struct Letters {
    database: Database,
    letters: Collection<Document>,
    parts: Collection<Document>,
    counts: Counts,
}

/// SHA-256 of the class and the document.
type Digest = [u8; 32];

/// Letters of one batch that go together.
struct Chunk<'b> {
    id: Document,
    letters: Vec<(Letter<'b>, Digest)>,
}

/// How many of a chunk are there.
enum There {
    /// What is there and what is not.
    Some(Added),
    /// Another letter is in the place of one of them.
    Another,
}

impl Letters {
    pub(super) fn new(database: &Database, quota: Quota) -> Self {
        Self {
            database: database.clone(),
            letters: collection(database, LETTERS),
            parts: collection(database, PARTS),
            counts: Counts::new(database, quota),
        }
    }

    /// Keeps the letters of a batch, those that were `found` included; the answer is what is against that. They are looked at
    /// first, then counted, then kept.
    pub(super) async fn keep(&self, batch: &Batch, found: &Refusals) -> Result<Option<Unkept>, BackendError> {
        let (app, user) = (&batch.context.app, &batch.context.user);
        let mut added = Added::default();
        for chunk in chunks(batch, found) {
            match self.there(&chunk).await? {
                There::Some(more) => added.add(more),
                There::Another => return Ok(Some(copied(batch, &chunk))),
            }
        }
        if added.new == Amount::default() {
            return Ok(None);
        }
        if let Some(full) = self.counts.reserve(app, user, added, batch.received).await? {
            return Ok(Some(Unkept::Full(full)));
        }
        let mut kept = Amount::default();
        for chunk in chunks(batch, found) {
            match self.keep_chunk(batch, &chunk).await? {
                Some(more) => kept.increase(more),
                None => return Ok(Some(copied(batch, &chunk))),
            }
        }
        if kept != added.new {
            // The same batch came at the same time, and has counted them as well.
            let surplus = Amount {
                letters: added.new.letters.saturating_sub(kept.letters),
                bytes: added.new.bytes.saturating_sub(kept.bytes),
            };
            self.counts.release(app, user, surplus).await?;
        }
        Ok(None)
    }

    /// Which letters of a chunk are there.
    async fn there(&self, chunk: &Chunk<'_>) -> Result<There, BackendError> {
        let ids: Vec<_> = chunk
            .letters
            .iter()
            .map(|(letter, _)| chunk.place(letter))
            .collect();
        let find = self.letters.find(doc! {"_id": {"$in": ids}});
        let mut cursor = answered(find.projection(doc! {"digest": 1})).await?;
        let mut there = HashMap::new();
        while answered(cursor.advance()).await? {
            let damaged = |error| BackendError::Damaged(format!("a dead letter in MongoDB: {error}"));
            let record = Document::try_from(cursor.current()).map_err(damaged)?;
            if let (Ok(id), Ok(digest)) = (record.get_document("_id"), record.get_binary_generic("digest")) {
                let place = (id.get_i64("seq").ok(), id.get_i64("index").ok());
                there.insert(place, digest.clone());
            }
        }
        let mut added = Added::default();
        for (letter, digest) in &chunk.letters {
            let place = (Some(letter.place.seq), Some(letter.place.index.into()));
            match there.get(&place) {
                None => added.new.increase(amount(letter)),
                Some(same) if same[..] == digest[..] => added.same.increase(amount(letter)),
                Some(_) => return Ok(There::Another),
            }
        }
        Ok(There::Some(added))
    }

    /// Keeps the letters of a chunk; the answer is what was not there before, nothing when another one is in the place of one of
    /// them.
    async fn keep_chunk(&self, batch: &Batch, chunk: &Chunk<'_>) -> Result<Option<Amount>, BackendError> {
        let mut kept = Amount::default();
        let mut waiting = chunk.letters.iter().peekable();
        while waiting.peek().is_some() {
            let mut insert = Insert::into(&self.database, LETTERS)?;
            let mut sent = Vec::new();
            while let Some((letter, digest)) =
                waiting.next_if(|(letter, _)| insert.has_room(1, letter.place.document.len().min(PART)))
            {
                if letter.place.document.len() > PART {
                    self.keep_parts(chunk, letter, digest).await?;
                }
                let record = record(batch, chunk, letter, digest);
                insert.push(&record.to_vec().map_err(invalid)?);
                sent.push(letter);
            }
            let Inserted::Except(faults) = insert.run(&self.database).await? else {
                return Err(invalid("none of them is taken"));
            };
            sent.iter().for_each(|letter| kept.increase(amount(letter)));
            for (index, fault) in &faults {
                match (fault, sent.get(*index)) {
                    (Fault::Duplicate(_), Some(letter)) => kept.decrease(amount(letter)),
                    (fault, _) => return Err(invalid(format!("{fault:?}"))),
                }
            }
            if !faults.is_empty() {
                match self.there(chunk).await? {
                    There::Another => return Ok(None),
                    There::Some(_) => {}
                }
            }
        }
        // Also those that were there: a majority has all of them.
        match self.there(chunk).await? {
            There::Some(Added { new, .. }) if new == Amount::default() => Ok(Some(kept)),
            There::Some(_) => {
                let text = "a majority of MongoDB does not have a dead letter yet that is there";
                Err(BackendError::Unavailable(text.to_owned()))
            }
            There::Another => Ok(None),
        }
    }

    /// The parts of a large document, before its letter.
    async fn keep_parts(
        &self,
        chunk: &Chunk<'_>,
        letter: &Letter<'_>,
        digest: &Digest,
    ) -> Result<(), BackendError> {
        for (part, bytes) in (0_i64..).zip(letter.place.document.chunks(PART)) {
            // Under the digest, as another letter in this place may have come as far as this.
            let id = doc! {"letter": chunk.place(letter), "digest": binary(digest), "part": part};
            let record = doc! {"_id": id.clone(), "bytes": binary(bytes)};
            let options = ReplaceOptions::builder().upsert(true).build();
            let replace = self.parts.replace_one(doc! {"_id": id}, record);
            answered(replace.with_options(options)).await?;
        }
        Ok(())
    }
}

impl Chunk<'_> {
    /// The `_id` of a letter: its place.
    fn place(&self, letter: &Letter<'_>) -> Document {
        let mut id = self.id.clone();
        id.insert("seq", letter.place.seq);
        id.insert("index", i64::from(letter.place.index));
        id
    }
}

impl Added {
    const fn add(&mut self, more: Self) {
        self.new.increase(more.new);
        self.same.increase(more.same);
    }
}

fn chunks<'b>(batch: &'b Batch, found: &'b Refusals) -> impl Iterator<Item = Chunk<'b>> {
    let id = positions::id(&OutboxKey::from(&batch.context));
    let mut letters = batch.letters(found);
    std::iter::from_fn(move || {
        let chunk = letters.by_ref().take(CHUNK);
        let letters: Vec<_> = chunk.map(|letter| (letter, digest(&letter))).collect();
        let id = id.clone();
        (!letters.is_empty()).then_some(Chunk { id, letters })
    })
}

fn digest(letter: &Letter<'_>) -> Digest {
    let mut digest = Sha256::new();
    digest.update(letter.place.class);
    digest.update([0]);
    digest.update(letter.place.document);
    digest.finalize().into()
}

const fn amount(letter: &Letter<'_>) -> Amount {
    Amount {
        letters: 1,
        bytes: letter.place.document.len() as u64,
    }
}

fn record(batch: &Batch, chunk: &Chunk<'_>, letter: &Letter<'_>, digest: &Digest) -> Document {
    let Letter {
        refused,
        place,
        schema,
    } = letter;
    let mut record = doc! {
        "_id": chunk.place(letter),
        "class": place.class,
        "code": refused.code.as_str(),
        "reason": &*refused.reason,
        "time": DateTime::from_millis(batch.received),
        "schema": *schema,
        "digest": binary(digest),
        "bytes": i64::try_from(place.document.len()).unwrap_or(i64::MAX),
    };
    if place.document.len() <= PART {
        record.insert("document", binary(place.document));
    }
    record
}

fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}

fn copied(batch: &Batch, chunk: &Chunk<'_>) -> Unkept {
    warn!(
        outbox = batch.context.source.outbox,
        seq = chunk.letters.first().map(|(letter, _)| letter.place.seq),
        "a copy of an outbox sends under its name, which a dead letter tells; it is told to take another"
    );
    Unkept::Copied
}

fn invalid(error: impl std::fmt::Display) -> BackendError {
    BackendError::Unavailable(format!("MongoDB does not keep a dead letter: {error}"))
}

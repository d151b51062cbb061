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
pub(super) type Digest = [u8; 32];

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
        let place = chunk.place(letter);
        for record in parts(&place, digest, letter.place.document) {
            let options = ReplaceOptions::builder().upsert(true).build();
            let part = doc! {"_id": record.get("_id")};
            let replace = self.parts.replace_one(part, record);
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
    digest_of(letter.place.class, letter.place.document)
}

pub(super) fn digest_of(class: &str, document: &[u8]) -> Digest {
    let mut digest = Sha256::new();
    digest.update(class);
    digest.update([0]);
    digest.update(document);
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
    let kept = Kept {
        class: place.class,
        code: refused.code.as_str(),
        reason: &refused.reason,
        time: batch.received,
        schema: Some(schema),
        document: place.document,
    };
    kept.record(chunk.place(letter), digest)
}

/// What is kept of a letter in its place.
pub(super) struct Kept<'a> {
    pub(super) class: &'a str,
    pub(super) code: &'a str,
    pub(super) reason: &'a str,
    pub(super) time: i64,
    pub(super) schema: Option<&'a str>,
    pub(super) document: &'a [u8],
}

impl Kept<'_> {
    /// The record under its place. A large document is not in it, but in parts.
    pub(super) fn record(&self, place: Document, digest: &Digest) -> Document {
        let mut record = doc! {
            "_id": place,
            "class": self.class,
            "code": self.code,
            "reason": self.reason,
            "time": DateTime::from_millis(self.time),
            "schema": self.schema,
            "digest": binary(digest),
            "bytes": i64::try_from(self.document.len()).unwrap_or(i64::MAX),
        };
        if self.document.len() <= PART {
            record.insert("document", binary(self.document));
        }
        record
    }
}

/// The parts of a large document.
pub(super) fn parts<'a>(
    place: &'a Document,
    digest: &'a Digest,
    document: &'a [u8],
) -> impl Iterator<Item = Document> + use<'a> {
    let parts = if document.len() > PART { document } else { &[] };
    // Under the digest, as another letter in this place may have come as far as this.
    (0_i64..).zip(parts.chunks(PART)).map(move |(part, bytes)| {
        let id = doc! {"letter": place.clone(), "digest": binary(digest), "part": part};
        doc! {"_id": id, "bytes": binary(bytes)}
    })
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

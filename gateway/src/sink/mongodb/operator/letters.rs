//! Dead letters, a few at a time.

use std::collections::BTreeMap;

use bson::{Bson, DateTime, Document, doc};
use mongodb::Collection;

use super::super::letters::PART;
use super::super::request::answered;
use super::outboxes::{grouped, number, text, time};
use super::walk::{Range, Walk, damaged, id_of};
use crate::backend::BackendError;
use crate::sink::operator::by_kind;
use crate::sink::{DeadLetter, LetterStats, Which};

/// Letters that are read at once, and bytes of their documents after which it ends.
const LETTERS: usize = 500;
const BYTES: usize = 8 * 1024 * 1024;

/// The letters that are meant.
pub(super) struct Pages<'c> {
    letters: &'c Collection<Document>,
    parts: &'c Collection<Document>,
    walk: Walk<'c>,
    /// What is left of the range that is looked at.
    range: Option<Range>,
    condition: Document,
    with_documents: bool,
}

/// The record of a letter.
pub(super) struct Kept {
    /// Its `_id`.
    pub(super) id: Document,
    record: Document,
}

impl<'c> Pages<'c> {
    pub(super) fn new(
        letters: &'c Collection<Document>,
        parts: &'c Collection<Document>,
        app: &str,
        which: &Which,
    ) -> Self {
        let mut beginning = doc! {"app": app};
        let mut condition = doc! {};
        // Only what comes first in an `_id` bounds a range of them.
        match (&which.user, &which.outbox) {
            (Some(user), Some(outbox)) => beginning.extend(doc! {"user": user, "outbox": outbox}),
            (Some(user), None) => _ = beginning.insert("user", user),
            (None, Some(outbox)) => _ = condition.insert("_id.outbox", outbox),
            (None, None) => {}
        }
        if let Some(class) = &which.class {
            condition.insert("class", class);
        }
        if let Some(code) = &which.code {
            condition.insert("code", code);
        }
        if let Some(before) = which.before {
            condition.insert("time", doc! {"$lt": DateTime::from_millis(before)});
        }
        Self {
            letters,
            parts,
            walk: Walk::new(letters, Range::under(beginning)),
            range: None,
            condition,
            with_documents: true,
        }
    }

    /// The same of which nobody reads the documents.
    pub(super) const fn without_documents(mut self) -> Self {
        self.with_documents = false;
        self
    }

    /// The next of them, at least one; none when there are no more.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Kept>>, BackendError> {
        loop {
            if self.range.is_none() {
                self.range = self.walk.next().await?;
            }
            let Some(mut range) = self.range.take() else {
                return Ok(None);
            };
            let (page, is_cut) = self.page(&range).await?;
            if let Some(last) = page.last() {
                if is_cut {
                    range.behind(last.id.clone());
                    self.range = Some(range);
                }
                return Ok(Some(page));
            }
        }
    }

    /// The first of a range, and whether there may be more in it.
    async fn page(&self, range: &Range) -> Result<(Vec<Kept>, bool), BackendError> {
        let mut find = self.letters.find(range.filter(&self.condition));
        if !self.with_documents {
            find = find.projection(doc! {"bytes": 1});
        }
        let limit = i64::try_from(LETTERS).unwrap_or(i64::MAX);
        let mut cursor = answered(find.sort(doc! {"_id": 1}).limit(limit)).await?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        while answered(cursor.advance()).await? {
            let record = cursor.current();
            bytes += record.as_bytes().len();
            let record = Document::try_from(record).map_err(|error| damaged("a dead letter", error))?;
            let id = id_of(&record)?;
            page.push(Kept { id, record });
            if bytes >= BYTES {
                return Ok((page, true));
            }
        }
        let is_cut = page.len() >= LETTERS;
        Ok((page, is_cut))
    }

    /// The letter with its document; none when it was taken away meanwhile.
    pub(super) async fn whole(&self, kept: Kept) -> Result<Option<DeadLetter>, BackendError> {
        let is_apart = kept.is_apart();
        let size = kept.bytes();
        let Kept { id, mut record } = kept;
        let document = match record.remove("document") {
            Some(Bson::Binary(document)) => document.bytes,
            _ if is_apart => match self.joined(&id, &record, size).await? {
                Some(document) => document,
                None => return Ok(None),
            },
            _ => return Err(damaged("a dead letter", "it has no document")),
        };
        let name = |field| text(&id, field).unwrap_or_default();
        let said = |field| text(&record, field).unwrap_or_default();
        Ok(Some(DeadLetter {
            number: 0,
            app: name("app"),
            outbox: name("outbox"),
            seq: id.get_i64("seq").unwrap_or_default(),
            index: number(&id, "index").try_into().unwrap_or(u32::MAX),
            collection: said("class"),
            user: name("user"),
            time: time(&record, "time").unwrap_or_default(),
            code: said("code"),
            reason: said("reason"),
            schema: text(&record, "schema"),
            document,
        }))
    }

    /// The document of a letter that is in parts; none when letter or parts are gone.
    async fn joined(
        &self,
        id: &Document,
        record: &Document,
        size: usize,
    ) -> Result<Option<Vec<u8>>, BackendError> {
        let digest = record.get("digest").cloned().unwrap_or_default();
        let mut document = Vec::with_capacity(size);
        for part in 0_i64.. {
            let name = doc! {"letter": id.clone(), "digest": digest.clone(), "part": part};
            let found = answered(self.parts.find_one(doc! {"_id": name})).await?;
            match found.as_ref().map(|found| found.get_binary_generic("bytes")) {
                Some(Ok(bytes)) => document.extend_from_slice(bytes),
                _ => return Ok(None),
            }
            if document.len() >= size {
                break;
            }
        }
        Ok(Some(document))
    }
}

impl Kept {
    /// Whether its document is in parts.
    pub(super) fn is_apart(&self) -> bool {
        self.bytes() > PART
    }

    /// Bytes of its document.
    pub(super) fn bytes(&self) -> usize {
        number(&self.record, "bytes").try_into().unwrap_or(usize::MAX)
    }
}

/// How many there are, by class and code.
pub(super) async fn stats(
    letters: &Collection<Document>,
    app: &str,
) -> Result<Vec<LetterStats>, BackendError> {
    let kind = doc! {"class": "$class", "code": "$code"};
    let sums = doc! {"_id": kind, "letters": {"$sum": 1_i64}, "bytes": {"$sum": "$bytes"}};
    let mut found: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut walk = Walk::new(letters, Range::under(doc! {"app": app}));
    while let Some(range) = walk.next().await? {
        for group in grouped(letters, range.filter(&doc! {}), &sums).await? {
            let kind = id_of(&group)?;
            let name = |field| text(&kind, field).unwrap_or_default();
            let (letters, bytes) = found.entry((name("class"), name("code"))).or_default();
            *letters += number(&group, "letters");
            *bytes += number(&group, "bytes");
        }
    }
    Ok(by_kind(found))
}

//! How far a copy has come: a record in the database, from which it goes on, and lines on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};

use super::CopyError;
use super::records::answered;
use crate::clock;

/// The collection of such records.
const COPIES: &str = "copies";

/// How often progress is shown to a person, and how often it is written to a log.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const IN_LOG: Duration = Duration::from_secs(5);

/// How often it is written down.
const NOTED: Duration = Duration::from_secs(1);

/// The record.
pub(super) struct Noted {
    copies: Collection<Document>,
    app: String,
    /// All documents up to this number are in the database.
    pub(super) documents: i64,
    written: Instant,
}

impl Noted {
    /// That of this app, whose copy begins now if it `is_new`.
    pub(super) async fn begin(
        database: &Database,
        app: &str,
        client_app_id: &str,
        is_new: bool,
    ) -> Result<Self, CopyError> {
        let copies = database.collection::<Document>(COPIES);
        let name = doc! {"_id": app};
        let found = match is_new {
            true => None,
            false => answered(copies.find_one(name.clone())).await?,
        };
        let documents = found.and_then(|found| found.get_i64("documents").ok());
        let documents = documents.unwrap_or_default();
        let begun = doc! {
            "client_app_id": client_app_id, "begun": DateTime::from_millis(clock::unix_millis()),
            "documents": documents,
        };
        answered(copies.replace_one(name, begun).upsert(true)).await?;
        Ok(Self {
            copies,
            app: app.to_owned(),
            documents,
            written: Instant::now(),
        })
    }

    /// It has come so far; written down from time to time.
    pub(super) async fn at(&mut self, documents: i64) -> Result<(), CopyError> {
        self.documents = documents;
        if self.written.elapsed() >= NOTED {
            self.write().await?;
        }
        Ok(())
    }

    /// Writes it down.
    pub(super) async fn write(&mut self) -> Result<(), CopyError> {
        self.written = Instant::now();
        self.set(doc! {"documents": self.documents}).await
    }

    /// All is copied.
    pub(super) async fn done(&self) -> Result<(), CopyError> {
        self.set(doc! {"done": DateTime::from_millis(clock::unix_millis())})
            .await
    }

    async fn set(&self, set: Document) -> Result<(), CopyError> {
        let name = doc! {"_id": &self.app};
        answered(self.copies.update_one(name, doc! {"$set": set})).await?;
        Ok(())
    }
}

/// Tells what is done now.
pub(super) fn stage(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{what}");
}

/// Lines about documents.
pub(super) struct Meter {
    what: &'static str,
    /// Done before, now and in all.
    before: u64,
    done: u64,
    total: u64,
    begun: Instant,
    shown: Instant,
    terminal: bool,
}

impl Meter {
    pub(super) fn new(what: &'static str, before: u64, total: u64) -> Self {
        let before = before.min(total);
        Self {
            what,
            before,
            done: before,
            total,
            begun: Instant::now(),
            shown: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn advance(&mut self, by: u64) {
        self.done += by;
        let every = if self.terminal { ON_TERMINAL } else { IN_LOG };
        if self.shown.elapsed() >= every {
            self.show(if self.terminal { "\r" } else { "\n" });
            self.shown = Instant::now();
        }
    }

    pub(super) fn finish(self) {
        self.show("\n");
    }

    fn show(&self, end: &str) {
        let (done, total) = (self.done, self.total.max(self.done));
        let percent = done.saturating_mul(100) / total.max(1);
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = (done - self.before).saturating_mul(1000) / millis.max(1);
        let left = match rate {
            0 => String::new(),
            rate => {
                let seconds = (total - done) / rate;
                format!(
                    ", {}:{:02}:{:02} left",
                    seconds / 3600,
                    seconds / 60 % 60,
                    seconds % 60
                )
            }
        };
        let what = self.what;
        let mut stderr = std::io::stderr().lock();
        let _ = write!(
            stderr,
            "{what} {done} of {total} documents ({percent} %), {rate}/s{left}{end}"
        );
        let _ = stderr.flush();
    }
}

//! Lines on standard output, and progress on standard error.

use std::io::{BufWriter, IsTerminal, StdoutLock, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::CommandError;
use crate::ejson::{self, Form};
use crate::sink::embedded::{Arrival, Reader};
use crate::terminal::escaped;

/// Documents read at a time; between them the server can tidy its log.
const CHUNK: u32 = 500;

/// How often progress is shown to a person, and how often it is written to a log.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const IN_LOG: Duration = Duration::from_secs(5);

/// Standard output, a line at a time.
pub(super) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    form: Form,
    unreadable: u64,
}

impl Output {
    pub(super) fn new(canonical: bool) -> Self {
        let form = if canonical { Form::Canonical } else { Form::Relaxed };
        Self {
            out: BufWriter::new(std::io::stdout().lock()),
            form,
            unreadable: 0,
        }
    }

    /// Writes one line, with nothing in it that steers a terminal.
    pub(super) fn line(&mut self, line: &str) -> Result<(), CommandError> {
        self.out.write_all(escaped(line).as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    pub(super) fn document(&mut self, arrival: &Arrival) -> Result<(), CommandError> {
        match ejson::document(&arrival.document, self.form) {
            Some(value) => self.line(&value.to_string()),
            None => {
                self.unreadable += 1;
                eprintln!("document {} is not readable and cannot be shown", arrival.seq);
                Ok(())
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.out.flush()?)
    }

    /// Writes out what is left; fails when something could not be shown.
    pub(super) fn finish(mut self) -> Result<(), CommandError> {
        self.flush()?;
        match self.unreadable {
            0 => Ok(()),
            count => Err(CommandError::Refused(format!(
                "{count} documents could not be shown"
            ))),
        }
    }
}

/// Whether more is to be shown.
pub(super) const fn go_on(shown: &Result<(), CommandError>) -> ControlFlow<()> {
    match shown {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Milliseconds since 1970 as relaxed Extended JSON.
pub(super) fn time(millis: i64) -> Value {
    ejson::value(bson::DateTime::from_millis(millis).into(), Form::Relaxed)
}

/// Reads a collection in the order of arrival, up to the document that is the newest now.
pub(super) fn each_document(
    reader: &Reader,
    collection: i64,
    limit: u64,
    mut visit: impl FnMut(&Arrival) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let until = reader.newest()?;
    let (mut after, mut left) = (0, limit);
    loop {
        let chunk = u32::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let documents = reader.documents(Some(collection), after, until, chunk)?;
        let Some(last) = documents.last() else {
            return Ok(());
        };
        after = last.seq;
        left -= documents.len() as u64;
        documents.iter().try_for_each(&mut visit)?;
    }
}

/// Shows how far a long command has come.
pub(super) struct Progress {
    what: &'static str,
    unit: &'static str,
    total: u64,
    done: u64,
    shown: Option<Instant>,
    started: Instant,
    terminal: bool,
}

impl Progress {
    /// Of a `total` that is 0 where it is not known.
    pub(super) fn new(what: &'static str, unit: &'static str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        Self {
            what,
            unit,
            total,
            done: 0,
            shown: None,
            started: Instant::now(),
            terminal,
        }
    }

    /// One more is done.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        // The clock is not worth reading for every document.
        if self.done.is_multiple_of(256) {
            self.show_at_times();
        }
    }

    /// So many of so many are done.
    pub(super) fn is_at(&mut self, done: u64, total: u64) {
        (self.done, self.total) = (done, total);
        self.show_at_times();
    }

    pub(super) fn finish(&mut self) {
        if self.shown.is_some() {
            self.show(if self.terminal { "\r" } else { "" }, "\n");
        }
    }

    fn show_at_times(&mut self) {
        let every = if self.terminal { ON_TERMINAL } else { IN_LOG };
        if self.shown.unwrap_or(self.started).elapsed() >= every {
            self.show(
                if self.terminal { "\r" } else { "" },
                if self.terminal { "" } else { "\n" },
            );
            self.shown = Some(Instant::now());
        }
    }

    fn show(&self, before: &str, after: &str) {
        let Self {
            what,
            unit,
            total,
            done,
            ..
        } = self;
        let percent = done.saturating_mul(100) / (*total).max(*done).max(1);
        let of = match total {
            0 => (*unit).to_owned(),
            total => format!("of {total} {unit} ({percent} %)"),
        };
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{before}{what} {done} {of}{after}");
        let _ = stderr.flush();
    }
}

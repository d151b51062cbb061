//! Whether both files are sound, and agree with each other. Reads only, also beside a running server: each file is looked at
//! as it was at one moment, and documents before users, as in a backup.

use std::path::Path;

use rusqlite::Connection;

use crate::sqlite::{OpenError, open_reader_of};
use crate::{sink, state};

/// Findings that are told; the others are counted. One broken page can make thousands.
const TOLD: u64 = 1_000;

/// What was looked at and what is wrong with it.
pub struct Report<'a> {
    tell: &'a mut dyn FnMut(&str),
    findings: u64,
    /// Documents that were looked at.
    pub documents: u64,
    /// Dead letters that were looked at.
    pub letters: u64,
    /// Outboxes that were looked at.
    pub outboxes: u64,
    /// Users that were looked at.
    pub users: u64,
}

impl Report<'_> {
    /// How much is wrong.
    #[must_use]
    pub const fn findings(&self) -> u64 {
        self.findings
    }

    /// Something is wrong.
    pub(crate) fn found(&mut self, what: &str) {
        self.findings += 1;
        if self.findings <= TOLD {
            (self.tell)(what);
        }
    }

    /// Looks at a part; what cannot be read is a finding, and the other parts are looked at all the same.
    pub(crate) fn part(&mut self, name: &str, look: impl FnOnce(&mut Self) -> rusqlite::Result<()>) {
        if let Err(error) = look(self) {
            self.found(&format!("{name} cannot be read to the end: {error}"));
        }
    }

    /// What SQLite finds wrong with a file.
    pub(crate) fn pages(&mut self, file: &str, connection: &Connection) {
        self.part(file, |report| {
            let mut check = connection.prepare("PRAGMA integrity_check")?;
            let mut rows = check.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                if text != "ok" {
                    report.found(&format!("{file}: {text}"));
                }
            }
            Ok(())
        });
    }
}

/// Looks at the files in the directory `data`, which must have the formats of this version. `tell` is told what is wrong.
///
/// # Errors
/// When a file cannot be opened. That it is damaged is no error.
pub fn check<'a>(data: &Path, tell: &'a mut dyn FnMut(&str)) -> Result<Report<'a>, OpenError> {
    let mut report = Report {
        tell,
        findings: 0,
        documents: 0,
        letters: 0,
        outboxes: 0,
        users: 0,
    };
    let users = sink::embedded::check(data, &mut report)?;
    state::check(data, &users, &mut report)?;
    Ok(report)
}

/// Opens a file that has exactly this format, and holds on to the state it has now.
pub(crate) fn open_moment(path: &Path, format: i32) -> Result<Connection, OpenError> {
    let connection = open_reader_of(path, format)?;
    let begin = connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;");
    begin.map_err(|source| OpenError::of(path, source))?;
    Ok(connection)
}

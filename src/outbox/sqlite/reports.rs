//! The statements on `recovery`: what a file that was made of a damaged one has to report of that. It is
//! kept in the new file, so that it is told also if the process ends in the middle of the exchange.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::recover::beside;
use super::schema;
use crate::outbox::{self, Recovered, RecoveredReason, Salvaged};

/// What is known of the damaged file before it is read.
pub(super) struct Report {
    /// What the name it is moved to has behind the path.
    pub(super) label: String,
    /// Whether it is a database of the former SDK.
    pub(super) former_sdk: bool,
    /// Why it cannot be used.
    pub(super) reason: String,
}

pub(super) fn add(connection: &Connection, report: &Report, salvaged: Option<Salvaged>) -> Result<()> {
    connection
        .execute(
            "INSERT INTO recovery (label, former_sdk, reason, kept, lost, reported) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
            params![
                report.label,
                report.former_sdk,
                report.reason,
                salvaged.map(|salvaged| salvaged.kept as i64),
                salvaged.map(|salvaged| salvaged.lost as i64),
            ],
        )
        .map(|_| ())
}

/// A recovery that was not reported yet.
pub(super) struct Unreported {
    id: i64,
    pub(super) recovered: Recovered,
}

/// The newest recovery of this file that was not reported yet.
pub(super) fn unreported(connection: &Connection, path: &Path) -> Result<Option<Unreported>> {
    connection
        .query_row(
            "SELECT label, former_sdk, reason, kept, lost, id FROM recovery WHERE NOT reported ORDER BY id DESC LIMIT 1",
            [],
            |row| {
                let label: String = row.get(0)?;
                let kept: Option<i64> = row.get(3)?;
                let lost: Option<i64> = row.get(4)?;
                let recovered = Recovered {
                    reason: match row.get(1)? {
                        true => RecoveredReason::FormerSdk,
                        false => RecoveredReason::Damaged(row.get(2)?),
                    },
                    moved_to: beside(path, &label),
                    salvaged: kept.zip(lost).map(|(kept, lost)| Salvaged {
                        kept: kept.max(0) as u64,
                        lost: lost.max(0) as u64,
                    }),
                };
                Ok(Unreported {
                    id: row.get(5)?,
                    recovered,
                })
            },
        )
        .optional()
}

/// To be called once nothing is in the way of reporting it.
pub(super) fn note_reported(connection: &Connection, report: &Unreported) -> Result<()> {
    connection
        .execute("UPDATE recovery SET reported = 1 WHERE id = ?1", [report.id])
        .map(|_| ())
}

/// The label in a file that nobody else has open; one that always does if it cannot be read.
///
/// # Errors
/// It cannot be read for now.
pub(super) fn label(file: &Path) -> outbox::Result<String> {
    let label = schema::open(file, Duration::ZERO).and_then(|connection| {
        connection.query_row("SELECT label FROM recovery ORDER BY id DESC LIMIT 1", [], |row| {
            row.get(0)
        })
    });
    match label {
        Err(error) if schema::is_damage(&error) => Ok(".corrupt".to_owned()),
        label => label.map_err(|source| outbox::Error::sqlite(file, source)),
    }
}

//! What the gateway's answer changes: it is noted, the numbers of the rows are settled, and the rows leave.
//!
//! The first two need one small commit, the third as long as there are rows. Where more is to be sent, the rows leave while that is
//! on its way. Until then they count as waiting, but are not given out again; if the process ends, they leave as soon as the
//! file is opened, or somebody else becomes the uploader.

use rusqlite::{Connection, Result};

use super::{SentAs, SqliteOutbox, answers, found, meta, rows};
use crate::outbox::seal::Seal;
use crate::outbox::{self, Cap, Durability, Settlement};

impl SqliteOutbox {
    /// Notes the answer, and settles the numbers of the rows, on the disk: what follows can be sent then. False under another
    /// identity.
    pub(super) fn acknowledge_once(&self, identity: &str, settlement: &Settlement) -> outbox::Result<bool> {
        let cap = &self.options.cap;
        let noted = self.write_alone(Durability::Full, |transaction, seal| {
            if meta::origin(transaction)?.identity != identity {
                return Ok(None);
            }
            note(transaction, seal, settlement, cap).map(Some)
        })?;
        let Some(drawn) = noted else {
            return Ok(false);
        };
        self.goes_as(drawn, true);
        Ok(true)
    }

    /// As [`SqliteOutbox::acknowledge_once`] if that was not done, and lets the rows leave if they may.
    pub(super) fn conclude_once(&self, identity: &str, settlement: &Settlement) -> outbox::Result<bool> {
        let cap = &self.options.cap;
        // If power loss undoes it, the rows are sent again, which the gateway recognises: no reason to wait for the disk.
        let settled = self.write_alone(Durability::Relaxed, |transaction, seal| {
            // Also what this call itself had to repair goes under another one.
            if meta::origin(transaction)?.identity != identity {
                return Ok(None);
            }
            let drawn = note(transaction, seal, settlement, cap)?;
            if settlement.leave {
                let through = last_of(transaction, seal, settlement)?;
                let_go(transaction, seal, through)?;
            }
            Ok(Some(drawn))
        })?;
        let Some(drawn) = settled else {
            return Ok(false);
        };
        self.goes_as(drawn, false);
        Ok(true)
    }

    /// Rows that are settled and are still there leave: whoever settled them ended before they did.
    pub(super) fn let_settled_go(&self) -> outbox::Result<()> {
        if !self.reading(are_settled)? {
            return Ok(());
        }
        self.write_alone(Durability::Relaxed, |transaction, seal| {
            settled_go(transaction, seal)
        })
    }

    fn goes_as(&self, drawn: Option<String>, on_disk: bool) {
        if let Some(lineage) = drawn {
            *self.sent_as() = SentAs { lineage, on_disk };
        }
    }
}

/// The lineage that was drawn; `None` if no number was settled that was not before.
fn note(connection: &Connection, seal: &Seal, settlement: &Settlement, cap: &Cap) -> Result<Option<String>> {
    if !settlement.leave {
        return answers::note(connection, seal, settlement, cap).map(|()| None);
    }
    let through = last_of(connection, seal, settlement)?;
    let drawn = meta::settled(connection, through)?;
    if drawn.is_some() {
        answers::note(connection, seal, settlement, cap)?;
        meta::count_answered(connection, settlement, rows::now())?;
    }
    Ok(drawn)
}

/// The last number that is settled by this, of those that were given out.
fn last_of(connection: &Connection, seal: &Seal, settlement: &Settlement) -> Result<i64> {
    let last = rows::last_seq(connection)?;
    if settlement.through > last {
        check_last(connection, seal)?;
    }
    Ok(settlement.through.min(last))
}

/// The number of the last row may be one that the disk has changed: then it says nothing of those before it.
fn check_last(connection: &Connection, seal: &Seal) -> Result<()> {
    match found::last_row(connection, seal)? {
        Some(Some(kept)) if kept.seat.is_its_own() => Ok(()),
        None => Ok(()),
        Some(_) => Err(rows::damaged(rows::last_seq(connection)?)),
    }
}

/// Whether the oldest row is settled.
pub(super) fn are_settled(connection: &Connection) -> Result<bool> {
    let acked = meta::acked(connection)?;
    Ok(rows::oldest_waiting(connection)?.is_some_and(|oldest| oldest <= acked))
}

/// Rows that are settled leave.
pub(super) fn settled_go(connection: &Connection, seal: &Seal) -> Result<()> {
    if !are_settled(connection)? {
        return Ok(());
    }
    check_last(connection, seal)?;
    let_go(connection, seal, meta::acked(connection)?)
}

fn let_go(connection: &Connection, seal: &Seal, through: i64) -> Result<()> {
    let before = rows::pending(connection)?;
    rows::remove_through(connection, seal, through)?;
    let after = rows::pending(connection)?;
    let left = before.objects.saturating_sub(after.objects);
    meta::count_left(connection, left, after.transactions == 0)
}

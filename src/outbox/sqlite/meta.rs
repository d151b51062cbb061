//! The statements on `meta`, the one row that says what the file is: whose, under which names it goes,
//! and its counters.

use rusqlite::{Connection, Result, params};

use super::epochs;
use super::rows::{self, MAX_SEQ, counts, damaged, not_as_written};
use super::seals::marked;
use crate::outbox::seal::Seal;
use crate::outbox::{Origin, Owner, Pending, Settlement, Tally, new_identity};

/// Rows leave, or are not given out, by what this says alone, and SQLite does not notice when the disk changes a number: so
/// it has a sum.
pub(super) fn origin(connection: &Connection) -> Result<Origin> {
    let (origin, sum) = connection
        .prepare_cached("SELECT identity, lineage, acked, origin_sum FROM meta")?
        .query_row([], |row| {
            let origin = Origin {
                identity: row.get(0)?,
                lineage: row.get(1)?,
                acked: row.get(2)?,
            };
            Ok((origin, row.get::<_, i64>(3)?))
        })?;
    if sum != sum_of(&origin) {
        return Err(not_as_written("what is settled"));
    }
    Ok(origin)
}

pub(super) fn set_origin(connection: &Connection, origin: &Origin) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET identity = ?1, lineage = ?2, acked = ?3, origin_sum = ?4")?
        .execute(params![
            origin.identity,
            origin.lineage,
            origin.acked,
            sum_of(origin)
        ])
        .map(|_| ())
}

fn sum_of(origin: &Origin) -> i64 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(origin.identity.as_bytes());
    sum.update(origin.lineage.as_bytes());
    sum.update(&origin.acked.to_le_bytes());
    sum.finalize().into()
}

/// Rows up to here are settled: those that are still there are given out no more.
pub(super) fn acked(connection: &Connection) -> Result<i64> {
    origin(connection).map(|origin| origin.acked)
}

/// A change for the sake of its sync: a commit that changes nothing is not synced.
pub(super) fn count_sync(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET syncs = syncs + 1")?
        .execute([])
        .map(|_| ())
}

/// Also begins another mark: copies of the file give out the same numbers as this one.
pub(super) fn set_identity(connection: &Connection, identity: &str) -> Result<()> {
    epochs::begin(connection, rows::last_seq(connection)? + 1, false)?;
    let origin = Origin {
        identity: identity.to_owned(),
        lineage: new_identity(),
        acked: 0,
    };
    set_origin(connection, &origin)
}

/// Notes that everything up to `through` is settled, and draws a lineage; `None` if that was known.
pub(super) fn settled(connection: &Connection, through: i64) -> Result<Option<String>> {
    let origin = origin(connection)?;
    if origin.acked >= through {
        return Ok(None);
    }
    let lineage = new_identity();
    let settled = Origin {
        lineage: lineage.clone(),
        acked: through,
        ..origin
    };
    set_origin(connection, &settled).map(|()| Some(lineage))
}

/// The owner's columns.
const OWNER: &str = "SELECT app, user, principal FROM meta";

/// Names the owner's columns to the seal.
const APP: &str = "app";
const USER: &str = "user";
const PRINCIPAL: &str = "principal";

/// There is one row.
const PLACE: i64 = 0;

pub(super) fn owner(connection: &Connection, seal: &Seal) -> Result<Option<Owner>> {
    let (app, user, principal) = connection.prepare_cached(OWNER)?.query_row([], |row| {
        Ok((
            row.get::<_, Option<String>>(0)?,
            row.get::<_, Option<String>>(1)?,
            row.get::<_, Option<String>>(2)?,
        ))
    })?;
    let Some((app, user)) = app.zip(user) else {
        return Ok(None);
    };
    let opened = || {
        Some(Owner {
            app: seal.open_text(APP, PLACE, &app)?,
            user: seal.open_text(USER, PLACE, &user)?,
            principal: match &principal {
                Some(principal) => seal.open_text(PRINCIPAL, PLACE, principal)?,
                None => String::new(),
            },
        })
    };
    opened().map(Some).ok_or_else(|| not_as_written("its owner"))
}

pub(super) fn set_owner(connection: &Connection, seal: &Seal, owner: &Owner) -> Result<()> {
    connection
        .execute(
            "UPDATE meta SET app = ?1, user = ?2, principal = ?3, owner_mark = ?4",
            params![
                seal.seal_text(APP, PLACE, &owner.app)?,
                seal.seal_text(USER, PLACE, &owner.user)?,
                seal.seal_text(PRINCIPAL, PLACE, &owner.principal)?,
                seal.mark(&marked(&owner.app, &owner.user)),
            ],
        )
        .map(|_| ())
}

pub(super) fn high_seq(connection: &Connection) -> Result<i64> {
    numbering(connection).map(|(high_seq, _)| high_seq)
}

/// The highest number that has left, and the mark of the next ones.
pub(super) fn numbering(connection: &Connection) -> Result<(i64, u16)> {
    connection
        .prepare_cached("SELECT high_seq, mark FROM meta")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(|(seq, mark)| {
            if (0..=MAX_SEQ).contains(&seq) {
                Ok((seq, mark))
            } else {
                Err(damaged(seq))
            }
        })
}

/// From which number on the record of what became of transactions is complete.
pub(super) fn known_from(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("SELECT known_from FROM meta")?
        .query_row([], |row| row.get(0))
}

pub(super) fn raise_known_from(connection: &Connection, seq: i64) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET known_from = max(known_from, ?1)")?
        .execute([seq])
        .map(|_| ())
}

/// Counts what was answered for rows that leave.
pub(super) fn count_answered(connection: &Connection, settlement: &Settlement, now: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE meta SET sent_bytes = sent_bytes + ?1, refused_objects = refused_objects + ?2, acknowledged = ?3",
        )?
        .execute(params![
            settlement.sent_bytes as i64,
            settlement.refused_objects as i64,
            now,
        ])
        .map(|_| ())
}

/// Counts the objects of rows that left; `drained` if nothing waits any more.
pub(super) fn count_left(connection: &Connection, objects: u64, drained: bool) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE meta SET
                 round_from = CASE WHEN drained_at = sent_objects THEN sent_objects ELSE round_from END,
                 sent_objects = sent_objects + ?1,
                 drained_at = CASE WHEN ?2 THEN sent_objects + ?1 ELSE drained_at END",
        )?
        .execute(params![objects as i64, drained])
        .map(|_| ())
}

pub(super) fn count_damaged(connection: &Connection, transactions: u64) -> Result<()> {
    connection
        .execute("UPDATE meta SET damaged = damaged + ?1", [transactions as i64])
        .map(|_| ())
}

pub(super) fn tally(connection: &Connection) -> Result<Tally> {
    // One view of the file for all statements.
    let view = connection.unchecked_transaction()?;
    let counted = counted(&view)?;
    let waiting = rows::pending(&view)?;
    let count = |number: i64| number.clamp(0, MAX_SEQ) as u64;
    // What left before belongs to another round once something waits again.
    let begins = waiting.objects > 0 && counted.drained_at == counted.sent_objects;
    let round_from = if begins {
        counted.sent_objects
    } else {
        counted.round_from
    };
    Ok(Tally {
        waiting,
        waiting_since: rows::waiting_since(&view)?,
        dropped: dropped(&view)?,
        damaged: count(counted.damaged),
        refused_objects: count(counted.refused_objects),
        sent_objects: count(counted.sent_objects),
        sent_bytes: count(counted.sent_bytes),
        acknowledged: (counted.acknowledged != 0).then_some(counted.acknowledged),
        round_objects: count(counted.sent_objects - round_from),
    })
}

/// What is counted of rows that left.
pub(super) struct Counted {
    damaged: i64,
    refused_objects: i64,
    sent_objects: i64,
    sent_bytes: i64,
    acknowledged: i64,
    /// `sent_objects` when the first row left after nothing had waited.
    round_from: i64,
    /// `sent_objects` when nothing waited last.
    drained_at: i64,
}

pub(super) fn counted(connection: &Connection) -> Result<Counted> {
    connection
        .prepare_cached(
            "SELECT damaged, refused_objects, sent_objects, sent_bytes, acknowledged, round_from, drained_at
             FROM meta",
        )?
        .query_row([], |row| {
            let count = |column| row.get::<_, i64>(column).map(|count| count.clamp(0, MAX_SEQ));
            Ok(Counted {
                damaged: count(0)?,
                refused_objects: count(1)?,
                sent_objects: count(2)?,
                sent_bytes: count(3)?,
                acknowledged: row.get(4)?,
                round_from: count(5)?,
                drained_at: count(6)?,
            })
        })
}

/// Takes over what another file counted.
pub(super) fn adopt_counted(connection: &Connection, counted: &Counted) -> Result<()> {
    connection
        .execute(
            "UPDATE meta SET damaged = ?1, refused_objects = ?2, sent_objects = ?3, sent_bytes = ?4,
                             acknowledged = ?5, round_from = ?6, drained_at = ?7",
            params![
                counted.damaged,
                counted.refused_objects,
                counted.sent_objects,
                counted.sent_bytes,
                counted.acknowledged,
                counted.round_from,
                counted.drained_at,
            ],
        )
        .map(|_| ())
}

pub(super) fn raise_high_seq(connection: &Connection, seq: i64) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET high_seq = max(high_seq, ?1)")?
        .execute([seq])
        .map(|_| ())
}

pub(super) fn is_guarded(connection: &Connection) -> Result<bool> {
    connection
        .prepare_cached("SELECT guarded FROM meta")?
        .query_row([], |row| row.get(0))
}

pub(super) fn set_guarded(connection: &Connection, guarded: bool) -> Result<()> {
    connection
        .execute("UPDATE meta SET guarded = ?1", [guarded])
        .map(|_| ())
}

/// Up to which number rows were packed, or found to be better left alone.
pub(super) fn tidied(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("SELECT tidied FROM meta")?
        .query_row([], |row| row.get(0))
}

pub(super) fn set_tidied(connection: &Connection, through: i64) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET tidied = max(tidied, ?1)")?
        .execute([through])
        .map(|_| ())
}

pub(super) fn dropped(connection: &Connection) -> Result<Pending> {
    connection.query_row(
        "SELECT dropped_transactions, dropped_objects, dropped_bytes FROM meta",
        [],
        counts,
    )
}

pub(super) fn count_dropped(connection: &Connection, gone: &Pending) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE meta SET dropped_transactions = dropped_transactions + ?1,
             dropped_objects = dropped_objects + ?2, dropped_bytes = dropped_bytes + ?3",
        )?
        .execute(params![
            gone.transactions as i64,
            gone.objects as i64,
            gone.bytes as i64
        ])
        .map(|_| ())
}

/// The highest number that has left, whether rows may not be on the disk, and what was dropped.
pub(super) struct Counters {
    high_seq: i64,
    relaxed: bool,
    dropped: Pending,
}

pub(super) fn counters(connection: &Connection) -> Result<Counters> {
    Ok(Counters {
        high_seq: high_seq(connection)?,
        relaxed: connection.query_row("SELECT relaxed FROM meta", [], |row| row.get(0))?,
        dropped: dropped(connection)?,
    })
}

/// Takes over the counters of another file.
pub(super) fn adopt_counters(connection: &Connection, counters: &Counters) -> Result<()> {
    raise_high_seq(connection, counters.high_seq)?;
    count_dropped(connection, &counters.dropped)?;
    connection
        .execute("UPDATE meta SET relaxed = max(relaxed, ?1)", [counters.relaxed])
        .map(|_| ())
}

//! Whether the document file keeps its promises.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use realm_ingest_protocol::batch::is_identity;
use realm_ingest_protocol::{Document, Limits};
use rusqlite::Connection;

use super::reader::count;
use super::schema::{BLOCK, FILE, FORMAT};
use crate::ingest::id;
use crate::integrity::{Report, open_moment};
use crate::sqlite::OpenError;

/// How many, and how many bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    bytes: u64,
}

impl Sum {
    const fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// Looks at the file in the directory `data`. The answer is the users that it speaks of.
///
/// # Errors
/// When it cannot be opened or has another format.
pub(crate) fn check(data: &Path, report: &mut Report<'_>) -> Result<BTreeSet<String>, OpenError> {
    let connection = open_moment(&data.join(FILE), FORMAT)?;
    let mut users = BTreeSet::new();
    report.pages(FILE, &connection);
    report.part("documents", |report| documents(&connection, report));
    report.part("dead letters", |report| letters(&connection, &mut users, report));
    report.part("outboxes", |report| outboxes(&connection, &mut users, report));
    // Of what was written before users were kept with it.
    users.remove("");
    Ok(users)
}

/// Every document is sound, under its `_id` and in a block that is noted; the counts agree.
fn documents(connection: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let limits = Limits {
        max_bytes: usize::MAX,
        ..Limits::default()
    };
    let mut noted = connection.prepare("SELECT 1 FROM blocks WHERE collection = ?1 AND block = ?2")?;
    // The sum of each collection, and the block that was asked for last.
    let mut sums: HashMap<i64, (Sum, i64)> = HashMap::new();
    let mut statement =
        connection.prepare("SELECT seq, collection, id, document FROM documents ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, collection): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (id, document) = (row.get_ref(2)?.as_blob()?, row.get_ref(3)?.as_blob()?);
        report.documents += 1;
        match Document::validate(document, &limits) {
            Err(error) => report.found(&format!("document {seq} is not sound: {error}")),
            Ok(_) => {
                key.clear();
                if let Some(found) = id::key(document) {
                    found.write(&mut key);
                }
                if key != id {
                    report.found(&format!(
                        "document {seq} is stored under an _id that it does not have"
                    ));
                }
            }
        }
        let (sum, block) = sums.entry(collection).or_insert((Sum::default(), -1));
        sum.add(document.len() as u64);
        if *block != seq / BLOCK {
            *block = seq / BLOCK;
            if !noted.exists([collection, *block])? {
                report.found(&format!(
                    "collection {collection} has documents in block {block}, which is not noted"
                ));
            }
        }
    }
    let mut statement = connection.prepare("SELECT id, name, documents, bytes FROM collections")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sum, _) = sums.remove(&row.get(0)?).unwrap_or_default();
        let name: String = row.get(1)?;
        let kept = Sum {
            count: count(row, 2)?,
            bytes: count(row, 3)?,
        };
        differ(report, &format!("collection '{name}'"), "documents", kept, sum);
    }
    for id in sums.keys() {
        report.found(&format!(
            "there are documents of collection {id}, which is not there"
        ));
    }
    Ok(())
}

fn differ(report: &mut Report<'_>, whose: &str, what: &str, kept: Sum, found: Sum) {
    if kept != found {
        report.found(&format!(
            "{whose} is counted with {} {what} of {} bytes, and has {} of {} bytes",
            kept.count, kept.bytes, found.count, found.bytes
        ));
    }
}

/// The letters of each user are as many as is counted, and belong to what is settled.
fn letters(
    connection: &Connection,
    users: &mut BTreeSet<String>,
    report: &mut Report<'_>,
) -> rusqlite::Result<()> {
    let mut position = connection
        .prepare("SELECT 1 FROM outboxes WHERE outbox = ?1 AND user = ?2 AND app = ?3 AND position >= ?4")?;
    let mut sums: HashMap<String, Sum> = HashMap::new();
    let mut statement = connection.prepare(
        "SELECT number, user, length(document), outbox, app, seq FROM dead_letters ORDER BY number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let user: String = row.get(1)?;
        let (outbox, app, seq): (String, String, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
        report.letters += 1;
        // Before apps were kept, positions were not kept by user either.
        if !app.is_empty() && !position.exists(rusqlite::params![outbox, user, app, seq])? {
            let number: i64 = row.get(0)?;
            report.found(&format!(
                "dead letter {number} is of transaction {seq} of outbox {outbox}, which is not settled"
            ));
        }
        for name in ["", &user] {
            sums.entry(name.to_owned()).or_default().add(count(row, 2)?);
        }
        users.insert(user);
    }
    let mut statement = connection.prepare("SELECT user, letters, bytes FROM letter_counts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let user: String = row.get(0)?;
        let kept = Sum {
            count: count(row, 1)?,
            bytes: count(row, 2)?,
        };
        let found = sums.remove(&user).unwrap_or_default();
        differ(report, &format!("user '{user}'"), "dead letters", kept, found);
    }
    for user in sums.keys() {
        report.found(&format!("the dead letters of user '{user}' are not counted"));
    }
    Ok(())
}

/// What is known of each outbox can be true.
fn outboxes(
    connection: &Connection,
    users: &mut BTreeSet<String>,
    report: &mut Report<'_>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT outbox, user, position, lineage, first, length(digest) FROM outboxes ORDER BY outbox, user",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (outbox, user, position): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (lineage, first): (Option<String>, Option<i64>) = (row.get(3)?, row.get(4)?);
        let digest: Option<i64> = row.get(5)?;
        report.outboxes += 1;
        let lineage_is_sound = match (&lineage, first, digest) {
            (None, None, None) => true,
            (Some(lineage), Some(first), Some(16)) => is_identity(lineage) && (1..=position).contains(&first),
            _ => false,
        };
        if position < 0 || !is_identity(&outbox) || !lineage_is_sound {
            report.found(&format!(
                "outbox '{outbox}' of user '{user}' has a position that cannot be: {position}, from {first:?} on \
                 under lineage {lineage:?}"
            ));
        }
        users.insert(user);
    }
    Ok(())
}

//! Whether the store keeps what is needed of it.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::{FILE, FORMAT, list_schemas};
use crate::integrity::{Report, open_moment};
use crate::sqlite::OpenError;
use crate::state::client_files::unpacked;

/// Looks at the file in the directory `data`, which must have these users.
///
/// # Errors
/// When it cannot be opened or has another format.
pub(crate) fn check(data: &Path, users: &BTreeSet<String>, report: &mut Report<'_>) -> Result<(), OpenError> {
    let connection = open_moment(&data.join(FILE), FORMAT)?;
    report.pages(FILE, &connection);
    report.part("users", |report| {
        report.users = connection
            .query_one("SELECT count(*) FROM users WHERE NOT gone", [], |row| {
                row.get::<_, i64>(0)
            })?
            .unsigned_abs();
        let mut known = connection.prepare("SELECT 1 FROM users WHERE id = ?1")?;
        for user in users {
            if !known.exists([user])? {
                report.found(&format!(
                    "there are outboxes or dead letters of user '{user}', who is not there"
                ));
            }
        }
        Ok(())
    });
    report.part("sessions", |report| sessions(&connection, report));
    report.part("identities", |report| identities(&connection, report));
    report.part("client files", |report| files(&connection, report));
    if let Err(error) = list_schemas(data) {
        report.found(&format!("the schemas cannot be read: {error}"));
    }
    Ok(())
}

/// Every session is of a user.
fn sessions(connection: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT id, user FROM sessions WHERE user NOT IN (SELECT id FROM users)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (session, user): (String, String) = (row.get(0)?, row.get(1)?);
        report.found(&format!(
            "session {session} is of user '{user}', who is not there"
        ));
    }
    Ok(())
}

/// Every user who is there can log in.
fn identities(connection: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare("SELECT id FROM users WHERE NOT gone AND id NOT IN (SELECT user FROM identities)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let user: String = row.get(0)?;
        report.found(&format!("user '{user}' has no identity, so he cannot log in"));
    }
    Ok(())
}

/// Every client file is of a user, and what is known of it can be read.
fn files(connection: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT ident, salt, user, user IN (SELECT id FROM users), registry FROM client_files ORDER BY ident, salt",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (ident, salt): (i64, i64) = (row.get(0)?, row.get(1)?);
        if !row.get::<_, bool>(3)? {
            let user: String = row.get(2)?;
            report.found(&format!(
                "client file {ident}/{salt} is of user '{user}', who is not there"
            ));
        }
        let registry: Option<Vec<u8>> = row.get(4)?;
        if let Some(Err(error)) = registry.as_deref().map(unpacked) {
            report.found(&format!("client file {ident}/{salt}: {error}"));
        }
    }
    Ok(())
}

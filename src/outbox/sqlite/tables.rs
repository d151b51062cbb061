//! Copying what is not sealed from one file to another, whatever it is.

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

/// The columns of `meta` that are the file's own, or sealed.
const OWN: [&str; 9] = [
    "id",
    "stamp",
    "app",
    "user",
    "principal",
    "owner_mark",
    "salt",
    "proof",
    "salt_checksum",
];

/// The tables in which nothing is sealed, beside `meta`.
const PLAIN: [&str; 3] = ["epoch", "loss", "recovery"];

/// Copies the names that the file goes by, its counters and its records to a new file.
pub(super) fn copy_facts(from: &Connection, to: &Connection) -> Result<()> {
    let columns = columns(from, "meta")?;
    let copied = columns.iter().filter(|column| !OWN.contains(&column.as_str()));
    for column in copied {
        let value: Value = from.query_row(&format!("SELECT {column} FROM meta"), [], |row| row.get(0))?;
        to.execute(&format!("UPDATE meta SET {column} = ?1"), [value])?;
    }
    for table in PLAIN {
        copy_rows(from, to, table)?;
    }
    Ok(())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// The tables have the same columns in all files of one format.
fn copy_rows(from: &Connection, to: &Connection, table: &str) -> Result<()> {
    let columns = columns(from, table)?;
    let names = columns.join(", ");
    let places = vec!["?"; columns.len()].join(", ");
    let mut statement = from.prepare(&format!("SELECT {names} FROM {table}"))?;
    let mut insert = to.prepare(&format!("INSERT INTO {table} ({names}) VALUES ({places})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|column| row.get::<_, Value>(column));
        insert.execute(params_from_iter(values.collect::<Result<Vec<_>>>()?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::outbox::sqlite::schema;

    #[test]
    fn no_table_is_forgotten() {
        // What `rekey` takes over by itself, as most of it is to be sealed anew.
        const BY_ITSELF: [&str; 6] = ["meta", "refusal", "refused", "schema", "seal", "tx"];
        let connection = Connection::open_in_memory().unwrap();
        schema::create_tables(&connection).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables = statement.query_map([], |row| row.get(0)).unwrap();
        let tables: Vec<String> = tables.collect::<Result<_>>().unwrap();
        let mut known = [&BY_ITSELF[..], &PLAIN[..]].concat();
        known.sort_unstable();
        assert_eq!(tables, known);
    }
}

//! The pages of the file: how they are used, and what is done with those that are not.

use rusqlite::{Connection, Result};

/// How the file's pages are used.
pub(super) struct Usage {
    pub(super) pages: u64,
    free_pages: u64,
    page_bytes: u64,
}

impl Usage {
    pub(super) fn used_pages(&self) -> u64 {
        self.pages.saturating_sub(self.free_pages)
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.free_pages * self.page_bytes
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_pages() * self.page_bytes
    }
}

pub(super) fn usage(connection: &Connection) -> Result<Usage> {
    let pragma = |sql| {
        let value = connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>(value.max(0) as u64)
    };
    Ok(Usage {
        pages: pragma("PRAGMA page_count")?,
        free_pages: pragma("PRAGMA freelist_count")?,
        page_bytes: pragma("PRAGMA page_size")?,
    })
}

/// About how many bytes of the file are in use whatever waits: the first page of each table, and what is large.
pub(super) fn bytes_without_rows(connection: &Connection) -> Result<u64> {
    // Beside those in the list the list itself, and the map of pages.
    let (tables, texts): (i64, i64) = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM sqlite_schema WHERE rootpage > 0) + 2,
                    (SELECT coalesce(sum(octet_length(json)), 0) FROM schema)
                    + (SELECT coalesce(sum(octet_length(told)), 0) FROM refusal)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(tables.max(0) as u64 * usage(connection)?.page_bytes + texts.max(0) as u64)
}

/// Takes up to `pages` unused pages out of the file.
pub(super) fn give_back(connection: &Connection, pages: u64) -> Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    // A page a step.
    while rows.next()?.is_some() {}
    Ok(())
}

/// Writes what is in use to a new copy of the file, which becomes the file.
pub(super) fn copy_to_fit(connection: &Connection) -> Result<()> {
    connection.execute_batch("VACUUM")
}

/// Moves the whole log into the database and cuts it to nothing; false, with nothing cut, when
/// somebody is reading or writing.
pub(super) fn cut_log(connection: &Connection) -> Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get(0).map(|busy: bool| !busy)
    })
}

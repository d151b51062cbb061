//! How many documents a second plain SQLite takes on this disk: 136-byte documents with a unique 12-byte id, 1 MiB a
//! transaction, WAL, `synchronous=FULL`. Prints documents per second. The gateway does this and also checks each document.

use std::time::Instant;

const DOCUMENT_BYTES: usize = 136;
const DOCUMENTS: usize = 1_000_000;
const DOCUMENTS_PER_TRANSACTION: usize = (1 << 20) / DOCUMENT_BYTES;

fn main() -> rusqlite::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "floor.sqlite".into());
    let mut connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(
        "CREATE TABLE documents (seq INTEGER PRIMARY KEY, collection INTEGER NOT NULL, id BLOB NOT NULL, doc BLOB NOT NULL);
         CREATE UNIQUE INDEX documents_id ON documents (collection, id);",
    )?;
    let document = [b'x'; DOCUMENT_BYTES];
    let started = Instant::now();
    let mut made = 0usize;
    while made < DOCUMENTS {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO documents (collection, id, doc) VALUES (1, ?1, ?2)")?;
            for number in made..(made + DOCUMENTS_PER_TRANSACTION).min(DOCUMENTS) {
                let mut id = [7u8; 12]; // as an ObjectId grows: the counter last
                id[4..].copy_from_slice(&(number as u64).to_be_bytes());
                insert.execute((&id[..], &document[..]))?;
            }
        }
        transaction.commit()?;
        made += DOCUMENTS_PER_TRANSACTION;
    }
    println!("{:.0}", DOCUMENTS as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

//! Whatever the rows of a file say, the outbox in it neither fails for good nor loses what is stored from now on.

use std::path::Path;
use std::sync::LazyLock;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use realm_ingest::outbox::{Options, Outbox, Run, SqliteOutbox, WriteTransaction};
use rusqlite::{Connection, params};
use tempfile::TempDir;

const DOCUMENT: &[u8] = &[5, 0, 0, 0, 0];

/// An outbox with three rows.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = folder();
    let path = folder.path().join("outbox");
    let outbox = SqliteOutbox::open(&path, Options::default()).unwrap().0;
    for _ in 0..3 {
        append(&outbox).unwrap();
    }
    drop(outbox);
    let connection = Connection::open(&path).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
});

pub(crate) fn run(data: &[u8]) {
    let folder = folder();
    let path = folder.path().join("outbox");
    std::fs::write(&path, &*TEMPLATE).unwrap();
    if damage(&path, &mut Unstructured::new(data)).is_err() {
        return;
    }
    let outbox = SqliteOutbox::open(&path, Options::default()).unwrap().0;
    // Each may find the damage; then the file is another.
    let _ = outbox.pending();
    let _ = outbox.waiting_since();
    let _ = outbox.tidy();
    leased(&outbox, 0);
    if let Ok(origin) = outbox.origin() {
        let _ = outbox.settle(&origin.identity, i64::from(data.first().copied().unwrap_or(0)));
    }
    leased(&outbox, 0);
    let Ok(seq) = append(&outbox) else { return };
    assert!(seq > 0 && outbox.pending_through(seq).unwrap());
    let rows = outbox.lease(seq - 1, u64::MAX).unwrap().unwrap().rows;
    assert_eq!(
        rows.iter()
            .map(|row| (row.seq, &*row.payload))
            .collect::<Vec<_>>(),
        [(seq, DOCUMENT)]
    );
}

/// In memory where the system has a place for that.
fn folder() -> TempDir {
    let shared = Path::new("/dev/shm");
    let made = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}

fn append(outbox: &SqliteOutbox) -> realm_ingest::outbox::Result<i64> {
    let schema = outbox.register_schema(&"a".repeat(32), "{}")?;
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    outbox.append(&WriteTransaction {
        schema,
        runs: &runs,
        payload: DOCUMENT,
    })
}

/// Everything from `after` on is given out in ascending order, until an end or an error.
fn leased(outbox: &SqliteOutbox, mut after: i64) {
    for _ in 0..64 {
        let Ok(Some(lease)) = outbox.lease(after, 4096) else {
            return;
        };
        for row in lease.rows {
            assert!(row.seq > after, "{} is given out after {after}", row.seq);
            after = row.seq;
        }
    }
}

/// Rows as a disk or a person may have left them. Their checksums are right, or nothing else would be looked at.
fn damage(path: &Path, bytes: &mut Unstructured<'_>) -> Result<()> {
    let connection = Connection::open(path).unwrap();
    for _ in 0..bytes.int_in_range(1..=4)? {
        let [
            seq,
            created,
            objects,
            size,
            objects_through,
            bytes_through,
            schema,
            codec,
        ] = <[(); 8]>::default().map(|()| number(bytes));
        let first = if bool::arbitrary(bytes)? {
            Some(number(bytes)?)
        } else {
            None
        };
        let runs = blob(bytes)?;
        let payload = match u8::arbitrary(bytes)? % 3 {
            0 => blob(bytes)?.to_vec(),
            _ => zstd::bulk::compress(blob(bytes)?, 1).unwrap(),
        };
        let (objects, size, schema, codec) = (objects?, size?, schema?, codec?);
        let mut sum = crc32fast::Hasher::new();
        for number in [schema, objects, size, codec] {
            sum.update(&number.to_le_bytes());
        }
        sum.update(runs);
        sum.update(&payload);
        let columns = params![
            seq?,
            created?,
            objects,
            size,
            objects_through?,
            bytes_through?,
            schema,
            codec,
            runs,
            sum.finalize(),
            payload,
            first
        ];
        let sql = "INSERT OR REPLACE INTO tx VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        connection.execute(sql, columns).unwrap();
    }
    Ok(())
}

fn blob<'a>(bytes: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = u8::arbitrary(bytes)?.into();
    bytes.bytes(length)
}

/// Mostly small.
fn number(bytes: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match u8::arbitrary(bytes)? {
        255 => i64::MAX,
        254 => i64::MIN,
        253 => i64::arbitrary(bytes)?,
        252 => i64::MAX - i64::from(u8::arbitrary(bytes)?),
        small => i64::from(small) - 2,
    })
}

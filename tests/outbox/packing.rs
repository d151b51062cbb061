//! Small rows that wait are packed. Nobody sees it but by the space they take.

use realm_ingest::outbox::{
    Cap, Durability, LossReason, Options, Outbox, Policy, Row, Run, SqliteOutbox, WriteTransaction,
};

use crate::common::{
    Folder, append, as_other_part, noise, numbered, open, open_with, other_part, payload, rows,
    rows_with_gaps, schema, settle,
};

/// So many of the newest rows stay as they are.
const KEPT: usize = 256;

fn tidy(outbox: &SqliteOutbox) {
    while outbox.tidy().unwrap() {}
}

fn reading(number: u64) -> Vec<u8> {
    let mut reading = format!("reading of station {}: ", number % 3).into_bytes();
    reading.extend_from_slice(&noise(number, 20 + number as usize % 9));
    reading
}

/// Runs of one and of two classes, so that some differ from those before them.
fn append_reading(outbox: &SqliteOutbox, number: u64) {
    let mut runs = vec![Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    if number.is_multiple_of(10) {
        runs.push(Run {
            class: "Status".to_owned(),
            count: 2,
        });
    }
    outbox
        .append(&WriteTransaction {
            schema: schema(outbox),
            runs: &runs,
            payload: &reading(number),
        })
        .unwrap();
}

fn with_readings(folder: &Folder, count: u64) -> SqliteOutbox {
    let outbox = relaxed(folder);
    for number in 1..=count {
        append_reading(&outbox, number);
    }
    outbox
}

/// How many rows of the file stand for several transactions, and for how many.
pub fn packed(folder: &Folder) -> (i64, i64) {
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    let count = "SELECT count(*), coalesce(sum(seq - first + 1), 0) FROM tx WHERE first IS NOT NULL";
    file.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

#[test]
fn packed_rows_are_given_out_as_they_were() {
    let folder = Folder::new();
    let outbox = with_readings(&folder, 1500);
    let before = rows(&outbox);
    tidy(&outbox);
    let (packs, transactions) = packed(&folder);
    assert!(packs >= 3 && transactions >= 1000, "{transactions} in {packs}");
    assert_eq!(rows(&outbox), before);
    drop(outbox);
    let outbox = open(&folder.path());
    assert_eq!(rows(&outbox), before);
    // From every place, and in every size, as if they were rows.
    for after in [0, 1, 255, 256, 257, 700, 1100, 1499] {
        for bytes in [1, 100, 3_000, 1 << 20] {
            let leased = outbox.lease(after, bytes).unwrap().unwrap().rows;
            assert_eq!(
                leased,
                expected(&before[after as usize..], bytes),
                "{bytes} after {after}"
            );
        }
    }
    assert_eq!(outbox.lease(1500, 100).unwrap(), None);
}

/// The first, and what fits with it.
fn expected(rows: &[Row], bytes: u64) -> Vec<Row> {
    let mut left = bytes as i64;
    let fits = |(index, row): &(usize, &Row)| {
        left -= row.bytes as i64;
        *index == 0 || left >= 0
    };
    rows.iter()
        .enumerate()
        .take_while(fits)
        .map(|(_, row)| row.clone())
        .collect()
}

#[test]
fn a_pack_is_settled_from_its_beginning() {
    let folder = Folder::new();
    let outbox = with_readings(&folder, 1200);
    tidy(&outbox);
    let before = rows(&outbox);
    for through in [1, 2, 130, 255, 256, 300, 511, 700, 1199] {
        settle(&outbox, through).unwrap();
        assert_eq!(rows(&outbox), before[through as usize..], "through {through}");
        assert!(!outbox.pending_through(through).unwrap());
        assert!(outbox.pending_through(through + 1).unwrap());
    }
    settle(&outbox, 1200).unwrap();
    assert_eq!(outbox.pending().unwrap().transactions, 0);
    append_reading(&outbox, 1);
    assert_eq!(outbox.last_seq().unwrap(), 1201);
}

#[test]
fn what_is_recent_or_large_or_little_is_not_packed() {
    let folder = Folder::new();
    let outbox = with_readings(&folder, KEPT as u64 + 200);
    assert!(!outbox.tidy().unwrap());
    assert_eq!(packed(&folder), (0, 0));
    drop(outbox);

    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..700 {
        append(&outbox, &numbered(number * 5 + 3)).unwrap();
    }
    let before = rows(&outbox);
    tidy(&outbox);
    assert_eq!(packed(&folder), (0, 0));
    assert_eq!(rows(&outbox), before);
}

/// The readings of the example, one a transaction.
#[test]
fn a_reading_that_waits_takes_at_most_forty_bytes() {
    let folder = Folder::new();
    let outbox = relaxed(&folder);
    let csv = include_str!("../../examples/data/seattle-weather-hourly.csv");
    let mut readings = 0;
    let mut sizes = Vec::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<f64>().unwrap();
        let document = bson::doc! {
            "_id": format!("USW00024233/{}", fields[0]),
            "deviceId": "USW00024233",
            "timestamp": bson::DateTime::parse_rfc3339_str(format!("{}Z", fields[0])).unwrap(),
            "temperatureInCelsius": number(2),
            "barometricPressureInHectopascal": number(1),
            "windSpeedInMetresPerSecond": number(3),
        };
        append(&outbox, &document.to_vec().unwrap()).unwrap();
        readings += 1;
        if readings % 1000 == 0 {
            sizes.push(used_bytes(&folder));
            tidy(&outbox);
            sizes.push(used_bytes(&folder));
        }
    }
    // The newest are left as they are, so what grows is told.
    let before = (sizes[2] - sizes[1]) / 1000;
    let after = (sizes[15] - sizes[1]) / 7000;
    assert!(
        before > 150 && after <= 40,
        "{before} bytes a reading, then {after}"
    );
    println!("{before} bytes a reading, packed {after}");
}

fn used_bytes(folder: &Folder) -> i64 {
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    let pragma = |name| {
        file.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
}

/// Durable enough for what does not cut the power.
fn relaxed(folder: &Folder) -> SqliteOutbox {
    let options = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    open_with(&folder.path(), options)
}

#[test]
fn the_cap_drops_whole_packs_and_says_so() {
    let folder = Folder::new();
    let options = Options {
        durability: Durability::Relaxed,
        cap: Cap {
            max_bytes: Some(200_000),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), options);
    let mark = outbox.loss_mark().unwrap();
    for number in 1..=6000 {
        append_reading(&outbox, number);
        if number % 700 == 0 {
            tidy(&outbox);
        }
    }
    assert!(packed(&folder).0 > 2);
    let left = rows(&outbox);
    assert!(left.len() > 1500, "{} rows are left", left.len());
    for row in &left {
        assert_eq!(payload(row), reading(row.seq as u64));
    }
    assert_eq!(outbox.dropped().unwrap().transactions, 6000 - left.len() as u64);
    let losses = outbox.losses(mark, i64::MAX).unwrap();
    assert_eq!(
        (losses.len(), losses[0].first, losses[0].last),
        (1, 1, left[0].seq - 1)
    );
}

#[test]
fn a_damaged_pack_costs_its_own_transactions_and_they_are_reported() {
    let folder = Folder::new();
    let outbox = with_readings(&folder, 1500);
    tidy(&outbox);
    let before = rows(&outbox);
    let mark = outbox.loss_mark().unwrap();
    drop(outbox);
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    let (first, last): (i64, i64) = file
        .query_row(
            "SELECT first, seq FROM tx WHERE first > 1 ORDER BY seq LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    file.execute(
        "UPDATE tx SET payload = zeroblob(length(payload)) WHERE seq = ?1",
        [last],
    )
    .unwrap();
    drop(file);
    let outbox = open(&folder.path());
    let left = rows_with_gaps(&outbox);
    let expected: Vec<Row> = before
        .into_iter()
        .filter(|row| !(first..=last).contains(&row.seq))
        .collect();
    assert_eq!(left, expected);
    let losses = outbox.losses(mark, i64::MAX).unwrap();
    assert_eq!(losses.len(), 1);
    assert_eq!(
        (losses[0].first, losses[0].last, losses[0].reason),
        (first, last, LossReason::Damaged)
    );
}

#[test]
fn packing_survives_the_process() {
    const TEST: &str = "packing::packing_survives_the_process";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        while outbox.tidy().unwrap() {}
        // As if it were killed: nothing is closed.
        std::process::abort();
    }
    let folder = Folder::new();
    let outbox = with_readings(&folder, 1100);
    let before = rows(&outbox);
    drop(outbox);
    let mut other = std::process::Command::new(std::env::current_exe().unwrap());
    as_other_part(&mut other, TEST, &folder.path());
    assert!(!other.output().unwrap().status.success());
    let outbox = open(&folder.path());
    assert_eq!(rows(&outbox), before);
    assert!(packed(&folder).0 >= 3);
}

/// Random calls on an outbox, against a list.
#[test]
fn an_outbox_that_packs_is_a_queue() {
    for seed in 1..=4 {
        let folder = Folder::new();
        let mut outbox = relaxed(&folder);
        let mut waiting: Vec<(i64, Vec<u8>)> = Vec::new();
        let mut next = 1;
        for step in 0..100u64 {
            let random = noise(seed * 1000 + step, 8);
            match random[0] % 8 {
                0..=3 => {
                    for _ in 0..u64::from(random[1]) {
                        // Now and then one that is not small.
                        let number = next as u64;
                        let content = if number.is_multiple_of(97) {
                            numbered(number)
                        } else {
                            reading(number)
                        };
                        assert_eq!(append(&outbox, &content).unwrap(), next);
                        waiting.push((next, content));
                        next += 1;
                    }
                }
                4 => tidy(&outbox),
                5 if !waiting.is_empty() => {
                    let count = (usize::from(random[1]) * 3).min(waiting.len());
                    if count > 0 {
                        settle(&outbox, waiting[count - 1].0).unwrap();
                        waiting.drain(..count);
                    }
                }
                6 => {
                    drop(outbox);
                    outbox = relaxed(&folder);
                }
                _ => {
                    let skipped = usize::from(random[1]).min(waiting.len());
                    let after = waiting.get(skipped).map_or(next, |(seq, _)| seq - 1);
                    let lease = outbox.lease(after, u64::from(random[2]) * 100).unwrap();
                    let leased = lease.map_or(Vec::new(), |lease| lease.rows);
                    for (row, (seq, content)) in leased.iter().zip(&waiting[skipped..]) {
                        assert_eq!((row.seq, &payload(row)), (*seq, content));
                    }
                    assert_eq!(leased.is_empty(), skipped == waiting.len());
                }
            }
        }
        let left: Vec<(i64, Vec<u8>)> = rows(&outbox).iter().map(|row| (row.seq, payload(row))).collect();
        assert_eq!(left, waiting, "seed {seed}");
        assert_eq!(outbox.last_seq().unwrap(), next - 1);
    }
}

/// `first` of the oldest pack becomes `first`; returns what the pack stood for.
fn forge_first(folder: &Folder, first: i64) -> i64 {
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    let forge = "UPDATE tx SET first = ?1 WHERE seq = (SELECT min(seq) FROM tx) RETURNING seq";
    file.query_row(forge, [first], |row| row.get(0)).unwrap()
}

#[test]
fn a_pack_whose_beginning_is_damaged_costs_itself_alone_and_one_repair() {
    for first in [2, -4_000_000_000, 130, 1 << 40] {
        let folder = Folder::new();
        let outbox = with_readings(&folder, 1500);
        tidy(&outbox);
        let before = rows(&outbox);
        drop(outbox);
        let last = forge_first(&folder, first);
        let (outbox, _) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
        assert_eq!(rows_with_gaps(&outbox), before[last as usize..], "{first}");
        assert_eq!(rows_with_gaps(&outbox), before[last as usize..], "{first}");
        let names = folder.names();
        let moved =
            |name: &&String| name.contains(".corrupt-") && !name.ends_with("-wal") && !name.ends_with("-shm");
        assert_eq!(names.iter().filter(moved).count(), 1, "{names:?}");
    }
}

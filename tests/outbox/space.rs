//! Space comes back to the file system after a drain.

use realm_ingest::outbox::{Outbox, Pending};

use crate::common::{Folder, append, drain, noise, open, rows, settle};

#[test]
fn space_comes_back_after_a_drain() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..40 {
        append(&outbox, &noise(number, 500_000)).unwrap();
    }
    assert!(folder.bytes() > 20_000_000);
    drain(&outbox);
    outbox.compact().unwrap();
    assert!(folder.bytes() < 1_000_000, "{} bytes are left", folder.bytes());
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
}

#[test]
fn what_still_waits_survives_giving_space_back() {
    for left in [3, 25] {
        let folder = Folder::new();
        let outbox = open(&folder.path());
        for number in 1..=40 {
            append(&outbox, &noise(number, 500_000)).unwrap();
        }
        settle(&outbox, 40 - left).unwrap();
        let expected = rows(&outbox);
        outbox.compact().unwrap();
        let most = left as u64 * 520_000 + 2_000_000;
        assert!(folder.bytes() < most, "{} bytes for {left} rows", folder.bytes());
        assert_eq!(rows(&outbox), expected);
        assert_eq!(expected.len() as i64, left);
        drop(outbox);
        assert_eq!(rows(&open(&folder.path())), expected);
    }
}

#[test]
fn a_small_outbox_is_left_as_it_is() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..20 {
        append(&outbox, b"document").unwrap();
        drain(&outbox);
        let before = (folder.bytes(), outbox.version().unwrap());
        outbox.compact().unwrap();
        assert_eq!((folder.bytes(), outbox.version().unwrap()), before);
    }
    assert_eq!(outbox.pending().unwrap(), Pending::default());
}

#[test]
fn the_log_of_many_small_writes_stays_bounded() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..3_000 {
        append(&outbox, &noise(number, 100)).unwrap();
    }
    let log = folder.join("default.realm-wal").metadata().unwrap().len();
    assert!(log < 5_000_000, "{log} bytes of log");
}

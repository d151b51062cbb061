//! Order, counting and settling.

use realm_ingest::outbox::{Error, Outbox, Pending, Run, WriteTransaction};

use crate::common::{Folder, append, noise, open, payload, rows, schema, settle};

#[test]
fn rows_come_out_as_they_went_in_and_in_order() {
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    let schema = outbox.register_schema("aa", "{}").unwrap();
    let runs = [
        Run {
            class: "A".into(),
            count: 2,
        },
        Run {
            class: "Bü".into(),
            count: 300,
        },
    ];
    let large = vec![b'x'; 100_000];
    let [first, third] = [b"first", b"third"].map(|text| text.repeat(100));
    for payload in [&first, &large, &third] {
        outbox
            .append(&WriteTransaction {
                schema,
                runs: &runs,
                payload,
            })
            .unwrap();
    }
    let rows = rows(outbox);
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        rows.iter().map(payload).collect::<Vec<_>>(),
        [first, large, third]
    );
    for row in rows {
        assert_eq!(
            (row.schema, row.objects, &row.runs[..]),
            (schema, 302, runs.as_slice())
        );
    }
}

#[test]
fn a_lease_takes_what_fits_and_at_least_one_row() {
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    for size in [10, 10, 10, 500, 10] {
        append(outbox, &vec![b'x'; size]).unwrap();
    }
    let lease = |after, max| {
        outbox
            .lease(after, max)
            .unwrap()
            .map(|lease| (lease.first_seq(), lease.last_seq()))
    };
    assert_eq!(lease(0, 25), Some((1, 2)));
    assert_eq!(lease(2, 25), Some((3, 3)), "the next row does not fit beside it");
    assert_eq!(
        lease(3, 25),
        Some((4, 4)),
        "a row larger than the limit goes alone"
    );
    assert_eq!(lease(0, 530), Some((1, 4)));
    assert_eq!(lease(0, u64::MAX), Some((1, 5)));
    assert_eq!(lease(5, 25), None);
}

#[test]
fn rows_leave_only_when_settled() {
    // Invariant 3.
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    for _ in 0..6 {
        append(outbox, b"document").unwrap();
    }
    outbox.lease(0, 1000).unwrap();
    assert_eq!(
        outbox.pending().unwrap(),
        Pending {
            transactions: 6,
            objects: 6,
            bytes: 48
        }
    );
    settle(outbox, 2).unwrap();
    assert_eq!(rows(outbox).first().unwrap().seq, 3);
    assert!(!outbox.pending_through(2).unwrap());
    assert!(outbox.pending_through(3).unwrap());
    assert_eq!(outbox.last_seq().unwrap(), 6);
    settle(outbox, 100).unwrap();
    assert_eq!(outbox.pending().unwrap(), Pending::default());
    assert!(!outbox.pending_through(i64::MAX).unwrap());
    assert_eq!(outbox.last_seq().unwrap(), 6);
}

#[test]
fn a_schema_is_kept_once_and_found_again() {
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    let first = outbox.register_schema("aa", "{\"a\":1}").unwrap();
    let second = outbox.register_schema("bb", "{}").unwrap();
    assert_ne!(first, second);
    assert_eq!(outbox.register_schema("aa", "{\"a\":1}").unwrap(), first);
    assert_eq!(outbox.schema(first).unwrap().json, "{\"a\":1}");
    assert_eq!(outbox.schema(second).unwrap().fingerprint, "bb");
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    let schema = schema(outbox);
    let runs = [Run {
        class: "A".into(),
        count: 1,
    }];
    let none = [
        Run {
            class: "A".into(),
            count: 1,
        },
        Run {
            class: "B".into(),
            count: 0,
        },
    ];
    let refused = |schema, runs, payload| {
        outbox
            .append(&WriteTransaction {
                schema,
                runs,
                payload,
            })
            .unwrap_err()
    };
    assert!(matches!(refused(schema, &[], b"x"), Error::NoDocuments));
    assert!(matches!(refused(schema, &none, b"x"), Error::NoDocuments));
    assert!(matches!(refused(schema, &runs, b""), Error::NoDocuments));
    let two = [Run {
        class: "A".into(),
        count: 2,
    }];
    assert!(matches!(refused(schema, &two, b"x"), Error::NoDocuments));
    let elsewhere = Folder::new();
    let other = open(&elsewhere.path());
    let unknown = ["a", "b", "c"].map(|name| other.register_schema(name, "{}").unwrap())[2];
    assert!(matches!(refused(unknown, &runs, b"x"), Error::UnknownSchema { id } if id == unknown));
    assert_eq!(outbox.pending().unwrap(), Pending::default());
    assert_eq!(outbox.last_seq().unwrap(), 0);
}

#[test]
fn one_uploader_at_a_time() {
    // Invariant 5.
    let folder = Folder::new();
    let outbox = &open(&folder.path());
    let guard = outbox.try_become_uploader().unwrap().unwrap();
    assert!(outbox.try_become_uploader().unwrap().is_none());
    drop(guard);
    assert!(outbox.try_become_uploader().unwrap().is_some());
}

#[test]
fn what_else_stands_where_the_right_is_kept_is_not_in_the_way() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    std::fs::write(folder.join("default.realm.uploader"), noise(1, 5_000)).unwrap();
    let guard = outbox.try_become_uploader().unwrap();
    assert!(guard.is_some());
    assert!(outbox.try_become_uploader().unwrap().is_none());
}

#[test]
fn a_write_by_someone_else_changes_the_version() {
    let folder = Folder::new();
    let (outbox, other) = (open(&folder.path()), open(&folder.path()));
    let before = outbox.version().unwrap();
    assert_eq!(outbox.version().unwrap(), before);
    append(&other, b"document").unwrap();
    assert_ne!(outbox.version().unwrap(), before);
    assert_eq!(rows(&outbox).len(), 1);
}

//! Rows that are taken away without having been sent: a wait for them says so.

use realm_ingest::Code;
use realm_ingest::outbox::{Cap, Policy, Run};
use realm_ingest::realm::{Realm, RealmConfig};

use crate::common::{Fixture, LIMIT, SCHEMA, handler, until, uploaded, wait, write};

/// A reading that is large and does not compress.
fn write_large(realm: &Realm, id: i64) {
    let mut state = id as u64 + 1;
    let text: String = (0..10_000)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            char::from(b'!' + (state >> 33) as u8 % 90)
        })
        .collect();
    let document = bson::serialize_to_vec(&bson::doc! {"_id": id, "note": text}).unwrap();
    let run = Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    realm.append(&[run], &document).unwrap();
}

#[test]
fn a_wait_names_what_the_cap_took_and_a_later_one_does_not() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        cap: Cap {
            max_bytes: Some(300_000),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let (handler, errors) = handler();
    let realm = Realm::open(&fixture.user(), config, Some(handler)).unwrap();
    realm.session().pause();
    write_large(&realm, 1);
    write_large(&realm, 2);
    let first = wait(&realm);
    for id in 3..=60 {
        write_large(&realm, id);
    }
    let second = wait(&realm);
    realm.session().resume();
    let lost = first.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(
        (lost.code(), lost.to_string().as_str()),
        (
            Code::LimitExceeded,
            "not all of what was waited for was uploaded: the write transactions 1 to 2 were dropped to stay under the cap \
             of the outbox"
        )
    );
    second.recv_timeout(LIMIT).unwrap().unwrap();
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::LimitExceeded, false));
    assert!(!fixture.server.ids().contains(&2));
    uploaded(&realm);
}

#[test]
fn a_wait_for_a_file_of_which_nothing_could_be_read_fails() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    uploaded(&realm);
    realm.session().pause();
    // More than SQLite keeps in memory.
    for id in 1..=300 {
        write_large(&realm, id);
    }
    let waiting = wait(&realm);
    for ending in ["", "-wal"] {
        let mut path = realm.path().to_owned().into_os_string();
        path.push(ending);
        let size = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, vec![b'?'; usize::try_from(size).unwrap()]).unwrap();
    }
    realm.session().resume();
    let lost = waiting.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(lost.code(), Code::InvalidDatabase, "{lost}");
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::InvalidDatabase, false));
    // The session goes on with the new file.
    write(&realm, [4]);
    uploaded(&realm);
    until("the row", || fixture.server.ids() == [4]);
}

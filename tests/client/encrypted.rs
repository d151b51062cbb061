//! Realms with an encryption key: what they write is sent as ever, and nobody without the key reads, sends or moves it.

use std::path::{Path, PathBuf};

use realm_ingest::Code;
use realm_ingest::app::{Credentials, User};
use realm_ingest::outbox::{Key, Pending};
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};

use crate::common::{Fixture, SCHEMA, closed, until, uploaded, write};

const KEY: [u8; 64] = [7; 64];
const OTHER: [u8; 64] = [8; 64];

fn with_key(key: Option<[u8; 64]>) -> RealmConfig {
    RealmConfig {
        encryption_key: key,
        ..RealmConfig::new(SCHEMA)
    }
}

fn open(user: &User, key: Option<[u8; 64]>) -> realm_ingest::Result<Realm> {
    Realm::open(user, with_key(key), None)
}

/// Writes to the user's default realm what is not to be sent for now, and returns its path.
fn left_by(user: &User, key: Option<[u8; 64]>, ids: &[i64]) -> PathBuf {
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..with_key(key)
    };
    let realm = Realm::open(user, config, None).unwrap();
    realm.session().pause();
    ids.iter().for_each(|id| write(&realm, [*id]));
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    path
}

fn is_readable(path: &Path, text: &str) -> bool {
    let content = std::fs::read(path).unwrap();
    content.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[test]
fn what_is_written_with_a_key_is_sent_and_cannot_be_read_in_the_file() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(KEY), &[1, 2]);
    for text in ["Reading", "reading 1", user.id(), "app-test"] {
        assert!(!is_readable(&path, text), "{text}");
    }
    let realm = open(&user, Some(KEY)).unwrap();
    write(&realm, [3]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
}

#[test]
fn another_key_or_none_is_refused_as_a_file_that_cannot_be_used() {
    let fixture = Fixture::new();
    let user = fixture.user();
    left_by(&user, Some(KEY), &[1]);
    for (key, sentence) in [
        (None, "is encrypted: open it with its encryption key"),
        (
            Some(OTHER),
            "was encrypted with another encryption key: open it with that one",
        ),
    ] {
        let error = open(&user, key).unwrap_err();
        assert_eq!(error.code(), Code::InvalidDatabase);
        assert!(error.to_string().ends_with(sentence), "{error}");
    }
    uploaded(&open(&user, Some(KEY)).unwrap());
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_path_that_is_open_takes_no_other_key() {
    let fixture = Fixture::new();
    let user = fixture.user();
    for (first, second) in [(Some(KEY), Some(OTHER)), (Some(KEY), None), (None, Some(KEY))] {
        let config = RealmConfig {
            path: Some(
                fixture
                    .directory
                    .path()
                    .join(format!("{}.realm", first.is_some())),
            ),
            ..with_key(first)
        };
        let realm = Realm::open(&user, config.clone(), None).unwrap();
        let other = RealmConfig {
            encryption_key: second,
            ..config.clone()
        };
        let error = Realm::open(&user, other, None).unwrap_err();
        assert_eq!(error.code(), Code::MismatchedConfig);
        assert_eq!(
            error.to_string(),
            format!(
                "Realm at path '{}' already opened with a different encryption key.",
                realm.path().display()
            )
        );
        Realm::open(&user, config, None).unwrap();
    }
}

#[test]
fn urgent_classes_wait_encrypted_as_well() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let config = RealmConfig {
        urgent: vec!["Reading".to_owned()],
        ..with_key(Some(KEY))
    };
    let realm = Realm::open(&user, config.clone(), None).unwrap();
    realm.session().pause();
    write(&realm, [1]);
    let path = realm.path().with_extension("urgent.realm");
    assert!(path.exists() && !is_readable(&path, "Reading"));
    realm.session().resume();
    uploaded(&realm);
    drop(realm);
    until("the realm to be closed", || {
        Realm::rekey(&user, &config, Some(OTHER)).is_ok()
    });
    let config = RealmConfig {
        encryption_key: Some(OTHER),
        ..config
    };
    let realm = Realm::open(&user, config, None).unwrap();
    write(&realm, [2]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn what_waits_in_an_encrypted_file_stays_until_a_realm_is_opened_there() {
    let mut fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(KEY), &[1]);
    let plain = fixture
        .directory
        .path()
        .join("mongodb-realm/app-test/plain.realm");
    let config = RealmConfig {
        path: Some(plain),
        stop_policy: StopPolicy::Immediately,
        ..with_key(None)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    realm.session().pause();
    write(&realm, [2]);
    drop((realm, user));
    fixture.stop();
    let before = std::fs::read(&path).unwrap();
    let app = fixture.restarted();
    fixture
        .server
        .until("what needs no key", |state| !state.stored.is_empty());
    assert_eq!(fixture.server.ids(), [2]);
    assert!(std::fs::read(&path).unwrap() == before);
    let user = app.users().remove(0);
    uploaded(&open(&user, Some(KEY)).unwrap());
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn an_encrypted_file_is_listed_and_discarded_without_its_key_and_read_with_it() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(KEY), &[1, 2]);
    user.log_out().unwrap();
    let stranded = fixture.app.stranded().unwrap();
    assert_eq!(stranded.len(), 1);
    assert_eq!(
        (stranded[0].user.as_str(), stranded[0].pending.transactions),
        ("user1", 2)
    );

    let (key, other) = (Key::new(KEY), Key::new(OTHER));
    let export = fixture.directory.path().join("export.json");
    let error = fixture.app.export(&path, &export, None).unwrap_err();
    assert_eq!(error.code(), Code::InvalidDatabase);
    assert!(fixture.app.export(&path, &export, Some(&other)).is_err());
    assert!(!export.exists());
    assert_eq!(fixture.app.export(&path, &export, Some(&key)).unwrap(), 2);

    let next = fixture.app.login(&Credentials::anonymous()).unwrap();
    assert!(fixture.app.rehome(&path, &next, None).is_err());
    fixture.app.rehome(&path, &next, Some(&key)).unwrap();
    assert_eq!(fixture.app.stranded().unwrap(), []);
    let realm = Realm::open(
        &next,
        RealmConfig {
            path: Some(path.clone()),
            stop_policy: StopPolicy::Immediately,
            ..with_key(Some(KEY))
        },
        None,
    )
    .unwrap();
    uploaded(&realm);
    realm.session().pause();
    write(&realm, [3]);
    drop(realm);
    closed(&path);
    assert_eq!(fixture.app.discard(&path).unwrap().transactions, 1);
    assert!(!path.exists());
}

#[test]
fn an_encrypted_file_that_is_damaged_is_listed_and_discarded_beside_others() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(KEY), &[1, 2]);
    let whole = path.with_file_name("whole.realm");
    std::fs::copy(&path, &whole).unwrap();
    user.log_out().unwrap();
    overwrite_rows(&path);
    let mut stranded = fixture.app.stranded().unwrap();
    stranded.sort_by_key(|one| one.pending.transactions);
    let found = stranded
        .iter()
        .map(|one| (&one.path, one.user.as_str(), one.pending.transactions));
    assert_eq!(Vec::from_iter(found), [(&path, "", 0), (&whole, "user1", 2)]);
    assert_eq!(fixture.app.discard(&path).unwrap(), Pending::default());
    assert!(!path.exists() && whole.exists());
}

/// Overwrites the first page of the table of rows.
pub fn overwrite_rows(path: &Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'tx'";
    let page = file.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    drop(file);
    let mut content = std::fs::read(path).unwrap();
    content[(page - 1) * 4096..page * 4096].fill(0xa5);
    std::fs::write(path, content).unwrap();
}

#[test]
fn the_encrypted_files_of_a_user_who_is_removed_are_deleted_and_no_others() {
    let mut fixture = Fixture::new();
    let user = fixture.user();
    let anonymous = fixture.app.login(&Credentials::anonymous()).unwrap();
    let gone = left_by(&anonymous, Some(KEY), &[1]);
    // In the folder of who is removed, and somebody else's by now.
    let moved = gone.with_file_name("moved.realm");
    let config = RealmConfig {
        path: Some(moved.clone()),
        stop_policy: StopPolicy::Immediately,
        ..with_key(Some(KEY))
    };
    let realm = Realm::open(&anonymous, config, None).unwrap();
    realm.session().pause();
    write(&realm, [2]);
    drop(realm);
    closed(&moved);
    fixture.app.rehome(&moved, &user, Some(&Key::new(KEY))).unwrap();
    anonymous.log_out().unwrap();
    drop((user, anonymous));
    fixture.stop();
    let _app = fixture.restarted();
    assert!(!gone.exists());
    assert!(moved.exists());
}

#[test]
fn a_realm_gets_another_key_and_goes_on_where_it_was() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, None, &[1, 2]);
    let mut key = None;
    for next in [Some(KEY), Some(OTHER), None, Some(KEY)] {
        Realm::rekey(&user, &with_key(key), next).unwrap();
        assert_eq!(is_readable(&path, "reading 1"), next.is_none());
        key = next;
    }
    Realm::rekey(&user, &with_key(None), Some(KEY)).unwrap();
    let error = Realm::rekey(&user, &with_key(None), Some(OTHER)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidDatabase);
    let realm = open(&user, Some(KEY)).unwrap();
    let error = Realm::rekey(&user, &with_key(Some(KEY)), None).unwrap_err();
    assert_eq!(error.code(), Code::LogicError);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn a_session_that_ends_lets_go_of_the_file_for_who_waits_for_it() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let mut key = None;
    for round in 0..20_u8 {
        let config = RealmConfig {
            stop_policy: StopPolicy::Immediately,
            ..with_key(key)
        };
        let realm = Realm::open(&user, config, None).unwrap();
        // Paused, it finds out whether it is done, for which it needs the turn of the path.
        realm.session().pause();
        drop(realm);
        let next = Some([round; 64]);
        Realm::rekey(&user, &with_key(key), next).unwrap();
        key = next;
    }
}

#[test]
fn a_new_key_is_given_to_urgent_classes_of_which_an_exchange_is_not_finished() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(KEY), &[1]);
    let urgent = path.with_file_name("flx_sync_default.urgent.realm");
    std::fs::copy(&path, &urgent).unwrap();
    // As a file system without links leaves it: the damaged file is away, and the new one has not its name yet.
    let recovered = path.with_file_name("flx_sync_default.urgent.realm.recovered");
    std::fs::rename(&urgent, &recovered).unwrap();
    Realm::rekey(&user, &with_key(Some(KEY)), Some(OTHER)).unwrap();
    let outbox = |key| {
        let options = realm_ingest::outbox::Options {
            key: Some(Key::new(key)),
            ..Default::default()
        };
        realm_ingest::outbox::SqliteOutbox::open(&urgent, options).map(|_| ())
    };
    outbox(OTHER).unwrap();
}

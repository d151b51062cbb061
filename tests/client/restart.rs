//! A program that starts again finds what it left.

use realm_ingest::Code;
use realm_ingest::outbox::Run;
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, open_realm, uploaded, wait, write};

#[test]
fn what_a_former_run_left_is_uploaded_when_the_path_is_opened() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    realm.session().pause();
    write(&realm, [1, 2]);
    drop(realm);
    assert!(fixture.server.ids().is_empty());

    let app = fixture.restarted();
    let (realm, _errors) = open_realm(&app.current_user().unwrap());
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn a_batch_whose_answer_was_lost_with_the_process_is_not_doubled() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&realm, [1, 2]);
    fixture.server.until_held(1);
    // The process ends here as far as the outbox is concerned; the server goes on.
    drop(realm);
    fixture.server.release();
    fixture
        .server
        .until("the held batch to be stored", |state| state.stored.len() == 2);

    let app = fixture.restarted();
    let (realm, _errors) = open_realm(&app.current_user().unwrap());
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [0, 1, 2]);
    assert_eq!(fixture.server.state().repeated, 1);
}

#[test]
fn damage_to_the_file_costs_the_rows_in_it_and_is_reported() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, _errors) = open_realm(&user);
    uploaded(&realm);
    realm.session().pause();
    let path = realm.path().to_owned();
    for id in 1..=30 {
        write(&realm, [id]);
    }
    drop(realm);
    drop(user);
    closed(&path);
    // One bit of a document, which SQLite takes for granted.
    let mut content = std::fs::read(&path).unwrap();
    let id = [b"\x12_id\0".as_slice(), &15_i64.to_le_bytes()].concat();
    let place = content.windows(id.len()).position(|found| found == id).unwrap();
    content[place + 6] ^= 1;
    std::fs::write(&path, content).unwrap();

    let app = fixture.restarted();
    fixture.server.next("GET ingest/", Reaction::Hold);
    let (realm, errors) = open_realm(&app.current_user().unwrap());
    let waiting = wait(&realm);
    fixture.server.release();
    let lost = waiting.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(
        (lost.code(), lost.to_string().as_str()),
        (
            Code::InvalidDatabase,
            "not all of what was waited for was uploaded: write transaction 15 could not be read of the damaged outbox"
        )
    );
    uploaded(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::InvalidDatabase, false));
    assert!(
        error
            .message
            .contains("29 write transactions of it are kept and will be sent, at least 1 could not be read"),
        "{}",
        error.message
    );
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    let expected: Vec<i64> = (1..=30).filter(|id| *id != 15).collect();
    assert_eq!(ids, expected);
}

#[test]
fn an_older_copy_of_the_file_takes_a_new_identity_and_loses_nothing() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (realm, _errors) = open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    std::fs::copy(&path, path.with_extension("copy")).unwrap();
    let (realm, _errors) = open_realm(&user);
    write(&realm, [2]);
    write(&realm, [3]);
    uploaded(&realm);
    drop(realm);

    closed(&path);
    std::fs::copy(path.with_extension("copy"), &path).unwrap();
    let (realm, errors) = open_realm(&user);
    // Would be taken for transaction 2 of the outbox that the server knows.
    write(&realm, [4]);
    uploaded(&realm);
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::InvalidDatabase, false));
    assert!(errors.try_recv().is_err(), "it is told once");
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(fixture.server.state().positions.len(), 2);
}

#[test]
fn an_outbox_that_the_server_knows_from_another_file_takes_a_new_identity_and_loses_nothing() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    let copied = || Reaction::error(409, "OutboxCopied", "another file has sent these transactions");
    fixture.server.next("POST ingest", copied());
    realm.session().pause();
    write(&realm, [2]);
    write(&realm, [3]);
    realm.session().resume();
    uploaded(&realm);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(fixture.server.state().positions.len(), 2);
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::InvalidDatabase, false));
    assert!(errors.try_recv().is_err(), "it is told once");

    for _ in 0..2 {
        fixture.server.next("POST ingest", copied());
    }
    write(&realm, [4]);
    uploaded(&realm);
    let told: Vec<_> = errors.try_iter().map(|error| error.code).collect();
    assert_eq!(
        told,
        [Code::InvalidDatabase, Code::SyncProtocolInvariantFailed],
        "a server that says it of every name is not believed"
    );
}

#[test]
fn a_server_that_forgot_what_it_acknowledged_is_told_of_once() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    for id in 1..=5 {
        write(&realm, [id]);
    }
    uploaded(&realm);
    for position in fixture.server.state().positions.values_mut() {
        *position = 3;
    }
    for _ in 0..2 {
        realm.session().pause();
        realm.session().resume();
        uploaded(&realm);
    }
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (told.code, told.is_fatal),
        (Code::SyncProtocolInvariantFailed, false)
    );
    assert!(
        told.message
            .starts_with("the server knows write transactions up to 3 of outbox ")
            && told.message.contains(", but 5 were acknowledged: "),
        "{}",
        told.message
    );
    assert!(errors.try_recv().is_err());
    write(&realm, [6]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_file_opens_with_every_release_whatever_it_changed_in_its_classes() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let open = |schema: &str| Realm::open(&user, RealmConfig::new(schema), None).unwrap();
    let changed = SCHEMA.replace("string", "bool");
    let document = bson::serialize_to_vec(&bson::doc! {"_id": 2_i64, "note": true}).unwrap();
    let run = Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    let (older, newer) = (open(SCHEMA), open(&changed));
    older.session().pause();
    write(&older, [1]);
    newer.append(&[run], &document).unwrap();
    write(&older, [3]);
    drop((older, newer));
    let again = (open(&changed), open(SCHEMA));
    uploaded(&again.1);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
    assert_eq!(fixture.server.state().schemas.len(), 2);
}

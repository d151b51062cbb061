//! What an application chooses for a path: whom it binds, and what becomes of what is dropped.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use realm_ingest::Code;
use realm_ingest::outbox::{Cap, Durability, Policy};
use realm_ingest::realm::{ErrorHandler, Realm, RealmConfig};

use crate::common::{Fixture, LIMIT, SCHEMA, handler, uploaded, write};

fn relaxed() -> RealmConfig {
    RealmConfig {
        durability: Durability::Relaxed,
        ..RealmConfig::new(SCHEMA)
    }
}

#[test]
fn a_path_that_is_open_is_not_opened_with_other_options() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let first = Realm::open(&user, relaxed(), None).unwrap();
    let error = Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert_eq!(
        error.to_string(),
        format!(
            "Realm at path '{}' already opened with different ingest options.",
            first.path().display()
        )
    );
    let second = Realm::open(&user, relaxed(), None).unwrap();
    write(&second, [1]);
    uploaded(&first);
}

#[test]
fn a_path_that_nobody_has_open_is_opened_with_other_options_while_its_session_works_on() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let realm = Realm::open(&user, relaxed(), None).unwrap();
    uploaded(&realm);
    fixture
        .server
        .next("POST ingest", crate::common::server::Reaction::Hold);
    write(&realm, [1]);
    fixture.server.until_held(1);
    drop(realm);
    let config = RealmConfig {
        cap: Cap {
            max_objects: Some(1),
            ..Cap::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_newest_write_that_is_dropped_is_told_and_those_before_it_are_uploaded() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        cap: Cap {
            max_objects: Some(2),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let (handler, errors) = handler();
    let realm = Realm::open(&fixture.user(), config, Some(handler)).unwrap();
    realm.session().pause();
    for id in 1..=3 {
        write(&realm, [id]);
    }
    let told = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::LimitExceeded, false));
    assert!(
        told.message.ends_with("1 objects were dropped"),
        "{}",
        told.message
    );
    realm.session().resume();
    uploaded(&realm);
    write(&realm, [4]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 4]);
}

#[test]
fn what_is_dropped_while_the_handler_is_busy_is_told_at_once_when_it_has_returned() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        cap: Cap {
            max_objects: Some(1),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let (sender, told) = channel();
    let (release, released) = channel::<()>();
    let busy = Mutex::new((sender, released));
    let handler: ErrorHandler = Arc::new(move |error| {
        let busy = busy.lock().unwrap();
        busy.0.send(error.message.clone()).unwrap();
        busy.1.recv().unwrap();
    });
    let realm = Realm::open(&fixture.user(), config, Some(handler)).unwrap();
    realm.session().pause();
    write(&realm, [1]);
    write(&realm, [2]);
    let first = told.recv_timeout(LIMIT).unwrap();
    assert!(first.ends_with(" 1 objects were dropped"), "{first}");
    write(&realm, [3]);
    write(&realm, [4, 5]);
    release.send(()).unwrap();
    let second = told.recv_timeout(LIMIT).unwrap();
    assert!(second.ends_with(" 3 objects were dropped"), "{second}");
    release.send(()).unwrap();
}

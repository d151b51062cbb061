//! What wakes a device that has nothing to do.

use realm_ingest::outbox::Durability;
use realm_ingest::realm::{Realm, RealmConfig};

use crate::common::server::Reaction;
use crate::common::{Fixture, SCHEMA, until, uploaded, write};
#[cfg(target_os = "linux")]
use crate::processes::Part;

#[cfg(target_os = "linux")]
#[test]
fn an_idle_session_sleeps_until_another_process_writes() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    let pauses = fixture.clock.short_pauses().len();
    // The other process takes longer to start than any look at the file.
    for id in 2..=3 {
        Part::new(&fixture, &[("a@b.c", &[id])]).play_and_be_killed();
        fixture.server.until("the row of the other process", |state| {
            state.stored.len() == id as usize
        });
    }
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
    let looked: Vec<_> = fixture.clock.short_pauses().split_off(pauses);
    assert!(looked.is_empty(), "the clock wakes the session: {looked:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn apps_of_one_directory_come_to_rest_beside_an_outbox_that_nobody_can_send() {
    let mut fixture = Fixture::new();
    fixture.stop();
    Part::new(&fixture, &[("a@b.c", &[1])])
        .then_log_out("a@b.c")
        .play_and_be_killed();
    let apps = [fixture.restarted(), fixture.restarted()];
    let elsewhere = tempfile::tempdir().unwrap();
    until("rest", || {
        let pauses = fixture.clock.pauses().len();
        // Takes longer than many pauses of this clock.
        Part::new(&fixture, &[])
            .in_directory(elsewhere.path(), 1)
            .play_and_be_killed();
        fixture.clock.pauses().len() == pauses
    });
    assert_eq!(apps[0].stranded().unwrap().len(), 1);
    assert!(fixture.server.ids().is_empty());
}

#[test]
fn rows_that_have_to_wait_are_packed_between_attempts() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        durability: Durability::Relaxed,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&fixture.user(), config, None).unwrap();
    realm.session().pause();
    for id in 1..=700 {
        write(&realm, [id]);
    }
    fixture.clock.hold_long_pauses();
    let busy = vec![("Retry-After", "60".to_owned())];
    fixture
        .server
        .next("GET ingest/", Reaction::Answer(503, busy, String::new()));
    realm.session().resume();
    let file = rusqlite::Connection::open(realm.path()).unwrap();
    until("a pack", || {
        let packs = "SELECT count(*) FROM tx WHERE first IS NOT NULL";
        file.query_row(packs, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    });
    fixture.clock.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (1..=700).collect::<Vec<_>>());
}
